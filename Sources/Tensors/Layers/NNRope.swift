import Glibc
import Support

/// The table of rotary position embeddings.
public enum RotaryTable {
    /// cos and sin of position / base^(2i / headDim), [positions, headDim / 2, 2], in bfloat16.
    ///
    /// Frequencies and angles are float32, cos and sin are rounded to float32, then once to bfloat16: the
    /// model was trained with that rounding, so exact values would be the wrong ones.
    public static func make(positions: Int, headDim: Int, base: Float) throws -> Tensor {
        guard positions >= 0, headDim > 0, headDim % 2 == 0 else {
            throw OpahError(
                .argument,
                "rotary table: \(positions) positions and a head of \(headDim); the head must have an even size")
        }
        let pairs = headDim / 2
        let table = try Tensor(empty: [positions, pairs, 2], .bfloat16)
        let bits = table.pointer(UInt16.self)
        let frequencies = (0 ..< pairs).map { 1 / powf(base, Float(2 * $0) / Float(headDim)) }
        for position in 0 ..< positions {
            for pair in 0 ..< pairs {
                let angle = Double(Float(position) * frequencies[pair])
                let at = (position * pairs + pair) * 2
                bits[at] = BFloat16(Float(cos(angle))).bits
                bits[at + 1] = BFloat16(Float(sin(angle))).bits
            }
        }
        return table
    }
}

extension NN {
    /// Rotary position embedding: each pair of adjacent elements (x0, x1) becomes (x0 cos - x1 sin, x1 cos + x0 sin).
    /// - Parameters:
    ///   - x: [N, heads, headDim].
    ///   - table: [positions, headDim / 2, 2], from `RotaryTable.make`.
    ///   - positions: one per row of x, 0-based.
    public static func rope(_ x: Tensor, table: Tensor, positions: [Int]) throws -> Tensor {
        guard x.rank == 3 else { throw OpahError(.shape, "rope: x must be [N, heads, headDim], not \(x.shape)") }
        let x = try x.single()
        let rotation = try Rotation(table, positions, rows: x.shape[0], headDim: x.shape[2], "rope")
        let plain = try x.dense("rope"), heads = x.shape[1], width = x.shape[1] * x.shape[2]
        let result = try Tensor(empty: x.shape)
        try rotation.apply(
            plain.pointer(Float.self), width, to: result.pointer(Float.self), width, heads: heads, inverse: false)
        Autograd.record(result, "rope", [x]) { gradient in
            let dx = try Tensor(empty: gradient.shape), g = try gradient.dense("rope")
            try rotation.apply(
                g.pointer(Float.self), width, to: dx.pointer(Float.self), width, heads: heads, inverse: true)
            return [dx]
        }
        return result
    }

    /// The rotations of N rows: a table in float32, and which of its rows each uses.
    struct Rotation {
        private let table: Saved
        private let positions: [Int]
        private let headDim: Int

        init(_ table: Tensor, _ positions: [Int], rows: Int, headDim: Int, _ operation: String) throws {
            guard table.rank == 3, table.shape[1] * 2 == headDim, table.shape[2] == 2 else {
                throw OpahError(
                    .shape, "\(operation): a table of shape \(table.shape) for heads of \(headDim)",
                    hint: "make it with RotaryTable.make(positions:, headDim: \(headDim), base:)")
            }
            guard positions.count == rows else {
                throw OpahError(.shape, "\(operation): \(positions.count) positions for \(rows) rows")
            }
            if let wrong = positions.first(where: { $0 < 0 || $0 >= table.shape[0] }) {
                throw OpahError(
                    .index, "\(operation): position \(wrong) lies outside 0..<\(table.shape[0])",
                    hint: "the sequence is longer than the model's max_seq_len")
            }
            // The rows that are needed: converting a half-stored table for 4096 positions costs more than rotating.
            let used = (positions.max() ?? -1) + 1
            self.table = Saved(
                try Tensor(
                    storage: table.storage, offset: table.offset, shape: [used, headDim / 2, 2], strides: table.strides,
                    dtype: table.dtype
                ).dense(operation))
            self.positions = positions
            self.headDim = headDim
        }

        /// Rotates `heads` adjacent heads of every row; row strides in elements. `to` may be `from`.
        func apply(
            _ from: UnsafePointer<Float>, _ fromStride: Int, to: UnsafeMutablePointer<Float>, _ toStride: Int,
            heads: Int, inverse: Bool
        ) throws {
            let table = try table.pointer("rope")
            let headDim = headDim, sign: Float = inverse ? -1 : 1
            Parallel.forRange(positions.count, grain: NN.grain(heads * headDim)) { range in
                for n in range {
                    let row = table + positions[n] &* headDim
                    for h in 0 ..< heads {
                        let x = from + n &* fromStride + h &* headDim, y = to + n &* toStride + h &* headDim
                        eachVector(headDim) { i, lanes in
                            // (c0, s0, c1, s1, ...) -> (c0, c0, c1, c1, ...) and (-s0, s0, -s1, s1, ...)
                            let t = load(row + i, lanes), v = load(x + i, lanes)
                            let c = Float8(t[0], t[0], t[2], t[2], t[4], t[4], t[6], t[6])
                            let s = Float8(-t[1], t[1], -t[3], t[3], -t[5], t[5], -t[7], t[7]) * sign
                            let swapped = Float8(v[1], v[0], v[3], v[2], v[5], v[4], v[7], v[6])
                            store((v * c).addingProduct(swapped, s), y + i, lanes)
                        }
                    }
                }
            }
        }
    }
}
