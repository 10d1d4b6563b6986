import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// The same elements with another shape, order or extent. All of these are views but where said otherwise.
    func declareViews() {
        method(
            "view", "(...: integer|integer[]) -> Tensor",
            "The same elements in row-major order with another shape; one size may be -1: what is left. An error where that needs a copy.",
            example: """
                local t = tensor.range(1, 6)
                t:view(2, -1)             --> [[1., 2., 3.], [4., 5., 6.]]
                t:view(2, 3)[{1, 1}] = 9
                t[1]                      --> 9.0
                """
        ) { t, call in try call.push(t.view(call.sizes())) }
        method(
            "reshape", "(...: integer|integer[]) -> Tensor", "`view`, or a copy where a view cannot do it.",
            example: """
                local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
                t:reshape(3, 2)    --> [[1., 2.], [3., 4.], [5., 6.]]
                t:t():reshape(-1)  --> [1., 4., 2., 5., 3., 6.]
                """
        ) { t, call in try call.push(t.reshape(call.sizes())) }
        method(
            "flatten", "(first?: integer = 1, last?: integer = -1) -> Tensor",
            "Joins the dimensions from `first` to `last` into one; a copy where a view cannot do it.",
            example: "local t = tensor.zeros(2, 3, 4)\nt:flatten():shape(), t:flatten(2):shape()  --> {24}, {2, 12}"
        ) { t, call in
            let first: Int = try call.get(1), last: Int = try call.get(2), from = try call.dimension(first, of: t),
                to = try call.dimension(last, of: t)
            guard from <= to else { throw call.error("dimension \(first) lies behind dimension \(last)") }
            return try call.push(t.flatten(from: from, to: to))
        }
        method(
            "squeeze", "(dim?: integer) -> Tensor",
            "Without dimension `dim` when its size is 1; without one, without all of size 1.",
            example:
                "local t = tensor.zeros(1, 3, 1)\nt:squeeze():shape(), t:squeeze(1):shape(), t:squeeze(2):shape()  --> {3}, {3, 1}, {1, 3, 1}"
        ) { t, call in
            try call.push(call.dimIfAny(1, of: t).map { try t.squeeze(dim: $0) } ?? t.squeeze())
        }
        method(
            "unsqueeze", "(dim: integer) -> Tensor", "With a new dimension of size 1, which becomes `dim`.",
            example: """
                local t = tensor.new{1, 2}
                t:unsqueeze(1), t:unsqueeze(-1)  --> [[1., 2.]], [[1.], [2.]]
                """
        ) { t, call in
            try call.push(t.unsqueeze(dim: call.dim(1, of: t, extra: 1)))
        }
        method(
            "transpose", "(dim1: integer, dim2: integer) -> Tensor", "With two dimensions swapped.",
            example: """
                tensor.new{{1, 2}, {3, 4}}:transpose(1, 2)        --> [[1., 3.], [2., 4.]]
                tensor.zeros(8, 4, 20):transpose(-2, -1):shape()  --> {8, 20, 4}
                """
        ) { t, call in
            try call.push(t.transpose(call.dim(1, of: t), call.dim(2, of: t)))
        }
        method(
            "t", "() -> Tensor", "A matrix with rows and columns swapped; vectors stay as they are.",
            example: "tensor.new{{1, 2}, {3, 4}}:t()  --> [[1., 3.], [2., 4.]]"
        ) { t, call in
            guard t.rank <= 2 else {
                throw call.error(.shape, "a tensor of shape \(t.shape) is no matrix", hint: "use transpose or permute")
            }
            return try call.push(t.rank < 2 ? t : t.transpose(0, 1))
        }
        method(
            "permute", "(...: integer|integer[]) -> Tensor",
            "Dimension i of the result is dimension `order[i]` of this tensor; each is named once.",
            example: """
                local heads = tensor.zeros(20, 4, 16)          -- T, H, d
                heads:permute(2, 1, 3):shape()                 --> {4, 20, 16}
                """
        ) { t, call in
            let order: [Int] = try call.variadic(), dims = try order.map { try call.dimension($0, of: t) }
            guard dims.count == t.rank, Set(dims).count == dims.count else {
                throw call.error(
                    "the order \(order) for a tensor of shape \(t.shape)", hint: "name each dimension once")
            }
            return try call.push(t.permute(Dims(dims)))
        }
        method(
            "expand", "(...: integer|integer[]) -> Tensor",
            "Dimensions of size 1 repeated to the given sizes without copying; -1 keeps a size, new dimensions may stand in front.",
            example: """
                tensor.new{{1}, {2}}:expand(-1, 3)     --> [[1., 1., 1.], [2., 2., 2.]]
                tensor.new{1, 2}:expand(4, 2):shape()  --> {4, 2}
                """
        ) { t, call in try call.push(t.expand(call.sizes())) }
        method(
            "expand_as", "(other: Tensor) -> Tensor", "`expand` to the shape of `other`.",
            example: "tensor.new{1, 2}:expand_as(tensor.zeros(2, 2))  --> [[1., 2.], [1., 2.]]"
        ) { t, call in try call.push(t.expand(as: call.tensor(1))) }
        method(
            "contiguous", "() -> Tensor", "Itself when its elements lie in row-major order, else a copy that does.",
            example: "tensor.new{{1, 2}, {3, 4}}:t():contiguous():view(-1)  --> [1., 3., 2., 4.]"
        ) { t, call in try call.push(t.contiguous()) }
        method(
            "narrow", "(dim: integer, first: integer, length: integer) -> Tensor",
            "`length` positions of `dim` from position `first` on.",
            example: """
                tensor.range(1, 5):narrow(1, 2, 3)  --> [2., 3., 4.]
                tensor.range(1, 5)[{{2, 4}}]        --> [2., 3., 4.]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false), first = try call.integer(2), length = try call.integer(3),
                size = t.shape[d]
            // Nothing may stand behind the last position too.
            let start = length == 0 && first == size + 1 ? size : try call.position(first, d, of: t)
            guard length >= 0, start <= size - length else {
                throw call.error(
                    .index, "\(length) positions from \(first) on exceed dimension \(d + 1) of shape \(t.shape)")
            }
            return try call.push(t.narrow(dim: d, start: start, length: length))
        }
        method(
            "select", "(dim: integer, position: integer) -> Tensor",
            "Position `position` of `dim`, which disappears. Unlike `t[i]` it gives a tensor also for a vector.",
            example: "local t = tensor.new{{1, 2}, {3, 4}}\nt:select(2, 1), t:select(1, -1)  --> [1., 3.], [3., 4.]"
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            return try call.push(t.select(dim: d, index: call.position(call.integer(2), d, of: t)))
        }
        method(
            "split", "(size: integer|integer[], dim?: integer = 1) -> Tensor[]",
            "A list of parts of `size` positions of `dim`, the last may be smaller; or parts of the sizes listed, which must add up.",
            example: """
                local parts = tensor.range(1, 5):split(2)
                #parts, parts[1], parts[3]  --> 3, [1., 2.], [5.]
                local q, k, v = table.unpack(tensor.zeros(20, 96):split({64, 16, 16}, 2))
                q:shape(), v:shape()  --> {20, 64}, {20, 16}
                """
        ) { t, call in
            let d = try call.dimension(call.get(2), of: t, scalars: false)
            if call.isTable(1) {
                let sizes = try call.integers(1)
                guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, { $0 &+ $1 }) == t.shape[d] else {
                    throw call.error(.shape, "sizes \(sizes) do not add up to dimension \(d + 1) of shape \(t.shape)")
                }
                return try call.push(t.split(sizes: sizes, dim: d))
            }
            return try call.push(t.split(call.integer(1), dim: d))
        }
        method(
            "chunk", "(count: integer, dim?: integer = 1) -> Tensor[]",
            "A list of at most `count` parts of equal size along `dim`; the last may be smaller.",
            example:
                "local left, right = table.unpack(tensor.new{{1, 2}, {3, 4}}:chunk(2, 2))\nleft, right  --> [[1.], [3.]], [[2.], [4.]]"
        ) { t, call in
            try call.push(t.chunk(call.integer(1), dim: call.dimension(call.get(2), of: t, scalars: false)))
        }
        method(
            "pad", "(dim: integer, before: integer, after: integer, value?: number = 0) -> Tensor",
            "A copy with `before` and `after` positions of `value` added around dimension `dim`; negative counts cut off.",
            example: """
                tensor.new{1, 2}:pad(1, 1, 2)        --> [0., 1., 2., 0., 0.]
                tensor.new{{1, 2}}:pad(1, 0, 1, -1)  --> [[ 1.,  2.], [-1., -1.]]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false), before = try call.integer(2), after = try call.integer(3),
                size = t.shape[d]
            let least = size.addingReportingOverflow(min(before, 0)).partialValue.addingReportingOverflow(min(after, 0))
            guard least.partialValue >= 0, !least.overflow, max(before, after) < 1 << 48,
                min(before, after) > -(1 << 48)
            else {
                throw call.error(
                    .shape, "\(before) and \(after) positions cannot be added to dimension \(d + 1) of shape \(t.shape)"
                )
            }
            let amounts = Array(repeating: 0, count: 2 * (t.rank - 1 - d)) + [before, after]
            return try call.push(t.pad(amounts, value: call.get(4, as: Scalar.self)))
        }
        method(
            "flip", "(dim?: integer|integer[]) -> Tensor",
            "A copy with the order along `dim`, one or a list, reversed; along all dimensions without.",
            example:
                "tensor.new{{1, 2}, {3, 4}}:flip(1)  --> [[3., 4.], [1., 2.]]\ntensor.new{{1, 2}, {3, 4}}:flip()   --> [[4., 3.], [2., 1.]]"
        ) { t, call in
            try call.push(
                (call.dims(1, of: t) ?? Dims(0 ..< t.rank)).reduce(t) {
                    try $0.rank == 0 ? $0 : $0.slice(dim: $1, step: -1)
                })
        }
        method(
            "tile", "(...: integer|integer[]) -> Tensor",
            "A copy repeated as often as said along each dimension, the last count being that of the last dimension.",
            example:
                "tensor.new{1, 2}:tile(3)     --> [1., 2., 1., 2., 1., 2.]\ntensor.new{1, 2}:tile(2, 1)  --> [[1., 2.], [1., 2.]]"
        ) { t, call in
            let counts = try call.sizes()
            guard counts.allSatisfy({ $0 >= 0 }) else { throw call.error("negative counts in \(counts)") }
            var result = t
            while result.rank < counts.count { result = try result.unsqueeze(dim: 0) }
            for (i, count) in counts.enumerated() {
                let d = result.rank - counts.count + i, shape = result.shape
                result = try result.repeated(count, before: d).reshape(
                    Dims(shape.indices.map { $0 == d ? shape[$0] * count : shape[$0] }))
            }
            return try call.push(counts.allSatisfy { $0 == 1 } ? result.clone() : result)
        }
        method(
            "repeat_interleave", "(count: integer, dim: integer) -> Tensor",
            "A copy with each position of `dim` repeated `count` times in a row, as heads of keys are for grouped queries.",
            example: """
                tensor.new{1, 2}:repeat_interleave(2, 1)                 --> [1., 1., 2., 2.]
                tensor.zeros(2, 20, 16):repeat_interleave(4, 1):shape()  --> {8, 20, 16}
                """
        ) { t, call in
            let count = try call.integer(1), d = try call.dim(2, of: t, scalars: false), shape = t.shape
            guard count >= 0 else { throw call.error(at: 1, "a count of \(count)") }
            return try call.push(
                t.repeated(count, before: d + 1).reshape(
                    Dims(shape.indices.map { $0 == d ? shape[$0] * count : shape[$0] })))
        }
    }
}

extension Tensor {
    /// A view with a new dimension of size `count` in front of dimension `d`. Its number of elements does not overflow.
    fileprivate func repeated(_ count: Int, before d: Int) throws -> Tensor {
        var sizes = Dims(repeating: -1, count: rank)
        guard rank < Dims.maxCount else {
            throw OpahError(.shape, "repeat: a tensor of shape \(shape) has too many dimensions")
        }
        sizes.insert(count, at: d)
        return try unsqueeze(dim: d).expand(sizes)
    }
}
