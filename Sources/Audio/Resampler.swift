import Glibc
import Support

/// Changes the sampling rate as `torchaudio.functional.resample` does with its defaults (windowed sinc, width
/// 6, rolloff 0.99, Hann window): n samples become ceil(n · to / from), the signal is zero outside.
///
/// Cost: per output sample 12.2 · max(1, from/to) multiply-adds, rounded up to a multiple of 8, and as many
/// float32 reads from the kernel and from the input, nearly all from cache. From 48 to 44.1 kHz that is 16 per
/// sample: 7 million multiply-adds for 10 s.
public enum Resampler {
    /// The rates that are possible, in Hz.
    public static let rates = 1 ... 1_536_000

    /// One channel from rate `from` to rate `to` (Hz). Equal rates give the samples unchanged.
    public static func resample(_ samples: [Float], from: Int, to: Int) throws -> [Float] {
        if from == to, rates.contains(from) { return samples }
        var stream = try ResampleStream(from: from, to: to)
        var output: [Float] = []
        try stream.process(samples, into: &output)
        try stream.finish(into: &output)
        return output
    }

    /// Every channel of a buffer.
    public static func resample(_ buffer: AudioBuffer, to: Int) throws -> AudioBuffer {
        AudioBuffer(
            channels: try buffer.channels.map { try resample($0, from: buffer.sampleRate, to: to) }, sampleRate: to)
    }

    /// How many samples `count` become.
    public static func length(_ count: Int, from: Int, to: Int) -> Int {
        var (divisor, rest) = (from, to)
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        let (from, to) = (from / divisor, to / divisor)
        return (count * to + from - 1) / from
    }
}

/// The same for a signal that comes in pieces: the output does not depend on how it was cut, and memory holds
/// one piece and a filter's length.
public struct ResampleStream: Sendable {
    private let kernel: ResampleKernel
    private var pending: [Float]   // input not yet used up, after `width` zeros
    private var pendingStart = 0   // index of pending[0], counted from the first of these zeros
    private var received = 0
    private var produced = 0

    /// - Throws: `argument` when a rate is out of `Resampler.rates`.
    public init(from: Int, to: Int) throws {
        kernel = try ResampleKernel.between(from, to)
        pending = [Float](repeating: 0, count: kernel.width)
    }

    /// Takes the next samples, appends what can be computed to `output`.
    public mutating func process(_ samples: [Float], into output: inout [Float]) throws {
        received += samples.count
        pending.append(contentsOf: samples)
        try run(until: .max, into: &output)
    }

    /// Appends what is left. The stream cannot be used afterwards.
    public mutating func finish(into output: inout [Float]) throws {
        pending.append(contentsOf: repeatElement(0, count: 2 * kernel.width + kernel.from + kernel.taps))
        try run(until: (received * kernel.to + kernel.from - 1) / kernel.from, into: &output)
        pending = []
    }

    private mutating func run(until end: Int, into output: inout [Float]) throws {
        let available = pendingStart + pending.count
        let (from, to, taps) = (kernel.from, kernel.to, kernel.taps)
        // An upper bound; the loop below finds the exact end.
        let room = max(0, min(end, (available / from + 1) * to) - produced)
        let before = output.count
        output.reserveCapacity(before + min(room, available * to / from + to + 1))

        var block = produced / to, phase = produced % to
        var made = 0, ready = 0 ..< 0
        while made < room {
            // In parts, so that a stop is noticed.
            let part = min(room - made, 1 << 16)
            try Interrupt.check()
            let chunk = [Float](unsafeUninitializedCapacity: part) { result, filled in
                pending.withUnsafeBufferPointer { input in
                    while filled < part {
                        if !ready.contains(phase) { ready = kernel.make(phase) }
                        let start = block * from + Int(kernel.first[phase]) - pendingStart
                        guard start + taps <= input.count else { break }
                        result[filled] = dotProduct(
                            kernel.weights + phase * taps, input.baseAddress! + start, taps)
                        filled += 1
                        phase += 1
                        if phase == to { (block, phase) = (block + 1, 0) }
                    }
                }
            }
            output.append(contentsOf: chunk)
            made += chunk.count
            if chunk.count < part { break }
        }
        produced += made
        if !ready.contains(phase) { ready = kernel.make(phase) }
        let used = min(pending.count, block * from + Int(kernel.first[phase]) - pendingStart)
        if used > 0 {
            pending.removeFirst(used)
            pendingStart += used
        }
    }
}

/// Σ a[i] b[i] over a multiple of 8 elements.
@inline(__always)
func dotProduct(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    let a = UnsafeRawPointer(a), b = UnsafeRawPointer(b)
    var sum = SIMD8<Float>.zero
    for i in stride(from: 0, to: 4 * count, by: 32) {
        sum.addProduct(
            a.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self),
            b.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self))
    }
    let four = sum.lowHalf + sum.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
}

@inline(__always) func sine32(_ x: Float) -> Float { sinf(x) }
@inline(__always) func cosine32(_ x: Float) -> Float { cosf(x) }
