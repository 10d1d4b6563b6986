import Glibc
import Support
import Synchronization

/// The windowed-sinc filter between two rates, as one short row of weights per output phase.
///
/// The formula is that of torchaudio's `sinc_interp_hann` with its defaults: with rates o and n divided by
/// their greatest common divisor, b = 0.99 min(o, n) and t = b (-p/n + k/o) clamped to ±6, weight
/// w(p, k) = b/o cos²(πt/12) sin(πt)/(πt), for phase p in 0..<n and input offset k in -width..<width+o.
/// It is evaluated in float32 in the reference's order of operations: in float64 the outputs would differ by
/// up to 1e-5. Weights with |t| >= 6 are zero; only the others are kept.
///
/// Phases are made when they are first asked for: between rates that no recorder has there are more of them than a clip
/// has samples.
final class ResampleKernel: @unchecked Sendable {
    static let lowpassFilterWidth: Float = 6
    static let rolloff = 0.99

    let from: Int   // o
    let to: Int   // n
    let width: Int   // zeros before the first sample
    let taps: Int   // weights per phase, a multiple of 8
    /// [n] index of a phase's first weight, counted from `width` zeros before the block; of phases that were made.
    let first: UnsafePointer<Int32>
    /// [n, taps], zeros at the end; of phases that were made.
    let weights: UnsafePointer<Float>

    /// Phases that are made together.
    private static let step = 256
    /// Which of them are made. Their memory is written under this lock, once, and read by those who have held it since.
    private let isMade: Mutex<[Bool]>
    private let reach: Double, base: Double

    private init(from: Int, to: Int) throws {
        base = Double(min(from, to)) * Self.rolloff
        reach = Double(Self.lowpassFilterWidth) * Double(from) / base
        (self.from, self.to, width) = (from, to, Int(reach.rounded(.up)))
        taps = (Int((2 * reach).rounded(.up)) + 2 + 7) / 8 * 8
        isMade = Mutex([Bool](repeating: false, count: (to + Self.step - 1) / Self.step))
        // Zeros that nobody has written take no memory.
        guard let memory = calloc(to * (taps + 1), 4) else {
            throw OpahError(.memory, "resample: no memory for the filter from \(from) to \(to)")
        }
        weights = UnsafePointer(memory.bindMemory(to: Float.self, capacity: to * taps))
        first = UnsafePointer((memory + to * taps * 4).bindMemory(to: Int32.self, capacity: to))
    }

    deinit { free(UnsafeMutablePointer(mutating: weights)) }

    /// Makes a phase, with others around it.
    /// - Returns: the phases that may be read from now on.
    func make(_ phase: Int) -> Range<Int> {
        let part = phase / Self.step, phases = part * Self.step ..< min((part + 1) * Self.step, to)
        isMade.withLock { isMade in
            if isMade[part] { return }
            for phase in phases { fill(phase) }
            isMade[part] = true
        }
        return phases
    }

    private func fill(_ phase: Int) {
        let row = UnsafeMutablePointer(mutating: weights) + phase * taps, last = 2 * width + from - 1
        let start = max(0, Int((Double(width) + Double(from) * Double(phase) / Double(to) - reach).rounded(.down)))
        UnsafeMutablePointer(mutating: first)[phase] = Int32(start)
        let base32 = Float(base), scale = Float(base / Double(from)), limit = Self.lowpassFilterWidth
        let shift = Float(-phase) / Float(to)
        for k in start ..< min(start + taps, last + 1) {
            var t = (shift + Float(k - width) / Float(from)) * base32
            guard abs(t) < limit else { continue }
            let cosine = cosine32(t * Float.pi / limit / 2)
            t *= Float.pi
            row[k - start] = (t == 0 ? 1 : sine32(t) / t) * (cosine * cosine * scale)
        }
    }

    private struct Key: Hashable { var from, to: Int }
    private static let cache = Mutex<[Key: ResampleKernel]>([:])

    /// Weights of all kernels that are kept, made or not: 16 MiB. Rates that no recorder has have kernels of 100.
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
        return try cache.withLock { cache in
            if let kernel = cache[key] { return kernel }
            let kernel = try ResampleKernel(from: key.from, to: key.to), size = kernel.to * kernel.taps
            let kept = cache.values.reduce(size) { $0 + $1.to * $1.taps }
            if cache.count >= 8 || kept > mostKept { cache.removeAll() }
            if size <= mostKept { cache[key] = kernel }
            return kernel
        }
    }
}
