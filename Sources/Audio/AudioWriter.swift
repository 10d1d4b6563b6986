import CSndfile
import Support
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How samples are stored in the containers that leave a choice (wav, flac, aiff, au, caf, w64).
public enum AudioSubtype: String, Sendable, CaseIterable {
    case pcm8, pcm16, pcm24, pcm32, float, double

    /// The coding that keeps what a file had; nil for lossy and rare codings, where the container's default serves.
    public init?(keeping info: AudioInfo) {
        switch info.subtype {
        case "PCM_U8", "PCM_S8": self = .pcm8
        case "PCM_16": self = .pcm16
        case "PCM_24": self = .pcm24
        case "PCM_32": self = .pcm32
        case "FLOAT": self = .float
        case "DOUBLE": self = .double
        default: return nil
        }
    }

    /// Bits of an integer coding, nil for the floating-point ones.
    var bits: Int? {
        switch self {
        case .pcm8: 8
        case .pcm16: 16
        case .pcm24: 24
        case .pcm32: 32
        case .float, .double: nil
        }
    }
}

extension AudioFile {
    /// Writes a file whose container follows from the suffix: wav flac ogg opus mp3 aiff au caf w64.
    /// It appears under its name when it is complete and synced, never half-written.
    ///
    /// Integer samples are rounded to the nearest step. Samples beyond ±1 cannot be stored in integers: they
    /// become ±1, and the returned notes say how many there were, how high, and when.
    /// - Parameter subtype: nil means pcm16; mp3, ogg and opus have their own coding and take no subtype.
    /// - Returns: notes, empty when all is well.
    /// - Throws: `audio` for NaN or infinite samples; `argument` for what the container cannot hold; `file`.
    @discardableResult
    public static func write(_ path: String, _ buffer: AudioBuffer, subtype: AudioSubtype? = nil) throws -> [String] {
        guard buffer.frames > 0 else { throw OpahError(.argument, "\(path): there are no samples to write") }
        let writer = try AudioWriter(path, sampleRate: buffer.sampleRate, channels: buffer.channels.count, frames: buffer.frames, subtype: subtype)
        try writer.append(buffer)
        return try writer.finish()
    }
}

/// Writes a file piece by piece, as `AudioFile.write` does the whole: one piece is in memory. Without `finish`
/// nothing is left behind.
public final class AudioWriter {
    private let path: String, temporary: String
    private let target: WriteTarget
    private let sampleRate: Int, channels: Int
    private var handle: OpaquePointer?
    private var frames = 0
    private var floats: [Float], integers: [Int32]
    // Samples beyond full scale: how many, where the first is, how far.
    private var beyond = 0, firstBeyond = Int.max, peak: Float = 0

    private static let block = 4096

    /// - Parameter frames: how many there will be, roughly: beyond 4 GB a wav file needs another header.
    /// - Throws: `argument` for what the container cannot hold; `file`.
    public init(_ path: String, sampleRate: Int, channels: Int, frames: Int, subtype: AudioSubtype? = nil) throws {
        (self.path, self.sampleRate, self.channels) = (path, sampleRate, channels)
        target = try WriteTarget(path, sampleRate: sampleRate, channels: channels, frames: frames, subtype)
        floats = [Float](repeating: 0, count: target.bits == nil ? Self.block * channels : 0)
        integers = [Int32](repeating: 0, count: target.bits == nil ? 0 : Self.block * channels)
        let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let name = String(decoding: path[cut...].utf8.prefix(180), as: UTF8.self)
        temporary = path[..<cut] + ".\(name).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    }

    deinit {
        guard let handle else { return }
        sf_close(handle)
        unlink(temporary)
    }

    /// The next samples.
    /// - Throws: `audio` for NaN or infinite samples; `file` when the system refuses.
    public func append(_ buffer: AudioBuffer) throws {
        guard buffer.channels.count == channels else {
            throw OpahError(.argument, "\(path): a piece has \(buffer.channels.count) channels where the file has \(channels)")
        }
        if let bad = buffer.firstNonFinite() {
            throw OpahError(.audio, "\(path): not written: sample \(frames + bad.frame) (at \(decimal(Double(frames + bad.frame) / Double(sampleRate))) s) is NaN or infinite",
                            hint: "find where it comes from; a division by a peak of 0 is the usual cause")
        }
        let handle = try handle ?? open()
        let count = buffer.frames, scale = target.bits.map { Double(1 << ($0 - 1)) } ?? 1, shift = 32 - (target.bits ?? 32)
        for start in stride(from: 0, to: count, by: Self.block) {
            try Interrupt.check()
            let count = min(Self.block, count - start)
            for (c, channel) in buffer.channels.enumerated() {
                if target.bits == nil {
                    for t in 0..<count { floats[t * channels + c] = channel[start + t] }
                } else {
                    for t in 0..<count {
                        let step = min(max((Double(channel[start + t]) * scale).rounded(), -scale), scale - 1)
                        integers[t * channels + c] = Int32(step) << Int32(shift)
                    }
                }
            }
            errno = 0
            let written = target.bits == nil ? sf_writef_float(handle, floats, sf_count_t(count))
                : sf_writef_int(handle, integers, sf_count_t(count))
            guard written == sf_count_t(count) else {
                throw errno != 0 ? OpahError.system(path, errno: errno, doing: "write")
                    : OpahError(.file, "\(path): cannot write: \(String(cString: sf_strerror(handle)))")
            }
        }
        let highest = buffer.peak
        if highest > 1 {
            for channel in buffer.channels {
                for (t, sample) in channel.enumerated() where abs(sample) > 1 {
                    beyond += 1
                    firstBeyond = min(firstBeyond, frames + t)
                }
            }
            peak = max(peak, highest)
        }
        frames += count
    }

    private func open() throws -> OpaquePointer {
        var info = target.info
        guard let handle = sf_open(temporary, Int32(SFM_WRITE), &info) else {
            let code = errno
            if code != 0, access(temporary, F_OK) != 0 { throw OpahError.system(path, errno: code, doing: "write") }
            unlink(temporary)
            throw OpahError(.file, "\(path): cannot write: \(String(cString: sf_strerror(nil)))",
                            hint: "resample to a usual rate, or write wav")
        }
        self.handle = handle
        // The PEAK chunk holds the time of day: without it equal samples make equal files.
        sf_command(handle, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, 0)
        if target.isMP3 {
            var mode = Int32(SF_BITRATE_MODE_VARIABLE), level = 0.2
            sf_command(handle, Int32(SFC_SET_BITRATE_MODE), &mode, 4)
            sf_command(handle, Int32(SFC_SET_COMPRESSION_LEVEL), &level, 8)
        }
        return handle
    }

    /// Closes and syncs the file, and gives it its name.
    /// - Returns: notes, as from `AudioFile.write`.
    public func finish() throws -> [String] {
        guard let handle else { throw OpahError(.argument, "\(path): there are no samples to write") }
        self.handle = nil
        errno = 0
        do {
            guard sf_close(handle) == 0 else { throw OpahError.system(path, errno: errno == 0 ? EIO : errno, doing: "write") }
            try place()
        } catch {
            unlink(temporary)
            throw error
        }
        guard beyond > 0 else { return [] }
        let where_ = "the first at \(decimal(Double(firstBeyond) / Double(sampleRate))) s, peak \(decimal(Double(peak)))"
        return [target.clips ? "\(beyond) samples beyond ±1 were clipped (\(where_)); lower the gain, or write float wav"
            : "\(beyond) samples are beyond ±1 (\(where_)): kept as they are"]
    }

    /// Syncs the complete temporary file and gives it its name.
    private func place() throws {
        let descriptor = Glibc.open(temporary, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            let code = errno
            if descriptor >= 0 { close(descriptor) }
            throw OpahError.system(path, errno: code, doing: "sync")
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw OpahError.system(path, errno: errno, doing: "rename into place") }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let directory = Glibc.open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }
}

/// The container and coding that a suffix asks for.
private struct WriteTarget {
    var info: SF_INFO
    var bits: Int?
    var clips: Bool
    var isMP3: Bool

    init(_ path: String, sampleRate: Int, channels: Int, frames: Int, _ subtype: AudioSubtype?) throws {
        let suffix = AudioFile.suffix(of: path)
        let lossy: Int? = switch suffix {
        case "mp3": SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III
        case "ogg", "oga": SF_FORMAT_OGG | SF_FORMAT_VORBIS
        case "opus": SF_FORMAT_OGG | SF_FORMAT_OPUS
        default: nil
        }
        let container: Int? = switch suffix {
        case "wav", "wave":
            // A RIFF size has 32 bits.
            frames * channels * 8 > 4_000_000_000 ? SF_FORMAT_RF64 : SF_FORMAT_WAV
        case "rf64": SF_FORMAT_RF64
        case "w64": SF_FORMAT_W64
        case "flac": SF_FORMAT_FLAC
        case "aiff", "aif", "aifc": SF_FORMAT_AIFF
        case "au": SF_FORMAT_AU
        case "caf": SF_FORMAT_CAF
        default: lossy
        }
        guard let container else {
            throw OpahError(.argument, "\(path): cannot write audio of the kind .\(suffix)",
                            hint: "use wav, flac, ogg, opus, mp3, aiff, au, caf or w64")
        }
        guard lossy == nil || subtype == nil else {
            throw OpahError(.argument, "\(path): .\(suffix) has its own coding and takes no subtype", hint: "leave subtype out")
        }
        let chosen = subtype ?? .pcm16
        let code = switch chosen {
        case _ where lossy != nil: 0
        case .pcm8: suffix.hasPrefix("w") || suffix == "rf64" ? SF_FORMAT_PCM_U8 : SF_FORMAT_PCM_S8
        case .pcm16: SF_FORMAT_PCM_16
        case .pcm24: SF_FORMAT_PCM_24
        case .pcm32: SF_FORMAT_PCM_32
        case .float: SF_FORMAT_FLOAT
        case .double: SF_FORMAT_DOUBLE
        }
        info = SF_INFO()
        info.samplerate = Int32(clamping: sampleRate)
        info.channels = Int32(clamping: channels)
        info.format = Int32(container | code)
        bits = lossy == nil ? chosen.bits : nil
        clips = lossy != nil || bits != nil
        isMP3 = suffix == "mp3"
        guard sf_format_check(&info) != 0 else {
            let coding = lossy == nil ? " as \(chosen.rawValue)" : ""
            throw OpahError(.argument, "\(path): .\(suffix) cannot hold \(channels) channel(s) at \(sampleRate) Hz\(coding)",
                            hint: suffix == "flac" ? "flac takes pcm8, pcm16 and pcm24" : "resample, mix to mono, or write wav")
        }
    }
}
