import CByteProducts
import Glibc
import Support

/// What this machine does at best, measured now: the floors under every figure of speed.
///
/// A figure in seconds says little about a program on a machine that somebody else also uses; a figure
/// as a share of what the machine does in the same minute says much. Both rates are the best of many
/// short runs, with all threads of the pool, on the paths that Opah's own kernels take.
public struct MachineRates: Sendable, Equatable {
    /// FLOP/s of a product of two square float32 matrices, 2048 x 2048 (a multiplication and an addition are two).
    public let squareProduct: Double
    /// FLOP/s of 512 rows of width 1024 with a stored weight [4096, 1024]: a layer of the language model.
    public let layerProduct: Double
    /// FLOP/s of the better of the same two products with bfloat16 factors and float32 sums; nil where the processor
    /// has no instructions for them (`BFloat16Engine.isAvailable`).
    public let bfloat16Rate: Double?
    /// Bytes/s of all threads reading, and adding up, a buffer that no cache holds, each line prefetched some KiB ahead.
    public let readBandwidth: Double

    /// FLOP/s of the better of the two products.
    public var matrixRate: Double { max(squareProduct, layerProduct) }

    public init(squareProduct: Double, layerProduct: Double, bfloat16Rate: Double? = nil, readBandwidth: Double) {
        (self.squareProduct, self.layerProduct, self.readBandwidth) = (squareProduct, layerProduct, readBandwidth)
        self.bfloat16Rate = bfloat16Rate
    }

    /// Rate by rate the better of two measurements, such as one before and one after what is judged.
    public func better(_ other: MachineRates) -> MachineRates {
        MachineRates(
            squareProduct: max(squareProduct, other.squareProduct), layerProduct: max(layerProduct, other.layerProduct),
            bfloat16Rate: [bfloat16Rate, other.bfloat16Rate].compactMap { $0 }.max(),
            readBandwidth: max(readBandwidth, other.readBandwidth))
    }

    /// Measures for about `seconds`, after the buffers have been filled; they are returned to the system.
    /// - Parameters:
    ///   - size: the side of the square matrices, and four times the rows of the layer; smaller ones say less.
    ///   - bufferBytes: what is read for the bandwidth: many times the last cache.
    /// - Throws: kind `memory` when the buffers cannot be had, `interrupted`.
    public static func measure(
        seconds: Double = 2, size: Int = 2048, bufferBytes: Int = 512 << 20
    ) throws -> MachineRates {
        let rows = max(size / 4, 1), part = seconds / (BFloat16Engine.isAvailable ? 5 : 3)
        let square = try product(size, size, size, seconds: part)
        let layer = try storedProduct(rows, 4096, 1024, seconds: part)
        let half =
            BFloat16Engine.isAvailable
            ? try max(
                bfloat16Product(size, size, size, seconds: part), bfloat16Product(rows, 4096, 1024, seconds: part))
            : nil
        return try MachineRates(
            squareProduct: square, layerProduct: layer, bfloat16Rate: half,
            readBandwidth: reading(bufferBytes, seconds: part))
    }

    /// The same as `linear` does it with a stored [n, k].
    private static func storedProduct(_ m: Int, _ n: Int, _ k: Int, seconds: Double) throws -> Double {
        let a = try Pages<Float>(m * k), b = try Pages<Float>(n * k), c = try Pages<Float>(m * n)
        let best = try bestTime(seconds) { try storedProduct(m, n, k, a, b, c) }
        return 2 * Double(m) * Double(n) * Double(k) / best
    }

    private static func storedProduct(
        _ m: Int, _ n: Int, _ k: Int, _ a: Pages<Float>, _ b: Pages<Float>, _ c: Pages<Float>
    ) throws {
        if PackedProduct.isWorthwhile(rows: m, columns: n, depth: k) {
            let stored = PackedProduct.Matrix(b.start, isHalf: false, stride: k, isTransposed: true)
            try PackedProduct.product(m, n, k, a.start, stride: k, stored, to: c.start, stride: n)
        } else {
            matrixProduct(m, n, k, a.start, lda: k, b.start, ldb: k, transposeB: true, c.start, ldc: n)
        }
    }

    /// [m, k] times [n, k] transposed.
    private static func product(_ m: Int, _ n: Int, _ k: Int, seconds: Double) throws -> Double {
        let a = try Pages<Float>(m * k), b = try Pages<Float>(n * k), c = try Pages<Float>(m * n)
        let best = try bestTime(seconds) {
            matrixProduct(m, n, k, a.start, lda: k, b.start, ldb: k, transposeB: true, c.start, ldc: n)
        }
        return 2 * Double(m) * Double(n) * Double(k) / best
    }

    /// The same with bfloat16 factors, in the instructions that the processor has for them.
    private static func bfloat16Product(_ m: Int, _ n: Int, _ k: Int, seconds: Double) throws -> Double {
        let zeros = try Pages<Float>(max(m, n) * k), c = try Pages<Float>(m * n)
        let a = try Rounding.Bits(of: zeros.start, m * k), b = try Rounding.Bits(of: zeros.start, n * k)
        let best = try bestTime(seconds) {
            try OneDNN.product(m, n, k, a, lda: k, b, ldb: k, transposeB: true, c.start, ldc: n)
        }
        return 2 * Double(m) * Double(n) * Double(k) / best
    }

    /// How many times as fast as a layer's product in float32 the same is with bfloat16 factors: of a dozen of each, in
    /// turn, the one that took the least of the processor's time, which what else the machine does hardly changes.
    static func bfloat16Speed() throws -> Double {
        let (m, n, k) = (512, 1024, 1024)
        let zeros = try Pages<Float>(n * k), c = try Pages<Float>(m * n)
        let a = try Rounding.Bits(of: zeros.start, m * k), b = try Rounding.Bits(of: zeros.start, n * k)
        var single = Double.infinity, half = Double.infinity
        for _ in 0 ..< 12 {
            try Interrupt.check()
            var began = processorSeconds()
            try storedProduct(m, n, k, zeros, zeros, c)
            single = min(single, processorSeconds() - began)
            began = processorSeconds()
            try OneDNN.product(m, n, k, a, lda: k, b, ldb: k, transposeB: true, c.start, ldc: n)
            half = min(half, processorSeconds() - began)
        }
        return single / max(half, 1e-9)
    }

    /// Seconds that all threads of this process have computed.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func reading(_ bytes: Int, seconds: Double) throws -> Double {
        let buffer = try Pages<SIMD16<Float>>(max(bytes / 64, 1)), count = buffer.count, threads = Parallel.threadCount
        let sums = try Pages<SIMD16<Float>>(threads * 64)
        let best = try bestTime(seconds) {
            Parallel.forEach(threads) { thread in
                let first = count * thread / threads, last = count * (thread + 1) / threads
                // Four sums, so that additions do not wait for each other; kept, so that none is left out.
                var a = SIMD16<Float>.zero, b = a, c = a, d = a, i = first
                while i &+ 4 <= last {
                    // As kernels do that read weights; addresses behind the end are no fault.
                    let ahead = UnsafeRawPointer(buffer.start + i) + Int(CBYTE_PREFETCH_DISTANCE)
                    for line in 0 ..< 4 { cbyte_prefetch(ahead + 64 &* line) }
                    a += buffer.start[i]
                    b += buffer.start[i &+ 1]
                    c += buffer.start[i &+ 2]
                    d += buffer.start[i &+ 3]
                    i &+= 4
                }
                sums.start[thread * 64] = a + b + c + d
            }
        }
        return Double(count * 64) / best
    }

    /// The shortest of as many runs as fit into `seconds`, at least three, the first of which only warms up.
    private static func bestTime(_ seconds: Double, _ body: () throws -> Void) throws -> Double {
        try body()
        let clock = ContinuousClock(), began = clock.now
        var best = Double.infinity, runs = 0
        while runs < 2 || began.duration(to: clock.now) / .seconds(1) < seconds {
            try Interrupt.check()
            let start = clock.now
            try body()
            best = min(best, start.duration(to: clock.now) / .seconds(1))
            runs += 1
        }
        return max(best, 1e-9)
    }
}

/// Zeroed pages straight from the system, each written once, and given back to it at the end: neither
/// malloc nor the tensors' cache keeps them.
private final class Pages<Element> {
    let start: UnsafeMutablePointer<Element>, count: Int
    private let bytes: Int

    init(_ count: Int) throws {
        bytes = count * MemoryLayout<Element>.stride
        self.count = count
        guard let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), raw != MAP_FAILED
        else {
            throw OpahError(.memory, "measuring this machine: \(bytes >> 20) MiB cannot be had")
        }
        #if os(Linux)
        madvise(raw, bytes, MADV_HUGEPAGE)
        #endif
        memset(raw, 0, bytes)
        start = raw.bindMemory(to: Element.self, capacity: count)
    }

    deinit { munmap(start, bytes) }
}
