import Support

/// Random numbers by counter: block number `offset + i` of the stream `seed` is Philox4x32-10 of that
/// counter (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Each element of a tensor
/// knows its block, so results depend neither on the number of threads nor on where the work is cut.
///
/// `seed` and `offset` are the whole state: save and restore both, and the stream continues.
public final class Random {
    public private(set) var seed: UInt64
    /// Blocks of four 32-bit numbers used so far.
    public private(set) var offset: UInt64

    public init(seed: UInt64, offset: UInt64 = 0) {
        self.seed = seed
        self.offset = offset
    }

    /// Starts the stream `seed` anew, or continues it at `offset`.
    public func reset(seed: UInt64, offset: UInt64 = 0) {
        self.seed = seed
        self.offset = offset
    }

    /// The generator that is used where none is named. For the interpreter's thread only; its seed
    /// differs from run to run until `manualSeed` is called.
    nonisolated(unsafe) public static let standard = Random(seed: .random(in: 0 ... UInt64.max))

    /// Gives the standard generator the stream `seed`, from its beginning.
    public static func manualSeed(_ seed: UInt64) { standard.reset(seed: seed) }

    /// Takes `count` blocks for the caller and returns the first one's number.
    func take(_ count: Int) -> UInt64 {
        defer { offset &+= UInt64(count) }
        return offset
    }

    /// One number from 0..<1, with 53 random bits. Takes one block.
    public func uniform() -> Double {
        let words = Philox.block(take(1), seed)
        return Double(UInt64(words.0) | UInt64(words.1 & 0x1F_FFFF) << 32) * 0x1p-53
    }

    /// One integer from 0..<bound. Takes one block.
    public func integer(below bound: Int) -> Int { Philox.integer(take(1), seed, below: UInt64(Swift.max(bound, 1))) }
}

/// The block function Philox4x32-10.
public enum Philox {
    public typealias Words = (UInt32, UInt32, UInt32, UInt32)
    typealias Lanes = SIMD8<UInt32>

    /// Four words of the counter (low words `counter`, high words 0) under the key `seed`.
    static func block(_ counter: UInt64, _ seed: UInt64) -> Words {
        words(
            counter: (UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0, 0),
            key: (UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)))
    }

    /// The four random words of a counter under a key.
    public static func words(counter: Words, key: (UInt32, UInt32)) -> Words {
        var (c, k) = (counter, key)
        for _ in 0 ..< 10 {
            let a = UInt64(c.0) &* 0xD251_1F53, b = UInt64(c.2) &* 0xCD9E_8D57
            c = (
                UInt32(truncatingIfNeeded: b >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: a)
            )
            k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
        }
        return c
    }

    /// Eight blocks from `counter` on: word w of block i is lane i of result w.
    @inline(__always)
    static func blocks(_ counter: UInt64, _ seed: UInt64) -> (Lanes, Lanes, Lanes, Lanes) {
        let counters = SIMD8<UInt64>(repeating: counter) &+ SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
        var c = (Lanes(truncatingIfNeeded: counters), Lanes(truncatingIfNeeded: counters &>> 32), Lanes(), Lanes())
        var k = (UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32))
        for _ in 0 ..< 10 {
            let a = SIMD8<UInt64>(truncatingIfNeeded: c.0) &* SIMD8<UInt64>(repeating: 0xD251_1F53)
            let b = SIMD8<UInt64>(truncatingIfNeeded: c.2) &* SIMD8<UInt64>(repeating: 0xCD9E_8D57)
            c = (
                Lanes(truncatingIfNeeded: b &>> 32) ^ c.1 ^ k.0, Lanes(truncatingIfNeeded: b),
                Lanes(truncatingIfNeeded: a &>> 32) ^ c.3 ^ k.1, Lanes(truncatingIfNeeded: a)
            )
            k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
        }
        return c
    }

    /// An integer from 0..<bound out of 64 bits by multiplication: the bias is below bound / 2^64.
    static func integer(_ counter: UInt64, _ seed: UInt64, below bound: UInt64) -> Int {
        let words = block(counter, seed)
        return Int((UInt64(words.0) | UInt64(words.1) << 32).multipliedFullWidth(by: bound).high)
    }
}

extension Random {
    /// Calls `body` with 32 words at a time: (first element, words of elements 0-7, 8-15, 16-23, 24-31).
    /// Element i of the tensor is word i / 8 % 4 of block 8 (i / 32) + i % 8.
    func fill(_ count: Int, _ body: (Int, (Philox.Lanes, Philox.Lanes, Philox.Lanes, Philox.Lanes)) -> Void) {
        let groups = (count + 31) / 32, first = take(groups * 8), seed = seed
        Parallel.forRange(groups, grain: 64) { range in
            for group in range { body(group * 32, Philox.blocks(first &+ UInt64(group * 8), seed)) }
        }
    }
}

/// Words -> multiples of 2^-24 in [0, 1)
@inline(__always) private func unit(_ words: Philox.Lanes) -> Float8 {
    // 24 bits are two exact halves of 12: 1.bits - 1 would only keep 23.
    let high = unsafeBitCast((words &>> 20) | 0x4B00_0000, to: Float8.self) - 8_388_608
    let low = unsafeBitCast(((words &>> 8) & 0xFFF) | 0x4B00_0000, to: Float8.self) - 8_388_608
    return high * 0x1p-12 + low * 0x1p-24
}

extension Tensor {
    /// Numbers from [low, high), float32 or float64 (24 random bits each), or rounded to a half type.
    public static func rand(
        _ shape: Dims, _ dtype: DType = .float32, low: Double = 0, high: Double = 1,
        generator: Random = .standard
    ) throws -> Tensor {
        try random("rand", shape, dtype, generator) { words in
            @inline(__always) func scaled(_ lanes: Philox.Lanes) -> Float8 {
                let value = unit(lanes) * Float(high - low) + Float(low)
                // Rounding must not reach the upper bound.
                return value.replacing(with: Float(high).nextDown, where: value .>= Float(high)).replacing(
                    with: Float(low), where: value .< Float(low))
            }
            return (scaled(words.0), scaled(words.1), scaled(words.2), scaled(words.3))
        }
    }

    /// Normally distributed numbers (Box-Muller: sqrt(-2 ln u) cos and sin 2 pi v).
    public static func randn(
        _ shape: Dims, _ dtype: DType = .float32, mean: Double = 0, std: Double = 1,
        generator: Random = .standard
    ) throws -> Tensor {
        try random("randn", shape, dtype, generator) { words in
            @inline(__always) func pair(_ u: Philox.Lanes, _ v: Philox.Lanes) -> (Float8, Float8) {
                // u in (0, 1]: its logarithm is finite.
                let radius = (-2 * VectorMath.log(unit(u) + 0x1p-24)).squareRoot() * Float(std)
                let angle = VectorMath.sinCos(unit(v) * (2 * Float.pi))
                return (Float(mean) + radius * angle.cos, Float(mean) + radius * angle.sin)
            }
            let (a, b) = pair(words.0, words.1), (c, d) = pair(words.2, words.3)
            return (a, b, c, d)
        }
    }

    private static func random(
        _ name: String, _ shape: Dims, _ dtype: DType, _ generator: Random,
        _ values: ((Philox.Lanes, Philox.Lanes, Philox.Lanes, Philox.Lanes)) -> (Float8, Float8, Float8, Float8)
    ) throws -> Tensor {
        guard dtype.isFloating else {
            throw OpahError(.dtype, "\(name): \(dtype.rawValue) has no fractions", hint: "use randint")
        }
        let result = try Tensor(empty: shape, .float32), to = result.pointer(Float.self), count = result.count
        generator.fill(count) { at, words in
            let (a, b, c, d) = values(words), to = to + at, rest = count - at
            if rest >= 32 {
                a.store(to); b.store(to + 8); c.store(to + 16); d.store(to + 24)
            } else {
                a.store(to, count: Swift.min(8, rest))
                if rest > 8 { b.store(to + 8, count: Swift.min(8, rest - 8)) }
                if rest > 16 { c.store(to + 16, count: Swift.min(8, rest - 16)) }
                if rest > 24 { d.store(to + 24, count: rest - 24) }
            }
        }
        return try result.plain(dtype)
    }

    /// Integers from low..<high.
    public static func randint(
        _ low: Int, _ high: Int, _ shape: Dims, _ dtype: DType = .int64,
        generator: Random = .standard
    ) throws -> Tensor {
        let (span, overflow) = high.subtractingReportingOverflow(low)
        guard high > low, !overflow else {
            throw OpahError(.argument, "randint: no integers from \(low) up to and without \(high)")
        }
        let result = try Tensor(empty: shape, .int64), to = result.pointer(Int.self)
        let first = generator.take(result.count), seed = generator.seed
        Parallel.forRange(result.count, grain: 2048) { range in
            for i in range { to[i] = low + Philox.integer(first &+ UInt64(i), seed, below: UInt64(span)) }
        }
        return try result.plain(dtype)
    }

    /// The integers 0..<count in random order.
    public static func randperm(_ count: Int, generator: Random = .standard) throws -> Tensor {
        guard count >= 0 else { throw OpahError(.argument, "randperm: \(count) elements") }
        let result = try Tensor(empty: [count], .int64), to = result.pointer(Int.self)
        let first = generator.take(count), seed = generator.seed
        for i in 0 ..< count {
            let j = Philox.integer(first &+ UInt64(i), seed, below: UInt64(i + 1))
            to[i] = to[j]
            to[j] = i
        }
        return result
    }
}
