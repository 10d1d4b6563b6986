import Support

/// What a file is by its content. Names lie: MP3 data called .wav, web pages called .mp3.
struct AudioContent {
    enum Decoder { case mpeg, sndfile }

    var decoder: Decoder
    /// What to call it in a note: "MP3", "WAV", ...
    var name: String
    /// Suffixes that fit; for others a note is due.
    var suffixes: Set<String>
    /// For MPEG audio: the Xing/Info promise, and where the first frame starts.
    var xing: (frames: Int?, bytes: Int?)?
    var firstFrameOffset = 0
    var samplesPerFrame = 0

    /// Bytes looked at: enough for any header, and for junk before the first MPEG frame.
    private static let window = 1 << 16

    init(_ file: RandomAccessFile) throws {
        guard file.size > 0 else {
            throw OpahError(.audio, "\(file.path): empty file (0 bytes)", hint: "copy or download it again")
        }
        var offset = 0
        // ID3v2 tags: "ID3", version, flags, a size of 4 x 7 bits; a cover image makes them megabytes long.
        for _ in 0..<16 {
            let tag = try file.bytes(at: offset, count: 10)
            guard tag.count == 10, tag.has("ID3"), tag[6...9].allSatisfy({ $0 < 0x80 }) else { break }
            let size = tag[6...9].reduce(0) { $0 << 7 | Int($1) }
            offset += 10 + size + (tag[5] & 0x10 != 0 ? 10 : 0)
            while offset < file.size, try file.bytes(at: offset, count: 1) == [0] {
                // Padding after a tag, beyond its stated size.
                let zeros = try file.bytes(at: offset, count: Self.window).prefix { $0 == 0 }.count
                offset += zeros
            }
        }
        let head = try file.bytes(at: offset, count: Self.window)
        guard !head.isEmpty else {
            throw OpahError(.audio, "\(file.path): holds an ID3 tag and no audio", hint: "copy or download it again")
        }

        if let container = Self.containers.first(where: { head.has($0.magic) && head.has($0.then, at: $0.at) }) {
            self.init(.sndfile, container.name, container.suffixes)
        } else if let foreign = Self.foreign(head) {
            throw OpahError(.audio, "\(file.path): not audio that can be read: it is \(foreign.what)", hint: foreign.hint)
        } else if let first = MpegHeader.firstFrame(in: head, endsFile: offset + head.count == file.size) {
            self.init(.mpeg, first.header.layer == 3 ? "MP3" : "MPEG audio", ["mp3", "mp2", "mpga"])
            firstFrameOffset = offset + first.offset
            xing = first.header.xing(in: head, at: first.offset)
            samplesPerFrame = first.header.samplesPerFrame
        } else {
            let what = Self.looksLikeText(head) ? "text (\"\(Self.excerpt(head))\")"
                : head.allSatisfy { $0 == 0 } ? "zero bytes only" : "data of an unknown kind"
            throw OpahError(.audio, "\(file.path): not audio: it is \(what)",
                            hint: "replace the file; wav, flac, ogg, mp3 and aiff can be read")
        }
    }

    private init(_ decoder: Decoder, _ name: String, _ suffixes: Set<String>) {
        (self.decoder, self.name, self.suffixes) = (decoder, name, suffixes)
    }

    private static let wave: Set<String> = ["wav", "wave", "rf64"]
    private static let containers: [(magic: String, at: Int, then: String, name: String, suffixes: Set<String>)] = [
        ("RIFF", 8, "WAVE", "WAV", wave), ("RIFX", 8, "WAVE", "WAV", wave), ("RF64", 8, "WAVE", "WAV", wave),
        ("riff", 0, "", "W64", ["w64"]), ("fLaC", 0, "", "FLAC", ["flac"]), ("OggS", 0, "", "Ogg", ["ogg", "oga", "opus"]),
        ("FORM", 8, "AIF", "AIFF", ["aiff", "aif", "aifc"]), (".snd", 0, "", "AU", ["au", "snd"]),
        ("caff", 0, "", "CAF", ["caf"]), ("NIST_1A", 0, "", "NIST", ["wav", "sph", "nist"]),
    ]

    /// Content that people really give audio names to, with the way out.
    private static func foreign(_ head: [UInt8]) -> (what: String, hint: String)? {
        let convert = "convert it first, for example: ffmpeg -i INPUT OUTPUT.wav"
        let fetch = "the download went wrong (a login page, a missing file?): fetch it again"
        let text = String(decoding: head.prefix(512), as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        let start = text.prefix(64).lowercased()
        if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") || text.lowercased().contains("<html") {
            return ("a web page (HTML)", fetch)
        }
        if start.hasPrefix("version https://git-lfs") {
            return ("a Git LFS pointer, not the file itself", "run `git lfs pull` in that repository")
        }
        if start.hasPrefix("<?xml") { return ("an XML document", fetch) }
        if looksLikeText(head), start.hasPrefix("{") || start.hasPrefix("[") { return ("JSON text (\"\(excerpt(head))\")", fetch) }
        if head.has("ftyp", at: 4) { return ("MP4/M4A (AAC or ALAC)", convert) }
        if head.starts(with: [0x30, 0x26, 0xB2, 0x75]) { return ("Windows Media (WMA)", convert) }
        if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return ("Matroska/WebM", convert) }
        if head.has("RIFF"), head.has("AVI ", at: 8) { return ("an AVI video", convert) }
        if head.has("#!AMR") { return ("AMR speech", convert) }
        if head.has("MAC ") { return ("Monkey's Audio", convert) }
        if head.has("wvpk") { return ("WavPack", convert) }
        // ADTS: 12 sync bits, then layer 00, which MPEG audio proper does not use.
        if head.count > 1, head[0] == 0xFF, head[1] & 0xF6 == 0xF0 { return ("AAC (ADTS)", convert) }
        if head.has("PK\u{3}\u{4}") { return ("a ZIP archive", "unpack it") }
        if head.starts(with: [0x1F, 0x8B]) { return ("gzip data", "unpack it") }
        if head.has("%PDF") { return ("a PDF document", fetch) }
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47]) || head.starts(with: [0xFF, 0xD8, 0xFF, 0xE0]) {
            return ("an image", "replace it with the audio")
        }
        if head.starts(with: [0x93]), head.has("NUMPY", at: 1) { return ("a NumPy array (.npy)", "codes are not audio: decode them with the codec") }
        return nil
    }

    private static func looksLikeText(_ head: [UInt8]) -> Bool {
        let part = head.prefix(1024)
        let odd = part.count { $0 < 0x20 && $0 != 9 && $0 != 10 && $0 != 13 || $0 == 0x7F }
        // A window may cut a character in two; apart from that text is valid UTF-8.
        let broken = String(decoding: part, as: UTF8.self).unicodeScalars.count { $0 == "\u{FFFD}" }
        return odd == 0 && broken <= 1
    }

    private static func excerpt(_ head: [UInt8]) -> String {
        let line = String(decoding: head.prefix(120), as: UTF8.self)
            .split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.count > 40 ? line.prefix(40) + "…" : line
    }
}
