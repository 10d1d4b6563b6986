import Glibc
import Support

/// How a file is to be read.
public struct ReadOptions: Sendable {
    /// Resample to this rate; nil keeps the file's.
    public var sampleRate: Int?
    /// Mix all channels to their mean.
    public var mono: Bool
    /// Seconds to leave out at the start.
    public var offset: Double
    /// Seconds to read; nil reads to the end.
    public var duration: Double?

    public init(sampleRate: Int? = nil, mono: Bool = true, offset: Double = 0, duration: Double? = nil) {
        self.sampleRate = sampleRate
        self.mono = mono
        self.offset = offset
        self.duration = duration
    }
}

/// Reads a file piece by piece: however long it is, one piece is in memory.
public final class AudioReader {
    /// What the file is; `frames` counts what can be decoded of the whole file, at its own rate.
    public let info: AudioInfo
    /// The rate and number of channels of the pieces.
    public let sampleRate: Int
    public let channels: Int
    /// What is odd about the file, complete after the last piece.
    public private(set) var notes: [String] = []

    private let path: String
    private let source: any SampleSource
    private let mono: Bool
    private let stated: Int   // frames that the file has by its headers, or by what was found
    private var remaining: Int
    private var position: Int
    private var resamplers: [ResampleStream]
    private var interleaved: [Float] = []
    private var finished = false
    private var levels = ChannelLevels()

    /// - Throws: `audio` when the content is no audio or `options` ask for a part that is not there;
    ///   `file` when the system refuses.
    public init(_ path: String, _ options: ReadOptions = ReadOptions()) throws {
        guard options.offset >= 0, options.offset.isFinite, options.duration.map({ $0 > 0 && $0.isFinite }) ?? true
        else {
            throw OpahError(.argument, "\(name: path): offset must be 0 or more and duration more than 0 seconds")
        }
        self.path = path
        let (source, content) = try AudioSources.open(RandomAccessFile(path))
        self.source = source
        info = source.info
        stated = max(source.stated ?? 0, source.info.frames)
        mono = options.mono
        guard Self.rates.contains(info.sampleRate), info.channels > 0 else {
            throw OpahError(
                .audio, "\(name: path): the header states \(info.sampleRate) Hz and \(info.channels) channels",
                hint: "the file is damaged: replace it, or convert it to wav")
        }
        try AudioSources.refuseMostlyLost(source, path: path)
        channels = mono ? 1 : info.channels
        sampleRate = options.sampleRate ?? info.sampleRate
        position = Self.frames(options.offset, info.sampleRate)
        remaining = options.duration.map { [rate = info.sampleRate] in Self.frames($0, rate) } ?? .max
        resamplers = []
        if sampleRate != info.sampleRate {
            for _ in 0 ..< channels { resamplers.append(try ResampleStream(from: info.sampleRate, to: sampleRate)) }
        }

        notes = content.notes(on: path)
        if mono, info.channels > 2 { notes.append("\(info.channels) channels mixed to their mean") }
        if position > 0 {
            guard position < info.frames else {
                throw OpahError(
                    .audio,
                    "\(name: path): nothing at \(options.offset) s: the clip is \(decimal(info.duration)) s long")
            }
            try source.seek(to: position)
        }
    }

    /// Of recordings, in Hz. A header with less makes gigabytes of a few kB at any usual rate.
    private static let rates = 100 ... Resampler.rates.upperBound

    private static func frames(_ seconds: Double, _ rate: Int) -> Int {
        Int(min((seconds * Double(rate)).rounded(), 0x1p52))
    }

    /// The next piece of about `frames` frames (of the file's own rate), nil after the last.
    /// - Throws: `audio` when decoding fails, or less than half of what the header promises is there.
    public func next(frames: Int = 1 << 16) throws -> AudioBuffer? {
        while !finished {
            try Interrupt.check()
            // No more room than what there is asks for; one more frame shows that there is none.
            let left = max(1, info.frames - position)
            let wanted = min(max(1, min(frames, (1 << 22) / info.channels, left)), remaining)
            if interleaved.count < wanted * info.channels {
                interleaved = [Float](repeating: 0, count: wanted * info.channels)
            }
            let got =
                wanted == 0
                ? 0
                : try interleaved.withUnsafeMutableBufferPointer {
                    try source.read(into: $0.baseAddress!, frames: wanted)
                }
            position += got
            remaining -= got
            if got == 0 { try finish(ranOut: wanted > 0) }
            var piece = split(got)
            for c in resamplers.indices {
                var output: [Float] = []
                try resamplers[c].process(piece.channels[c], into: &output)
                if finished { try resamplers[c].finish(into: &output) }
                piece.channels[c] = output
            }
            if piece.frames > 0 { return piece }
        }
        return nil
    }

    /// The interleaved samples by channel, or mixed.
    private func split(_ frames: Int) -> AudioBuffer {
        let count = info.channels
        if count == 1 { return AudioBuffer(channels: [Array(interleaved.prefix(frames))], sampleRate: sampleRate) }
        if mono {
            let scale = 1 / Float(count)
            let mix = [Float](unsafeUninitializedCapacity: frames) { output, filled in
                interleaved.withUnsafeBufferPointer { input in
                    for t in 0 ..< frames {
                        var sum: Float = 0
                        for c in 0 ..< count { sum += input[t * count + c] }
                        output[t] = sum * scale
                    }
                }
                filled = frames
            }
            levels.add(interleaved: interleaved, mix: mix, channels: count)
            return AudioBuffer(mono: mix, sampleRate: sampleRate)
        }
        let parts = interleaved.withUnsafeBufferPointer { input in
            (0 ..< count).map { c in
                [Float](unsafeUninitializedCapacity: frames) { output, filled in
                    var place = c
                    for t in 0 ..< frames {
                        output[t] = input[place]
                        place &+= count
                    }
                    filled = frames
                }
            }
        }
        return AudioBuffer(channels: parts, sampleRate: sampleRate)
    }

    private func finish(ranOut: Bool) throws {
        finished = true
        notes += source.notes
        if let note = levels.note { notes.append(note) }
        guard ranOut, position < stated else { return }
        if position < stated / 2 {
            throw AudioSources.lost(stated - position, of: stated, rate: info.sampleRate, path: path)
        }
        notes.append(AudioSources.lostNote(stated - position, of: stated, rate: info.sampleRate))
    }
}

/// Whether the channels cancel each other in their mean: a microphone wired the wrong way round.
private struct ChannelLevels {
    private var channelEnergy = 0.0
    private var mixEnergy = 0.0

    mutating func add(interleaved: [Float], mix: [Float], channels: Int) {
        var total: Float = 0
        interleaved.withUnsafeBufferPointer { input in
            for i in 0 ..< mix.count * channels { total += input[i] * input[i] }
        }
        channelEnergy += Double(total) / Double(channels)
        mixEnergy += mix.reduce(0.0) { $0 + Double($1 * $1) }
    }

    var note: String? {
        channelEnergy > 0 && mixEnergy < 0.01 * channelEnergy
            ? "the channels cancel each other when mixed (opposite phase): use one of them, or invert one" : nil
    }
}

/// A number of seconds, decibels and the like with two decimals at most.
func decimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
