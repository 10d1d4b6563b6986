import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Elements chosen by position or by a mask.
    func declareSelection() {
        method(
            "index_select", "(dim: integer, positions: Tensor|integer[]) -> Tensor",
            "The given positions of `dim` (1-based), in their order: a copy.",
            example: """
                tensor.new{10, 20, 30}:index_select(1, {3, 1})      --> [30., 10.]
                tensor.new{{1, 2}, {3, 4}}:index_select(2, {2, 2})  --> [[2., 2.], [4., 4.]]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false), positions = try call.positions(2, d, of: t)
            guard positions.rank <= 1 else {
                throw call.error(.shape, "positions of shape \(positions.shape)", hint: "a vector is wanted")
            }
            return try call.push(t.indexSelect(dim: d, positions))
        }
        method(
            "gather", "(dim: integer, positions: Tensor) -> Tensor",
            "result[i][j] = t[positions[i][j]][j] for `dim` 1, and so on: the shape of `positions` (1-based), which has as many dimensions and is no larger in the others.",
            example: """
                local logprobs, ids = tensor.new{{-1, -2}, {-3, -4}}, tensor.new{{0}, {1}}
                logprobs:gather(2, ids + 1)  --> [[-1.], [-4.]]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            return try call.push(t.gather(dim: d, call.positions(2, d, of: t)))
        }
        method(
            "scatter_", "(dim: integer, positions: Tensor, source: Tensor|number) -> Tensor",
            "t[positions[i][j]][j] = source[i][j] for `dim` 1, and so on (positions 1-based). Where they repeat, the last counts.",
            example: """
                local ids = tensor.new{{2}, {0}}
                tensor.zeros(2, 3):scatter_(2, ids + 1, 1)  --> [[0., 0., 1.], [1., 0., 0.]]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false), positions = try call.positions(2, d, of: t)
            if let source = try call.objectIfAny(3, as: Tensor.self) {
                try t.scatter_(dim: d, positions, source)
            } else {
                try t.scatter_(dim: d, positions, value: call.scalar(3))
            }
            return call.pass(0)
        }
        method(
            "scatter_add_", "(dim: integer, positions: Tensor, source: Tensor) -> Tensor",
            "`scatter_` that adds: t[positions[i][j]][j] += source[i][j] for `dim` 1 (positions 1-based); repeated positions add up.",
            example: """
                local positions = tensor.new{1, 3, 1}
                tensor.zeros(3):scatter_add_(1, positions, tensor.ones(3))  --> [2., 0., 1.]
                """
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            try t.scatterAdd_(dim: d, call.positions(2, d, of: t), call.tensor(3))
            return call.pass(0)
        }
        method(
            "index_add_", "(dim: integer, positions: Tensor|integer[], source: Tensor) -> Tensor",
            "Adds position i of `source` along `dim` to position `positions[i]` (1-based); repeated positions add up.",
            example:
                "tensor.zeros(2, 2):index_add_(1, {2, 2}, tensor.new{{1, 2}, {10, 20}})  --> [[ 0.,  0.], [11., 22.]]"
        ) { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            try t.indexAdd_(dim: d, call.positions(2, d, of: t), call.tensor(3))
            return call.pass(0)
        }
        method(
            "masked_select", "(mask: Tensor) -> Tensor",
            "The elements where the bool `mask`, which broadcasts, is true: a vector.",
            example: """
                local t = tensor.new{1, -2, 3}
                t:masked_select(t:gt(0))  --> [1., 3.]
                t[t:gt(0)]                --> [1., 3.]
                """
        ) { t, call in
            try call.push(t.maskedSelect(call.tensor(1)))
        }
        method(
            "masked_fill", "(mask: Tensor, value: number) -> Tensor",
            "A copy with `value` where the bool `mask`, which broadcasts, is true.",
            example: """
                local scores = tensor.new{{1, 2}, {3, 4}}
                local future = tensor.ones(2, 2):triu(1):gt(0)
                scores:masked_fill(future, -math.huge):softmax()  --> [[1.0000, 0.0000], [0.2689, 0.7311]]
                """
        ) { t, call in
            try call.push(t.maskedFill(call.tensor(1), call.scalar(2)))
        }
        method(
            "masked_fill_", "(mask: Tensor, value: number) -> Tensor",
            "Sets the elements where the bool `mask`, which broadcasts to this shape, is true.",
            example: "local t = tensor.new{1, -2, 3}\nt:masked_fill_(t:lt(0), 0)\nt  --> [1., 0., 3.]"
        ) { t, call in
            try t.maskedFill_(call.tensor(1), call.scalar(2))
            return call.pass(0)
        }
        method(
            "nonzero", "() -> Tensor",
            "The positions (1-based) of the elements that are not zero, in row-major order: int64 [n, dimensions].",
            example: """
                tensor.new{{0, 5}, {7, 0}}:nonzero()                   --> [[1, 2], [2, 1]]
                tensor.new{0.1, 0.9, 0.8}:gt(0.5):nonzero():flatten()  --> [2, 3]
                """
        ) { t, call in try call.push(t.nonzero().oneBased()) }
        declareTriangles()
    }

    /// Parts of matrices.
    private func declareTriangles() {
        for (name, what, keeps) in [
            ("tril", "on and below", { try $0.ge($1) }), ("triu", "on and above", { try $0.le($1) })
        ] as [(String, String, (Tensor, Tensor) throws -> Tensor)] {
            method(
                name, "(diagonal?: integer = 0) -> Tensor",
                "A copy of the last two dimensions with only what is \(what) the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.",
                example: """
                    tensor.ones(2, 3):\(name)()   --> \(name == "tril" ? "[[1., 0., 0.], [1., 1., 0.]]" : "[[1., 1., 1.], [0., 1., 1.]]")
                    tensor.ones(2, 3):\(name)(1)  --> \(name == "tril" ? "[[1., 1., 0.], [1., 1., 1.]]" : "[[0., 1., 1.], [0., 0., 1.]]")
                    """
            ) { t, call in
                guard t.rank >= 2 else { throw call.error(.shape, "a tensor of shape \(t.shape) is no matrix") }
                let rows = t.shape[t.rank - 2], columns = t.shape[t.rank - 1],
                    diagonal = min(max(try call.get(1), -rows), columns)
                let row = try Tensor.range(1, rows).add(diagonal).unsqueeze(dim: 1),
                    column = try Tensor.range(1, columns)
                return try call.push(Tensor.where(keeps(row, column), t, Tensor(zeros: [], t.dtype)))
            }
        }
    }

    /// Copies, other dtypes, and filling.
    func declareConversion() {
        method(
            "to", "(dtype: \(DType.choices)|Tensor) -> Tensor",
            "The same numbers as another dtype, or as that of a tensor; itself when it has that dtype. Floats become integers by truncation.",
            example: """
                tensor.new{1.9, -1.9}:to("int32")          --> [ 1, -1]
                local codes = tensor.randint(0, 8, 3)
                tensor.new{0.5}:to(codes):dtype()          --> "int64"
                """
        ) { t, call in
            let dtype: DType = try call.objectIfAny(1, as: Tensor.self)?.dtype ?? call.get(1)
            return try call.push(t.to(dtype))
        }
        method(
            "clone", "() -> Tensor", "A copy with memory of its own; gradients flow through it.",
            example: """
                local a = tensor.new{1, 2}
                local b, alias = a:clone(), a
                a[1] = 9
                alias, b  --> [9., 2.], [1., 2.]
                """
        ) { t, call in try call.push(t.clone()) }
        method(
            "copy_", "(source: Tensor) -> Tensor",
            "Takes the elements of `source`, broadcast to this shape and converted to this dtype. `t[{}] = ...` writes lists and numbers too.",
            example: "local t = tensor.zeros(2, 2)\nt:copy_(tensor.new{1, 2})\nt  --> [[1., 2.], [1., 2.]]"
        ) { t, call in
            try t.copy_(call.tensor(1))
            return call.pass(0)
        }
        method(
            "fill_", "(value: number|boolean) -> Tensor", "Sets every element to `value`.",
            example: "local t = tensor.empty(3)\nt:fill_(0.5)\nt  --> [0.5000, 0.5000, 0.5000]"
        ) { t, call in
            try t.fill_(call.scalar(1))
            return call.pass(0)
        }
        method(
            "zero_", "() -> Tensor", "Sets every element to 0.",
            example: "local t = tensor.ones(3)\nt:zero_()\nt  --> [0., 0., 0.]"
        ) { t, call in
            try t.zero_()
            return call.pass(0)
        }
    }
}
