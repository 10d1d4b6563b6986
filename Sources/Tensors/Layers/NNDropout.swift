import Support

/// Which elements a dropout keeps: a function of (seed, row, column) instead of a stored mask.
///
/// Every use with the same seed gives the same mask, so backward passes and recomputation draw
/// nothing; no thread or tile order can change it.
public struct DropoutMask: Sendable, Equatable {
    /// The probability that an element is set to zero, in 0..<1.
    public let probability: Float
    public let seed: UInt64
    /// What kept elements are multiplied by, 1 / (1 - probability).
    let scale: Float
    /// An element is kept when its 31 random bits reach this.
    private let threshold: Int32
    /// What is added to the numbers of rows.
    private var firstRow = 0

    /// nil for probability 0: nothing is dropped. Throws outside 0..<1.
    public init?(_ probability: Float, seed: UInt64) throws {
        guard probability >= 0, probability < 1 else {
            throw OpahError(.argument, "dropout: the probability must be at least 0 and below 1, not \(probability)")
        }
        guard probability > 0 else { return nil }
        self.probability = probability
        self.seed = seed
        scale = 1 / (1 - probability)
        threshold = Int32(min(Double(probability) * 0x1p31, 0x1p31 - 1))
    }

    /// A mask whose seed is drawn from `generator` (one block; none for probability 0).
    public init?(_ probability: Float, generator: Random) throws {
        guard probability != 0 else { return nil }
        let words = Philox.block(generator.take(1), generator.seed)
        try self.init(probability, seed: UInt64(words.0) | UInt64(words.1) << 32)
    }

    /// The mask of the rows from `row` on: a part of a batch drops what it would drop as part of the whole.
    public func from(row: Int) -> DropoutMask {
        var result = self
        result.firstRow += row
        return result
    }

    /// The two words that a row's mask is made from.
    struct Row {
        fileprivate let first: SIMD8<UInt32>, second: SIMD8<UInt32>
        fileprivate let threshold: SIMD8<Int32>
        let scale: Float8

        /// Columns `column..<column + 8` of `v`: kept ones scaled, the others 0.
        @inline(__always) func applied(to v: Float8, _ column: Int) -> Float8 {
            Float8(0).replacing(with: v * scale, where: keeps(column))
        }

        @inline(__always) func keeps(_ column: Int) -> SIMDMask<SIMD8<Int32>> {
            // Two rounds of a full-avalanche integer hash (multiplier pair of Ellis and Wellons), keyed in each.
            var h = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7) &+ SIMD8(repeating: UInt32(truncatingIfNeeded: column))
            h = h &* SIMD8(repeating: 0x9E37_79B1) &+ first
            h ^= h &>> SIMD8(repeating: 16)
            h = h &* SIMD8(repeating: 0x7FEB_352D) &+ second
            h ^= h &>> SIMD8(repeating: 15)
            h = h &* SIMD8(repeating: 0x846C_A68B)
            h ^= h &>> SIMD8(repeating: 16)
            return unsafeBitCast(h &>> SIMD8(repeating: 1), to: SIMD8<Int32>.self) .>= threshold
        }
    }

    @inline(__always) func row(_ index: Int) -> Row {
        // splitmix64 of the seed and the row.
        var z = seed &+ (UInt64(truncatingIfNeeded: index &+ firstRow) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Row(
            first: SIMD8(repeating: UInt32(truncatingIfNeeded: z)),
            second: SIMD8(repeating: UInt32(truncatingIfNeeded: z >> 32)),
            threshold: SIMD8(repeating: threshold), scale: Float8(scale))
    }

    /// `out` = the masked and scaled `x`, both [rows, width]; `numbers` are the rows' numbers when not 0, 1, 2, ...
    func apply(
        _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, rows: Int, width: Int, numbers: [Int]? = nil
    ) {
        Parallel.forRange(rows, grain: max(1, 16384 / max(width, 1))) { range in
            for n in range {
                let row = self.row(numbers?[n] ?? n)
                eachVector(width) { i, lanes in
                    store(row.applied(to: load(x + n &* width + i, lanes), i), out + n &* width + i, lanes)
                }
            }
        }
    }
}

extension NN {
    /// Sets elements to zero with the mask's probability and scales the others by 1 / (1 - p); with nil, `x` itself.
    /// The rows of the mask are those of `x`'s last dimension.
    public static func dropout(_ x: Tensor, _ mask: DropoutMask?) throws -> Tensor {
        guard let mask else { return x }
        let x = try x.single()
        let width = x.rank == 0 ? 1 : x.shape[x.rank - 1]
        let rows = width == 0 ? 0 : x.count / width
        let result = try Tensor(empty: x.shape), plain = try x.dense("dropout")
        mask.apply(plain.pointer(Float.self), result.pointer(Float.self), rows: rows, width: width)
        Autograd.record(result, "dropout", [x]) { gradient in
            let dx = try Tensor(empty: gradient.shape), g = try gradient.dense("dropout")
            mask.apply(g.pointer(Float.self), dx.pointer(Float.self), rows: rows, width: width)
            return [dx]
        }
        return result
    }
}
