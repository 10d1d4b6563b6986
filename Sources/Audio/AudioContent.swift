import Support

/// What a file is by its content. Names lie: MP3 data called .wav, web pages called .mp3.
struct AudioContent {
    enum Decoder { case mpeg, sndfile }

    var decoder: Decoder
    /// What to call it in a note: "MP3", "WAV", ...
    var name: String
    /// Suffixes that fit; for others a note is due.
    var suffixes: Set<String>
    /// Where it begins in the file.
    var start: Int
    /// What lies before it.
    var notes: [String] = []

    /// How the way out begins for a recording that cannot be read.
    static let conversion = "convert it first: "
    /// Bytes looked at: enough for any header, and for junk before the first MPEG frame.
    private static let window = 1 << 16
    /// How far is searched behind zero bytes, and behind bytes that mean nothing.
    private static let mostZeros = 1 << 30, mostJunk = 1 << 24

    /// - Parameter base: where to begin, for files behind others.
    init(_ file: RandomAccessFile, at base: Int = 0) throws {
        guard file.size > 0 else {
            throw OpahError(.audio, "\(name: file.path): empty file (0 bytes)", hint: "copy or download it again")
        }
        var offset = base
        var window = ByteWindow(file)
        for _ in 0 ..< 16 {
            guard let size = ID3.size(try window.slice(offset, 10)) else { break }
            // Padding after a tag, beyond its stated size.
            offset = try window.firstOther(than: 0, from: offset + size, before: file.size) ?? file.size
        }
        guard offset < file.size else {
            throw OpahError(
                .audio, "\(name: file.path): holds an ID3 tag and no audio", hint: "copy or download it again")
        }
        if let found = try Self.content(file, at: offset) {
            self = found
            return
        }
        let sound = try window.firstOther(than: 0, from: offset, before: min(file.size, offset + Self.mostZeros))
        if let sound, sound > offset, let found = try Self.content(file, at: sound) {
            self = found
            notes.append("begins with \(sound - offset) zero bytes, which were left out")
            return
        }
        let head = try file.bytes(at: offset, count: Self.window)
        // Text too: it may be longer than the window, and no MPEG frames are in it.
        if let sound {
            let limit = min(file.size, sound + Self.mostJunk)
            let whole = try WaveHeader.signature(&window, from: sound + 1, before: limit)
            let frames = try MpegScan.start(in: file, from: sound, before: whole ?? limit)
            if let place = frames ?? whole, let found = try Self.content(file, at: place) {
                self = found
                notes.append("begins with \(place - base) bytes that are no audio, which were left out")
                return
            }
        }
        let what =
            sound == nil
            ? (file.size - offset > Self.mostZeros ? "begins with more than 1 GiB of zero bytes" : "is zero bytes only")
            : Self.looksLikeText(head) ? "is text (\"\(Self.excerpt(head))\")" : "is data of an unknown kind"
        throw OpahError(
            .audio, "\(name: file.path): not audio: it \(what)",
            hint: "replace the file; \(AudioContainer.readable) can be read")
    }

    /// What begins exactly at `offset` (MPEG frames: soon after it); nil when that is nothing known.
    /// - Throws: `audio` for what is known and cannot be read.
    private static func content(_ file: RandomAccessFile, at offset: Int) throws -> AudioContent? {
        let head = try file.bytes(at: offset, count: window)
        let container = AudioContainer.of(head)
        // Ogg also carries what is not decoded here
        if container == nil || container?.name == "Ogg", let foreign = foreign(head) {
            let output = PathName.withoutSuffix(file.path) + ".wav"
            let hint =
                foreign.hint ?? Self.conversion + "ffmpeg -i \(ShellText.quoted(file.path)) \(ShellText.quoted(output))"
            throw OpahError(.audio, "\(name: file.path): not audio that can be read: it is \(foreign.what)", hint: hint)
        }
        if let container {
            return AudioContent(
                decoder: .sndfile, name: container.name, suffixes: Set(container.suffixes), start: offset)
        }
        guard let first = try MpegScan.start(in: file, from: offset, before: min(file.size, offset + window)),
            let header = MpegHeader(try file.bytes(at: first, count: 4)[...])
        else { return nil }
        let notes =
            first > offset ? ["begins with \(first - offset) bytes that are no MPEG frame, which were left out"] : []
        return AudioContent(
            decoder: .mpeg, name: header.layer == 3 ? AudioContainer.mpeg.name : "MPEG audio",
            suffixes: Set(AudioContainer.mpeg.suffixes), start: first, notes: notes)
    }

    /// What is odd about the file: its name, what lies before the sound.
    func notes(on path: String) -> [String] {
        let suffix = AudioFile.suffix(of: path)
        return suffix.isEmpty || suffixes.contains(suffix)
            ? notes : ["the name says .\(suffix), the content is \(name)"] + notes
    }

    private init(decoder: Decoder, name: String, suffixes: Set<String>, start: Int, notes: [String] = []) {
        (self.decoder, self.name, self.suffixes, self.start, self.notes) = (decoder, name, suffixes, start, notes)
    }

    /// Content that people really give audio names to, with the way out.
    /// Without a hint: ffmpeg converts it.
    private static func foreign(_ head: [UInt8]) -> (what: String, hint: String?)? {
        let convert: String? = nil
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
        if looksLikeText(head), start.hasPrefix("{") || start.hasPrefix("[") {
            return ("JSON text (\"\(excerpt(head))\")", fetch)
        }
        if head.has("ftyp", at: 4) { return ("MP4/M4A (AAC or ALAC)", convert) }
        if head.starts(with: [0x30, 0x26, 0xB2, 0x75]) { return ("Windows Media (WMA)", convert) }
        if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return ("Matroska/WebM", convert) }
        if head.has("RIFF"), head.has("AVI ", at: 8) { return ("an AVI video", convert) }
        if head.has("OggS"), head.has("Speex   ", at: 28) { return ("Speex speech", convert) }
        if head.has("FLV\u{1}") { return ("a Flash video", convert) }
        if head.has("Creative Voice File") { return ("a Creative voice file", convert) }
        if head.has("TTA1") { return ("True Audio", convert) }
        if head.has("MPCK") || head.has("MP+") { return ("Musepack", convert) }
        if head.has(".RMF") { return ("RealAudio", convert) }
        if head.has("DSD ") || head.has("FRM8") { return ("DSD audio", convert) }
        if head.starts(with: [0x0B, 0x77]) { return ("Dolby Digital (AC-3)", convert) }
        if head.starts(with: [0, 0, 1, 0xBA]) { return ("an MPEG video", convert) }
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
        if head.starts(with: [0x93]), head.has("NUMPY", at: 1) {
            return ("a NumPy array (.npy)", "codes are not audio: decode them with the codec")
        }
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
        let line =
            String(decoding: head.prefix(120), as: UTF8.self)
            .split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.count > 40 ? line.prefix(40) + "…" : line
    }
}
