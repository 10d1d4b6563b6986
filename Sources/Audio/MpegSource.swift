import CMpg123
import Support

/// MPEG audio decoded by libmpg123, gapless: where a LAME tag tells the encoder's delay and padding, they
/// are cut off, so that the samples are as many as were encoded. Without the tag nothing is cut.
final class MpegSource: SampleSource {
    private(set) var info: AudioInfo
    private(set) var notes: [String] = []
    private let path: String
    private let handle: OpaquePointer
    private var consecutiveErrors = 0

    private static let initialised: Bool = mpg123_init() == MPG123_OK.rawValue

    init(_ file: RandomAccessFile, content: AudioContent) throws {
        path = file.path
        var code: Int32 = 0
        guard Self.initialised, let handle = mpg123_new(nil, &code) else {
            throw OpahError(.memory, "\(path): libmpg123 does not start: \(String(cString: mpg123_plain_strerror(code)))")
        }
        self.handle = handle
        // All stored properties get a value before anything may throw, so that deinit frees the handle.
        info = AudioInfo(sampleRate: 1, channels: 1, frames: 0, format: "MP3",
                         subtype: content.name == "MP3" ? "MPEG_LAYER_III" : "MPEG_LAYER_II")
        let flags = MPG123_QUIET.rawValue | MPG123_FORCE_FLOAT.rawValue | MPG123_GAPLESS.rawValue
            | MPG123_NO_FRANKENSTEIN.rawValue
        mpg123_param2(handle, Int32(MPG123_ADD_FLAGS.rawValue), Int(flags), 0)
        // Junk between frames is skipped however long it is; the file's end bounds it.
        mpg123_param2(handle, Int32(MPG123_RESYNC_LIMIT.rawValue), -1, 0)
        // After a seek, so many frames are decoded and dropped: at 8 kbit/s the bit reservoir spans 20 of them.
        mpg123_param2(handle, Int32(MPG123_PREFRAMES.rawValue), 32, 0)
        guard mpg123_open(handle, path) == MPG123_OK.rawValue else { throw failure("cannot be opened") }
        var rate = 0, channels: Int32 = 0, encoding: Int32 = 0
        guard mpg123_getformat(handle, &rate, &channels, &encoding) == MPG123_OK.rawValue,
              encoding == Int32(MPG123_ENC_FLOAT_32.rawValue), rate > 0, channels > 0
        else { throw failure("has no MPEG frame that can be decoded") }
        info.sampleRate = rate
        info.channels = Int(channels)
        if content.xing?.frames == nil { try scan() } else { info.frames = max(0, Int(mpg123_length(handle))) }
    }

    deinit {
        mpg123_close(handle)
        mpg123_delete(handle)
    }

    /// Counts what is there by reading every frame's header, for a file that promises no number or a wrong one.
    func scan() throws {
        guard mpg123_scan(handle) == MPG123_OK.rawValue else { throw failure("cannot be scanned") }
        info.frames = max(0, Int(mpg123_length(handle)))
    }

    private func failure(_ what: String) -> OpahError {
        OpahError(.audio, "\(path): \(what): \(String(cString: mpg123_strerror(handle)))",
                  hint: "the file is damaged: replace it, or convert it to wav")
    }

    func seek(to frame: Int) throws {
        guard mpg123_seek(handle, frame, 0) >= 0 else { throw failure("cannot go to sample \(frame)") }
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        let frameBytes = info.channels * MemoryLayout<Float>.size
        while true {
            var done = 0
            let code = mpg123_read(handle, samples, frames * frameBytes, &done)
            if done > 0 {
                consecutiveErrors = 0
                return done / frameBytes
            }
            switch code {
            case MPG123_DONE.rawValue, MPG123_NEED_MORE.rawValue: return 0
            case MPG123_NEW_FORMAT.rawValue:
                var rate = 0, channels: Int32 = 0, encoding: Int32 = 0
                mpg123_getformat(handle, &rate, &channels, &encoding)
                guard rate == info.sampleRate, Int(channels) == info.channels else {
                    notes.append("the stream changes to \(rate) Hz, \(channels) channels; read up to there")
                    return 0
                }
            case MPG123_OK.rawValue: continue
            default:
                // One bad frame is skipped by the next call; a decoder that stays stuck has reached the end.
                consecutiveErrors += 1
                if consecutiveErrors == 1 { notes.append("damaged frame: \(String(cString: mpg123_strerror(handle)))") }
                if consecutiveErrors >= 64 { return 0 }
            }
            try Interrupt.check()
        }
    }
}
