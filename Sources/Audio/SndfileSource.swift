import CSndfile
import Support

/// WAV, FLAC, Ogg, AIFF and the rest, decoded by libsndfile.
final class SndfileSource: SampleSource {
    let info: AudioInfo
    let stated: Int?
    private(set) var notes: [String] = []
    /// Where another file begins behind this one.
    let next: Int?
    private let path: String
    private var delivered = 0   // frames read so far
    private let decoder: SndfileDecoder
    private let isDamaged: Bool   // in places that are known

    /// - Parameters:
    ///   - range: the file's bytes that are this stream.
    ///   - link: what is known of it, where it is Ogg.
    ///   - notes: what is known of it already.
    init(
        _ file: RandomAccessFile, _ content: AudioContent, _ range: Range<Int>, link: OggLinks.Link? = nil,
        notes known: [String] = []
    ) throws {
        path = file.path
        notes = known
        isDamaged = link?.isDamaged ?? false
        let wave = content.name == "WAV" ? try WaveHeader(file, at: range.lowerBound) : nil
        guard wave != nil || content.name != "WAV" else {
            throw OpahError(
                .audio, "\(name: file.path): cannot be decoded as WAV: it has no `data` chunk",
                hint: "the file is damaged or no more than its beginning: copy or download it again")
        }
        let wave64 = content.name == "W64" ? try Wave64Header(file, range) : nil
        let pieces = wave?.pieces ?? wave64?.pieces ?? link?.ranges.map { .range($0) } ?? [.range(range)]
        next = wave?.next
        let view = FileView(file, pieces)
        guard let decoder = SndfileDecoder(view) else {
            try view.check()
            throw OpahError(
                .audio, "\(name: path): cannot be decoded as \(content.name): \(String(cString: sf_strerror(nil)))",
                hint: "the file is damaged or uses a coding that is not supported; convert it to wav")
        }
        self.decoder = decoder
        let raw = decoder.format
        var frames = Int(raw.frames), promised: Int?
        let channels = Int(raw.channels), format = SndfileNames.container(raw.format)
        func counted() throws -> Int {
            let (count, reason) = try Self.count(FileView(file, pieces))
            if count == 0, let reason {
                throw OpahError(
                    .audio, "\(name: file.path): decoding failed: \(reason)", hint: "the file is damaged: replace it")
            }
            return count
        }
        // A container that does not know its length says 0 or "unlimited"; one frame takes at least 1/65536
        // byte in any coding here, so that anything beyond is no length either.
        let isUsable = frames > 0 && frames / 65536 <= file.size && channels > 0
        if let link, isDamaged {
            // What decoders lose around a damaged page only they know.
            frames = channels > 0 ? try counted() : 0
            promised = Int(min((link.seconds * Double(raw.samplerate)).rounded(), 0x1p50))
        } else if !isUsable {
            frames = channels > 0 ? try counted() : 0
            if frames > 0 { notes.append("the header states no usable length; counted \(frames) samples") }
        } else if ["FLAC", "OGG"].contains(format), !Self.reaches(FileView(file, pieces), frames - 1) {
            promised = frames
            frames = min(frames, try counted())
        }
        info = AudioInfo(
            sampleRate: Int(raw.samplerate), channels: channels, frames: frames, format: format,
            subtype: SndfileNames.subtype(raw.format))
        stated = promised.map { $0 > frames ? $0 : nil } ?? nil
        if let note = try wave?.fault(sampleRate: info.sampleRate, path: path) { notes.append(note) }
    }

    /// Whether the last frame that the header promises can be decoded. A decoder of its own, since one that went there
    /// and back would not give the first samples to the last bit.
    private static func reaches(_ view: FileView, _ frame: Int) -> Bool {
        guard let decoder = SndfileDecoder(view) else { return false }
        var scratch = [Float](repeating: 0, count: max(1, Int(decoder.format.channels)))
        return decoder.seek(to: frame) && decoder.read(into: &scratch, frames: 1) == 1
    }

    /// Decodes everything, and says why it ended.
    static func count(_ view: FileView) throws -> (frames: Int, reason: String?) {
        guard let decoder = SndfileDecoder(view) else { return (0, String(cString: sf_strerror(nil))) }
        let channels = max(1, Int(decoder.format.channels)), atATime = framesAtATime(channels: channels)
        var scratch = [Float](repeating: 0, count: atATime * channels), frames = 0
        while case let got = decoder.read(into: &scratch, frames: atATime), got > 0 {
            frames += got
            try Interrupt.check()
        }
        try view.check()
        return (frames, decoder.problem)
    }

    /// Behind damage libsndfile counts what was lost, and this what was decoded: there it goes forward only, from the start.
    func seek(to frame: Int) throws {
        if isDamaged { return try skip(frame) }
        guard decoder.seek(to: frame) else {
            throw OpahError(
                .audio, "\(name: path): cannot go to sample \(frame): \(decoder.problem ?? "it has none")")
        }
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        let got = decoder.read(into: samples, frames: frames)
        if got == 0 {
            try decoder.view.check()
            if let reason = decoder.problem {
                guard delivered > 0 else {
                    throw OpahError(
                        .audio, "\(name: path): decoding failed: \(reason)", hint: "the file is damaged: replace it")
                }
                notes.append("decoding stopped early: \(reason)")
            }
        }
        delivered += got
        return got
    }
}
