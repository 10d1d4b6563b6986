import Support
import Tensors

/// Differentiable moves of whole rows between packed activations.
enum RowOperations {
    /// out[i] = x[rows[i]], x [N, W].
    static func gather(_ x: Tensor, _ rows: [Int]) throws -> Tensor {
        let n = x.shape[0], width = x.shape[1]
        if rows.count == n, rows.elementsEqual(0 ..< n) { return x }
        let result = try Tensor(empty: [rows.count, width])
        copy(x, result, rows, width) { ($0, $1) }
        Autograd.record(result, "gather rows", [x]) { gradient in
            let dx = try Tensor(zeros: [n, width])
            addRows(try gradient.contiguous(), to: dx, rows, width)
            return [dx]
        }
        return result
    }

    /// [total, W] of zeros, except out[rows[i]] = x[i]; `rows` are distinct.
    static func scatter(_ x: Tensor, _ rows: [Int], total: Int) throws -> Tensor {
        let width = x.shape[1], result = try Tensor(zeros: [total, width])
        copy(x, result, rows, width) { ($1, $0) }
        Autograd.record(result, "scatter rows", [x]) { gradient in
            let dx = try Tensor(empty: [rows.count, width])
            copy(try gradient.contiguous(), dx, rows, width) { ($0, $1) }
            return [dx]
        }
        return result
    }

    /// x with the sum of parts[i * group ..< (i + 1) * group] added to row rows[i]; `rows` are distinct.
    static func addGroups(_ x: Tensor, _ parts: Tensor, _ rows: [Int], group: Int) throws -> Tensor {
        let width = x.shape[1], result = try Tensor(empty: x.shape)
        result.pointer(Float.self).update(from: x.pointer(Float.self), count: x.count)
        nonisolated(unsafe) let from = parts.pointer(Float.self), to = result.pointer(Float.self)
        Parallel.forRange(rows.count, grain: grain(width * group)) { range in
            for i in range {
                for g in 0 ..< group { accumulate(1, from + (i * group + g) * width, to: to + rows[i] * width, width) }
            }
        }
        let partShape = parts.shape
        Autograd.record(result, "add codebooks", [x, parts]) { gradient in
            let g = try gradient.contiguous(), dParts = try Tensor(empty: partShape)
            copy(g, dParts, rows.flatMap { [Int](repeating: $0, count: group) }, width) { ($0, $1) }
            return [g, dParts]
        }
        return result
    }

    /// Sequences of 1 + n rows: row i of `first` [M, W], then rows i * n ..< (i + 1) * n of `rest` [M * n, W].
    static func interleave(_ first: Tensor, _ rest: Tensor, each n: Int) throws -> Tensor {
        let (m, width) = (first.shape[0], first.shape[1]), length = n + 1
        let result = try Tensor(empty: [m * length, width])
        let firstRows = (0 ..< m).map { $0 * length }
        let restRows = (0 ..< m * n).map { $0 / n * length + 1 + $0 % n }
        copy(first, result, firstRows, width) { ($1, $0) }
        copy(rest, result, restRows, width) { ($1, $0) }
        Autograd.record(result, "interleave", [first, rest]) { gradient in
            let g = try gradient.contiguous(), dFirst = try Tensor(empty: [m, width]),
                dRest = try Tensor(empty: [m * n, width])
            copy(g, dFirst, firstRows, width) { ($0, $1) }
            copy(g, dRest, restRows, width) { ($0, $1) }
            return [dFirst, dRest]
        }
        return result
    }

    /// a + b as far as the backward pass is concerned; the elements are undefined.
    static func unreadSum(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let result = try Tensor(empty: a.shape)
        Autograd.record(result, "sum", [a, b]) { [$0, $0] }
        return result
    }

    /// constant + sum of factor * value over scalars, shape [].
    static func weightedSum(_ terms: [(value: Tensor, factor: Float)], constant: Float = 0) throws -> Tensor {
        let sum = terms.reduce(Double(constant)) { $0 + Double($1.factor) * Double($1.value.pointer(Float.self)[0]) }
        let result = try Tensor([Float(sum)], [])
        Autograd.record(result, "weighted sum", terms.map(\.value)) { gradient in
            let g = try gradient.contiguous().pointer(Float.self)[0]
            return try terms.map { try Tensor([g * $0.factor], []) }
        }
        return result
    }

    private static func grain(_ floats: Int) -> Int { max(1, 16384 / max(floats, 1)) }

    /// to[a] = from[b] where (b, a) = `places`(rows[i], i).
    private static func copy(
        _ source: Tensor, _ target: Tensor, _ rows: [Int], _ width: Int,
        _ places: (Int, Int) -> (from: Int, to: Int)
    ) {
        nonisolated(unsafe) let from = source.pointer(Float.self), to = target.pointer(Float.self), places = places
        Parallel.forRange(rows.count, grain: grain(width)) { range in
            for i in range {
                let place = places(rows[i], i)
                (to + place.to * width).update(from: from + place.from * width, count: width)
            }
        }
    }

    /// to[rows[i]] += g[i], in order of i; threads share the columns.
    private static func addRows(_ g: Tensor, to: Tensor, _ rows: [Int], _ width: Int) {
        nonisolated(unsafe) let from = g.pointer(Float.self), to = to.pointer(Float.self)
        Parallel.forRange((width + 63) / 64) { blocks in
            let lower = blocks.lowerBound * 64, upper = min(blocks.upperBound * 64, width)
            for (i, row) in rows.enumerated() {
                accumulate(1, from + i * width + lower, to: to + row * width + lower, upper - lower)
            }
        }
    }
}
