import CSndfile
import Support

/// WAV, FLAC, Ogg, AIFF and the rest, decoded by libsndfile.
final class SndfileSource: SampleSource {
    let info: AudioInfo
    private(set) var notes: [String] = []
    private let path: String
    private var delivered = 0   // frames read so far
    private let handle: OpaquePointer
    private let patched: PatchedFile?   // what the handle reads from, where the file's own header is wrong

    init(_ file: RandomAccessFile, content: AudioContent) throws {
        path = file.path
        var raw = SF_INFO()
        let wave = content.name == "WAV" ? try WaveHeader(file) : nil
        let corrections = wave?.corrections ?? []
        patched = corrections.isEmpty ? nil : PatchedFile(file, patches: corrections)
        guard let handle = patched?.open(&raw) ?? sf_open(path, Int32(SFM_READ), &raw) else {
            throw OpahError(.audio, "\(path): cannot be decoded as \(content.name): \(String(cString: sf_strerror(nil)))",
                            hint: "the file is damaged or uses a coding that is not supported; convert it to wav")
        }
        self.handle = handle
        var frames = Int(raw.frames)
        // A container that does not know its length says 0 or "unlimited"; one frame takes at least 1/65536
        // byte in any coding here, so that anything beyond is no length either.
        if frames <= 0 || frames / 65536 > file.size {
            frames = Self.count(handle, channels: Int(raw.channels))
            if frames > 0 { notes.append("the header states no usable length; counted \(frames) samples") }
        }
        info = AudioInfo(sampleRate: Int(raw.samplerate), channels: Int(raw.channels), frames: frames,
                         format: SndfileNames.container(raw.format), subtype: SndfileNames.subtype(raw.format))
        if let note = try wave?.fault(sampleRate: info.sampleRate, path: path) { notes.append(note) }
    }

    deinit { sf_close(handle) }

    private static func count(_ handle: OpaquePointer, channels: Int) -> Int {
        var scratch = [Float](repeating: 0, count: 4096 * max(1, channels)), frames = 0
        while case let got = Int(sf_readf_float(handle, &scratch, 4096)), got > 0 { frames += got }
        sf_seek(handle, 0, 0)
        return frames
    }

    func seek(to frame: Int) throws {
        guard sf_seek(handle, sf_count_t(frame), 0) == sf_count_t(frame) else {
            throw OpahError(.audio, "\(path): cannot go to sample \(frame): \(String(cString: sf_strerror(handle)))")
        }
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        let got = Int(sf_readf_float(handle, samples, sf_count_t(frames)))
        if got <= 0, sf_error(handle) != 0 {
            let reason = String(cString: sf_strerror(handle))
            guard delivered > 0 else {
                throw OpahError(.audio, "\(path): decoding failed: \(reason)", hint: "the file is damaged: replace it")
            }
            notes.append("decoding stopped early: \(reason)")
        }
        delivered += max(0, got)
        return max(0, got)
    }
}
