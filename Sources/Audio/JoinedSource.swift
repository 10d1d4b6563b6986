import Support

/// Several streams of one file, one after the other: chained Ogg links, joined MPEG files, a file behind another. Those
/// of another rate or number of channels are brought to the first one's.
final class JoinedSource: SampleSource {
    struct Part {
        let info: AudioInfo
        let stated: Int?
        var notes: [String]
        /// A decoder at its start; opened when it is its turn.
        let open: () throws -> any SampleSource

        /// One that is open already.
        init(_ source: any SampleSource) { self.init(source) { source } }

        /// One that was opened to see what it is, and is opened again when it is its turn.
        init(_ source: any SampleSource, _ open: @escaping () throws -> any SampleSource) {
            (info, stated, notes, self.open) = (source.info, source.stated, source.notes, open)
        }
    }

    let info: AudioInfo
    let stated: Int?
    private(set) var notes: [String]
    private let parts: [Part]
    private let lengths: [Int]   // of each part at the common rate
    private var part = 0
    private var current: (any SampleSource)?

    /// How many times a stream may grow where it is brought to the first one's rate and channels: 8 kHz mono to 192 kHz
    /// stereo is 48. A few bytes that call themselves a stream of 1 Hz must not become hours of 500 channels.
    private static let mostGrowth = 64

    private static func grows(_ part: AudioInfo, to first: AudioInfo) -> Int {
        let frames = Resampler.length(part.frames, from: part.sampleRate, to: first.sampleRate)
        let (samples, own) = (frames.multipliedReportingOverflow(by: first.channels), part.frames * part.channels)
        return samples.overflow ? .max : samples.partialValue / max(own, 4096)
    }

    /// - Parameter lost: seconds of streams that cannot be decoded at all.
    init(_ all: [Part], notes: [String] = [], lost: Double = 0) {
        let first = all[0].info
        let parts = all.filter { Self.grows($0.info, to: first) <= Self.mostGrowth }
        let left = all.count - parts.count
        self.parts = parts
        lengths = parts.map { Resampler.length($0.info.frames, from: $0.info.sampleRate, to: first.sampleRate) }
        info = AudioInfo(
            sampleRate: first.sampleRate, channels: first.channels, frames: lengths.reduce(0, +), format: first.format,
            subtype: first.subtype)
        // In floating point, and with an end: a header may promise anything.
        let missing = parts.reduce(lost) {
            $0 + Double(max(0, ($1.stated ?? 0) - $1.info.frames)) / Double(max(1, $1.info.sampleRate))
        }
        let missed = Int(min((missing * Double(first.sampleRate)).rounded(), 0x1p50))
        stated = missed > 0 ? info.frames + missed : nil
        let seconds =
            lengths.prefix(6).map { decimal(Double($0) / Double(first.sampleRate)) }.joined(separator: " + ")
            + (lengths.count > 6 ? " + …" : "")
        self.notes =
            parts.count > 1
            ? ["holds \(parts.count) streams one after the other (\(seconds) s): all of them are read"] : []
        for note in parts.prefix(6).flatMap(\.notes) + notes where !self.notes.contains(note) {
            self.notes.append(note)
        }
        if left > 0 {
            let other = all.first { Self.grows($0.info, to: first) > Self.mostGrowth }!.info
            self.notes.append(
                "\(left) more streams were left out: one of \(other.sampleRate) Hz and \(other.channels) channels would grow by more than \(Self.mostGrowth) times as \(first.sampleRate) Hz and \(first.channels) channels"
            )
        }
        if let other = parts.map(\.info).first(where: {
            $0.sampleRate != first.sampleRate || $0.channels != first.channels
        }) {
            self.notes.append(
                "a stream of \(other.sampleRate) Hz and \(other.channels) channels was brought to \(first.sampleRate) Hz and \(first.channels), as the first one has"
            )
        }
    }

    private func open(_ number: Int) throws {
        part = number
        let wanted = parts[number].info
        let source = try parts[number].open()
        current =
            wanted.sampleRate == info.sampleRate && wanted.channels == info.channels
            ? source
            : try AdaptedSource(source, to: info)
    }

    func seek(to frame: Int) throws {
        var target = frame, number = 0
        while number < parts.count - 1, target >= lengths[number] {
            target -= lengths[number]
            number += 1
        }
        try open(number)
        if target > 0 { try current?.seek(to: target) }
    }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        while true {
            if current == nil {
                guard part < parts.count else { return 0 }
                try open(part)
            }
            if let got = try current?.read(into: samples, frames: frames), got > 0 { return got }
            notes += current?.notes.filter { !notes.contains($0) } ?? []
            current = nil
            part += 1
        }
    }
}

/// A stream at another rate, and with another number of channels: mono is repeated, several become their mean.
private final class AdaptedSource: SampleSource {
    let info: AudioInfo
    var stated: Int? { nil }
    var notes: [String] { source.notes }
    private let source: any SampleSource
    private var streams: [ResampleStream]
    private var ready: [[Float]], given = 0   // samples by channel, and how many of them were given out
    private var isFinished = false
    private var block: [Float]
    private let atATime: Int   // frames in `block`

    init(_ source: any SampleSource, to info: AudioInfo) throws {
        (self.source, self.info) = (source, info)
        streams =
            try source.info.sampleRate == info.sampleRate
            ? []
            : (0 ..< info.channels).map { _ in try ResampleStream(from: source.info.sampleRate, to: info.sampleRate) }
        ready = [[Float]](repeating: [], count: info.channels)
        atATime = framesAtATime(channels: source.info.channels)
        block = [Float](repeating: 0, count: atATime * source.info.channels)
    }

    /// Forward only, from the start.
    func seek(to frame: Int) throws { try skip(frame) }

    func read(into samples: UnsafeMutablePointer<Float>, frames: Int) throws -> Int {
        while ready[0].count == given {
            if isFinished { return 0 }
            try fill()
        }
        let count = min(frames, ready[0].count - given)
        for c in ready.indices { for t in 0 ..< count { samples[t * ready.count + c] = ready[c][given + t] } }
        given += count
        return count
    }

    private func fill() throws {
        given = 0
        let from = source.info.channels
        let got = try block.withUnsafeMutableBufferPointer { try source.read(into: $0.baseAddress!, frames: atATime) }
        isFinished = got == 0
        for c in ready.indices {
            let channel = (0 ..< got).map { t in
                from == info.channels
                    ? block[t * from + c] : (0 ..< from).reduce(0) { $0 + block[t * from + $1] } / Float(from)
            }
            ready[c].removeAll(keepingCapacity: true)
            if streams.isEmpty { ready[c] = channel; continue }
            try streams[c].process(channel, into: &ready[c])
            if isFinished { try streams[c].finish(into: &ready[c]) }
        }
    }
}
