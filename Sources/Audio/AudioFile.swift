import Glibc
import Support

/// Audio files: what they are, reading, writing (AudioWriter.swift) and naming (AudioName.swift).
///
/// The content decides how a file is read, not its name. MPEG audio goes through libmpg123 (gapless),
/// everything else through libsndfile. `AudioContainer.all` lists them.
public enum AudioFile {
    /// Rate, channels, length and coding. The length is that of what can be decoded, as `read` gives it: a header's
    /// word is checked against every MPEG and FLAC frame and Ogg page, and against the end of the rest.
    /// - Throws: `audio` when the content is no audio, naming what it is, or most of it is lost; `file` when the system
    ///   refuses.
    public static func info(_ path: String) throws -> AudioInfo { try examine(path).info }

    /// The same, with notes on what is odd about the file, as far as can be told without decoding it.
    public static func examine(_ path: String) throws -> (info: AudioInfo, notes: [String]) {
        let (source, content) = try AudioSources.open(RandomAccessFile(path))
        try AudioSources.refuseMostlyLost(source, path: path)
        let info = source.info
        let lost = source.stated.map { [AudioSources.lostNote($0 - info.frames, of: $0, rate: info.sampleRate)] } ?? []
        return (info, content.notes(on: path) + source.notes + lost)
    }

    /// The samples, what the file is, and notes on what is odd about it (a lying name, lost milliseconds,
    /// channels that cancel). `info.frames` counts what can be decoded, at the file's own rate.
    /// - Throws: `audio` when the content is no audio, is empty, or more than half of it is missing;
    ///   `memory` when it would take more than half of the machine's memory.
    public static func read(
        _ path: String, _ options: ReadOptions = ReadOptions()
    ) throws
        -> (AudioBuffer, AudioInfo, notes: [String])
    {
        let reader = try AudioReader(path, options)
        let limit = sampleLimit
        var channels = [[Float]](repeating: [], count: reader.channels)
        while let piece = try reader.next() {
            for c in channels.indices { channels[c].append(contentsOf: piece.channels[c]) }
            guard channels[0].count * channels.count <= limit else {
                throw OpahError(
                    .memory, "\(name: path): more than \(limit) samples would not fit in memory",
                    hint: "read it in parts with offset and duration, or slice it first")
            }
        }
        let buffer = AudioBuffer(channels: channels, sampleRate: reader.sampleRate)
        guard buffer.frames > 0 else {
            throw OpahError(.audio, "\(name: path): holds no samples", hint: "record or export it again")
        }
        return (buffer, reader.info, reader.notes)
    }

    /// Half of the machine's memory, in samples.
    private static var sampleLimit: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES)), page = sysconf(Int32(_SC_PAGESIZE))
        return pages > 0 && page > 0 ? pages * page / 2 / MemoryLayout<Float>.size : 1 << 31
    }
}
