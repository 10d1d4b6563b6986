import Support
import Synchronization

/// The windowed-sinc filter between two rates, as one short row of weights per output phase.
///
/// The formula is that of torchaudio's `sinc_interp_hann` with its defaults: with rates o and n divided by
/// their greatest common divisor, b = 0.99 min(o, n) and t = b (-p/n + k/o) clamped to ±6, weight
/// w(p, k) = b/o cos²(πt/12) sin(πt)/(πt), for phase p in 0..<n and input offset k in -width..<width+o.
/// It is evaluated in float32 in the reference's order of operations: in float64 the outputs would differ by
/// up to 1e-5. Weights with |t| >= 6 are zero; only the others are kept.
final class ResampleKernel: Sendable {
    static let lowpassFilterWidth: Float = 6
    static let rolloff = 0.99

    let from: Int   // o
    let to: Int   // n
    let width: Int   // zeros before the first sample
    let taps: Int   // weights per phase, a multiple of 8
    let first: [Int32]   // [n] index of a phase's first weight, counted from `width` zeros before the block
    let weights: [Float]   // [n, taps], zeros at the end

    private init(from: Int, to: Int) {
        let base = Double(min(from, to)) * Self.rolloff
        let reach = Double(Self.lowpassFilterWidth) * Double(from) / base
        let width = Int(reach.rounded(.up)), last = 2 * width + from - 1
        let taps = (Int((2 * reach).rounded(.up)) + 2 + 7) / 8 * 8
        var first = [Int32](repeating: 0, count: to), weights = [Float](repeating: 0, count: to * taps)
        let base32 = Float(base), scale = Float(base / Double(from)), limit = Self.lowpassFilterWidth
        for phase in 0 ..< to {
            let start = max(0, Int((Double(width) + Double(from) * Double(phase) / Double(to) - reach).rounded(.down)))
            first[phase] = Int32(start)
            let shift = Float(-phase) / Float(to)
            for k in start ..< min(start + taps, last + 1) {
                var t = (shift + Float(k - width) / Float(from)) * base32
                guard abs(t) < limit else { continue }
                let cosine = cosine32(t * Float.pi / limit / 2)
                t *= Float.pi
                weights[phase * taps + k - start] = (t == 0 ? 1 : sine32(t) / t) * (cosine * cosine * scale)
            }
        }
        (self.from, self.to, self.width, self.taps, self.first, self.weights) = (from, to, width, taps, first, weights)
    }

    private struct Key: Hashable { var from, to: Int }
    private static let cache = Mutex<[Key: ResampleKernel]>([:])

    /// Weights of all kernels that are kept: 16 MiB. Rates that no recorder has make kernels of 100.
    private static let mostKept = 1 << 22

    /// The kernel between two rates; the last few are kept.
    static func between(_ from: Int, _ to: Int) throws -> ResampleKernel {
        guard Resampler.rates.contains(from), Resampler.rates.contains(to) else {
            throw OpahError(
                .argument, "resample: cannot go from \(from) to \(to) Hz",
                hint: "rates from \(Resampler.rates.lowerBound) to \(Resampler.rates.upperBound) Hz are possible")
        }
        var (divisor, rest) = (from, to)
        while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
        let key = Key(from: from / divisor, to: to / divisor)
        return cache.withLock { cache in
            if let kernel = cache[key] { return kernel }
            let kernel = ResampleKernel(from: key.from, to: key.to)
            let kept = cache.values.reduce(kernel.weights.count) { $0 + $1.weights.count }
            if cache.count >= 8 || kept > mostKept { cache.removeAll() }
            if kernel.weights.count <= mostKept { cache[key] = kernel }
            return kernel
        }
    }
}
