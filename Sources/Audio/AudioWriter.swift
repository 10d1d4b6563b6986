import CSndfile
import Glibc
import Support

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
        guard buffer.frames > 0 else { throw OpahError(.argument, "\(name: path): there are no samples to write") }
        let writer = try AudioWriter(
            path, sampleRate: buffer.sampleRate, channels: buffer.channels.count, frames: buffer.frames,
            subtype: subtype)
        try writer.append(buffer)
        return try writer.finish()
    }

    /// The same with the coding that `source` had, where the container can hold it; otherwise with what comes nearest,
    /// and a note: another rate (opus knows five), fewer channels, other samples.
    @discardableResult
    public static func write(_ path: String, _ buffer: AudioBuffer, like source: AudioInfo) throws -> [String] {
        let (fitted, subtype, notes) = try buffer.fitted(to: path, like: source)
        return try notes + write(path, fitted, subtype: subtype)
    }
}

/// Writes a file piece by piece, as `AudioFile.write` does the whole: one piece is in memory. Without `finish`
/// nothing is left behind.
public final class AudioWriter {
    private let path: String
    private var file: AtomicFile?
    private let target: WriteTarget
    private let sampleRate: Int, channels: Int
    private var handle: OpaquePointer?
    private var output: EncodedOutput?   // what the handle writes into
    private let write: EncodedOutput.Write
    private var frames = 0
    private var floats: [Float], integers: [Int32]
    // Samples beyond full scale: how many, where the first is, how far.
    private var beyond = 0, firstBeyond = Int.max, peak: Float = 0

    private static let block = 4096

    /// - Parameter frames: how many there will be, roughly: beyond 4 GB a wav file needs another header.
    /// - Throws: `argument` for what the container cannot hold; `file`.
    public convenience init(
        _ path: String, sampleRate: Int, channels: Int, frames: Int, subtype: AudioSubtype? = nil
    ) throws {
        try self.init(path, sampleRate: sampleRate, channels: channels, frames: frames, subtype: subtype) {
            pwrite($0, $1, $2, $3)
        }
    }

    /// - Parameter write: in place of pwrite(2), for tests of a disk that fails.
    package init(
        _ path: String, sampleRate: Int, channels: Int, frames: Int, subtype: AudioSubtype?,
        write: @escaping EncodedOutput.Write
    ) throws {
        (self.path, self.sampleRate, self.channels, self.write) = (path, sampleRate, channels, write)
        target = try WriteTarget(path, sampleRate: sampleRate, channels: channels, frames: frames, subtype)
        floats = [Float](repeating: 0, count: target.bits == nil ? Self.block * channels : 0)
        integers = [Int32](repeating: 0, count: target.bits == nil ? 0 : Self.block * channels)
    }

    deinit {
        if let handle { sf_close(handle) }
    }

    /// The first failure of a write, whatever the encoder said of it.
    private func checkWrites() throws {
        if let code = output?.failure, code != 0 { throw OpahError.system(path, errno: code, doing: "write") }
    }

    /// The next samples.
    /// - Throws: `audio` for NaN or infinite samples; `file` when the system refuses.
    public func append(_ buffer: AudioBuffer) throws {
        guard buffer.channels.count == channels else {
            throw OpahError(
                .argument, "\(name: path): a piece has \(buffer.channels.count) channels where the file has \(channels)"
            )
        }
        if let bad = buffer.firstNonFinite() {
            throw OpahError(
                .audio,
                "\(name: path): not written: sample \(frames + bad.frame) (at \(decimal(Double(frames + bad.frame) / Double(sampleRate))) s) is NaN or infinite",
                hint: "find where it comes from; a division by a peak of 0 is the usual cause")
        }
        let handle = try handle ?? open()
        let count = buffer.frames, scale = target.bits.map { Double(1 << ($0 - 1)) } ?? 1,
            shift = 32 - (target.bits ?? 32)
        for start in stride(from: 0, to: count, by: Self.block) {
            try Interrupt.check()
            let count = min(Self.block, count - start)
            for (c, channel) in buffer.channels.enumerated() {
                if target.bits == nil {
                    for t in 0 ..< count { floats[t * channels + c] = channel[start + t] }
                } else {
                    for t in 0 ..< count {
                        let step = min(max((Double(channel[start + t]) * scale).rounded(), -scale), scale - 1)
                        integers[t * channels + c] = Int32(step) << Int32(shift)
                    }
                }
            }
            let written =
                target.bits == nil
                ? sf_writef_float(handle, floats, sf_count_t(count))
                : sf_writef_int(handle, integers, sf_count_t(count))
            try checkWrites()
            guard written == sf_count_t(count) else {
                throw OpahError(.file, "\(name: path): cannot write: \(String(cString: sf_strerror(handle)))")
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
        let file = try AtomicFile(path), output = EncodedOutput(file.descriptor, write: write)
        self.output = output
        guard let handle = output.openSndfile(&info) else {
            try checkWrites()
            throw OpahError(
                .file, "\(name: path): cannot write: \(String(cString: sf_strerror(nil)))",
                hint: "resample to a usual rate, or write wav")
        }
        (self.handle, self.file) = (handle, file)
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
        guard let handle, let file else { throw OpahError(.argument, "\(name: path): there are no samples to write") }
        (self.handle, self.file) = (nil, nil)   // whatever happens below, nothing is left behind
        let code = sf_close(handle)   // the encoder's last bytes, and its header once more
        try checkWrites()
        guard code == 0 else { throw OpahError.system(path, errno: EIO, doing: "write") }
        try file.commit()
        guard beyond > 0 else { return [] }
        let where_ =
            "the first at \(decimal(Double(firstBeyond) / Double(sampleRate))) s, peak \(decimal(Double(peak)))"
        return [
            target.clips
                ? "\(beyond) samples beyond ±1 were clipped (\(where_)); lower the gain, or write float wav"
                : "\(beyond) samples are beyond ±1 (\(where_)): kept as they are"
        ]
    }
}
