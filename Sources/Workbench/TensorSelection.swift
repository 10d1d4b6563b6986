import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Elements chosen by position or by a mask.
    func declareSelection() {
        method("index_select", "(dim: integer, positions: Tensor|integer[]) -> Tensor", "The given positions of `dim` (1-based), in their order: a copy.",
               example: "assert(tensor.new{10, 20, 30}:index_select(1, {3, 1})[1] == 30)") { t, call in
            let d = try call.dim(1, of: t, scalars: false), positions = try call.positions(2, d, of: t)
            guard positions.rank <= 1 else { throw call.error(.shape, "positions of shape \(positions.shape)", hint: "a vector is wanted") }
            return try call.push(t.indexSelect(dim: d, positions))
        }
        method("gather", "(dim: integer, positions: Tensor) -> Tensor",
               "result[i][j] = t[positions[i][j]][j] for `dim` 1, and so on: the shape of `positions` (1-based), which has as many dimensions and is no larger in the others.",
               example: "assert(tensor.new{{1, 2}, {3, 4}}:gather(2, tensor.new{{2}, {1}})[{1, 1}] == 2)") { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            return try call.push(t.gather(dim: d, call.positions(2, d, of: t)))
        }
        method("scatter_", "(dim: integer, positions: Tensor, source: Tensor|number) -> Tensor",
               "t[positions[i][j]][j] = source[i][j] for `dim` 1, and so on (positions 1-based). Where they repeat, the last counts.",
               example: "local hot = tensor.zeros(2, 3):scatter_(2, tensor.new{{3}, {1}}, 1)  assert(hot[{1, 3}] == 1)") { t, call in
            let d = try call.dim(1, of: t, scalars: false), positions = try call.positions(2, d, of: t)
            if let source = try call.objectIfAny(3, as: Tensor.self) { try t.scatter_(dim: d, positions, source) }
            else { try t.scatter_(dim: d, positions, value: call.scalar(3)) }
            return call.pass(0)
        }
        method("scatter_add_", "(dim: integer, positions: Tensor, source: Tensor) -> Tensor", "`scatter_` that adds; repeated positions add up.") { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            try t.scatterAdd_(dim: d, call.positions(2, d, of: t), call.tensor(3))
            return call.pass(0)
        }
        method("index_add_", "(dim: integer, positions: Tensor|integer[], source: Tensor) -> Tensor", "Adds position i of `source` along `dim` to position `positions[i]` (1-based); repeated positions add up.") { t, call in
            let d = try call.dim(1, of: t, scalars: false)
            try t.indexAdd_(dim: d, call.positions(2, d, of: t), call.tensor(3))
            return call.pass(0)
        }
        method("masked_select", "(mask: Tensor) -> Tensor", "The elements where the bool `mask`, which broadcasts, is true: a vector.",
               example: "local t = tensor.new{1, -2, 3}  assert(#t:masked_select(t:gt(0)) == 2)") { t, call in
            try call.push(t.maskedSelect(call.tensor(1)))
        }
        method("masked_fill", "(mask: Tensor, value: number) -> Tensor", "A copy with `value` where the bool `mask`, which broadcasts, is true.") { t, call in
            try call.push(t.maskedFill(call.tensor(1), call.scalar(2)))
        }
        method("masked_fill_", "(mask: Tensor, value: number) -> Tensor", "Sets the elements where the bool `mask`, which broadcasts to this shape, is true.") { t, call in
            try t.maskedFill_(call.tensor(1), call.scalar(2))
            return call.pass(0)
        }
        method("nonzero", "() -> Tensor", "The positions (1-based) of the elements that are not zero, in row-major order: int64 [n, dimensions].",
               example: "assert(tensor.new{0, 5}:nonzero()[{1, 1}] == 2)") { t, call in try call.push(t.nonzero().oneBased()) }
        declareTriangles()
    }

    /// Parts of matrices.
    private func declareTriangles() {
        for (name, what, keeps) in [("tril", "on and below", { try $0.ge($1) }), ("triu", "on and above", { try $0.le($1) })] as [(String, String, (Tensor, Tensor) throws -> Tensor)] {
            method(name, "(diagonal?: integer = 0) -> Tensor", "A copy of the last two dimensions with only what is \(what) the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.",
                   example: name == "tril" ? "assert(tensor.ones(3, 3):tril():sum():item() == 6)" : nil) { t, call in
                guard t.rank >= 2 else { throw call.error(.shape, "a tensor of shape \(t.shape) is no matrix") }
                let rows = t.shape[t.rank - 2], columns = t.shape[t.rank - 1], diagonal = min(max(try call.get(1), -rows), columns)
                let row = try Tensor.range(1, rows).add(diagonal).unsqueeze(dim: 1), column = try Tensor.range(1, columns)
                return try call.push(Tensor.where(keeps(row, column), t, Tensor(zeros: [], t.dtype)))
            }
        }
    }

    /// Copies, other dtypes, and filling.
    func declareConversion() {
        method("to", "(dtype: \(DType.choices)|Tensor) -> Tensor", "The same numbers as another dtype, or as that of a tensor; itself when it has that dtype. Floats become integers by truncation.",
               example: "assert(tensor.new{1.9, -1.9}:to(\"int32\")[2] == -1)") { t, call in
            let dtype: DType = try call.objectIfAny(1, as: Tensor.self)?.dtype ?? call.get(1)
            return try call.push(t.to(dtype))
        }
        method("clone", "() -> Tensor", "A copy with memory of its own.") { t, call in try call.push(t.clone()) }
        method("copy_", "(source: Tensor) -> Tensor", "Takes the elements of `source`, broadcast to this shape and converted to this dtype.") { t, call in
            try t.copy_(call.tensor(1))
            return call.pass(0)
        }
        method("fill_", "(value: number|boolean) -> Tensor", "Sets every element to `value`.") { t, call in
            try t.fill_(call.scalar(1))
            return call.pass(0)
        }
        method("zero_", "() -> Tensor", "Sets every element to 0.") { t, call in
            try t.zero_()
            return call.pass(0)
        }
    }
}
