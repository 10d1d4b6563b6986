import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// What a tensor is: sizes, dtype, and its elements as Lua values.
    func declareInspection() {
        method(
            "shape", "() -> integer[]", "The sizes of all dimensions.",
            example: """
                tensor.zeros(2, 3):shape()                --> {2, 3}
                table.unpack(tensor.zeros(2, 3):shape())  --> 2, 3
                """
        ) { t, call in try call.push(Array(t.shape)) }
        method(
            "size", "(dim?: integer) -> integer|integer[]",
            "The size of dimension `dim`; without one, the sizes of all, as `shape` gives them.",
            example: """
                local t = tensor.zeros(2, 3)
                t:size(1), t:size(-1)  --> 2, 3
                t:size()               --> {2, 3}
                """, forms: ["(dim: integer) -> integer", "() -> integer[]"]
        ) { t, call in
            call.isNil(1) ? try call.push(Array(t.shape)) : try call.push(t.shape[call.dim(1, of: t, scalars: false)])
        }
        method("dim", "() -> integer", "The number of dimensions.", example: "tensor.zeros(2, 3):dim()  --> 2") {
            t, call in try call.push(t.rank)
        }
        method("numel", "() -> integer", "The number of elements.", example: "tensor.zeros(2, 3):numel()  --> 6") {
            t, call in try call.push(t.count)
        }
        method(
            "dtype", "() -> string", "What the elements are: \"float32\", \"int64\", ...",
            example: """
                tensor.new{1, 2}:dtype(), tensor.new{true}:dtype()  --> "float32", "bool"
                tensor.randperm(5):dtype()                          --> "int64"
                """
        ) { t, call in try call.push(t.dtype.rawValue) }
        method(
            "stride", "(dim?: integer) -> integer|integer[]",
            "How many elements apart neighbours along `dim` lie; without one, a list for all dimensions.",
            example: "local t = tensor.zeros(2, 3)\nt:stride(), t:t():stride(1)  --> {3, 1}, 1",
            forms: ["(dim: integer) -> integer", "() -> integer[]"]
        ) { t, call in
            call.isNil(1)
                ? try call.push(Array(t.strides)) : try call.push(t.strides[call.dim(1, of: t, scalars: false)])
        }
        method(
            "nbytes", "() -> integer", "Bytes of the elements: `numel()` times the size of one.",
            example: "tensor.zeros(2, 3):nbytes(), tensor.zeros(2, 3, {dtype = \"bfloat16\"}):nbytes()  --> 24, 12"
        ) { t, call in try call.push(t.count * t.dtype.size) }
        method(
            "is_contiguous", "() -> boolean", "Whether the elements lie one after the other in row-major order.",
            example: "local t = tensor.zeros(2, 3)\nt:is_contiguous(), t:t():is_contiguous()  --> true, false"
        ) { t, call in
            try call.push(t.isContiguous)
        }
        method(
            "item", "() -> number|boolean",
            "The only element as a Lua value: a boolean for bool, an integer for integer dtypes. An error when there are none or several.",
            example: """
                tensor.new{1, 2, 3}:sum():item()     --> 6.0
                tensor.new{1, 2, 3}:argmax():item()  --> 3
                """, forms: ["() -> number"]
        ) { t, call in
            if t.count != 1 { _ = try t.item() }   // throws
            return try call.push(t.value(at: 0))
        }
        method(
            "totable", "() -> any", "The elements as nested lists; a tensor without dimensions gives its element.",
            example: """
                tensor.new{{1, 2}, {3, 4}}:totable()  --> {{1.0, 2.0}, {3.0, 4.0}}
                tensor.new{5, 6}:gt(5):totable()      --> {false, true}
                """
        ) { t, call in
            try call.push(NestedLists(t))
        }
        method(
            "tobytes", "() -> string",
            "The bytes of the elements in row-major order, as the machine stores them (little-endian). See `tensor.from_bytes`.",
            example: "tensor.new({1, 258}, {dtype = \"int16\"}):tobytes()  --> \"\\1\\0\\2\\1\""
        ) { t, call in
            let t = try t.detach().contiguous()
            return try call.push(
                bytes: UnsafeRawBufferPointer(
                    start: t.storage.pointer + t.offset * t.dtype.size, count: t.count * t.dtype.size))
        }
        method(
            "rows", "() -> function",
            "Iterates over the first dimension: positions, and views of what lies there (numbers when there is no other dimension).",
            example: """
                local sums = {}
                for i, row in tensor.new{{1, 2}, {3, 4}}:rows() do sums[i] = row:sum():item() end
                sums  --> {3.0, 7.0}
                """
        ) { t, call in
            guard t.rank > 0 else { throw call.error(.shape, "a tensor without dimensions has no rows") }
            var next = 0
            return try call.push(
                LuaClosure("rows") { call in
                    guard next < t.shape[0] else { return .none }
                    next += 1
                    return try call.push(next, t.row(next - 1))
                })
        }
        method(
            "free", "()",
            "Gives the tensor up now instead of when the collector finds it; using it afterwards is an error. Its memory returns when no view of it is left. `local t <close> = ...` does the same at the end of the block.",
            example: """
                local big = tensor.zeros(1000)
                big:free()
                pcall(function() return big:sum() end)  --> false, Tensor:sum: ...closed...
                """
        ) { _, call in
            call.closeReceiver()
            return .none
        }
        metamethod(
            "__len", "(t: Tensor) -> integer", "`#t`: the size of the first dimension.",
            example: "#tensor.zeros(2, 3)  --> 2"
        ) { call in
            let t = try call.tensor(1)
            guard t.rank > 0 else {
                throw OpahError(.shape, "#: a tensor without dimensions has no length", hint: "t:item() is its element")
            }
            return try call.push(t.shape[0])
        }
        metamethod(
            "__tostring", "(t: Tensor) -> string",
            "Rows and columns as NumPy shows them, large tensors abridged, then shape and dtype.",
            example: "tostring(tensor.new{1, 2})  --> [1., 2.]...[2 float32]"
        ) { call in
            try call.push(call.tensor(1).description)
        }
        metamethod(
            "__concat", "(a: any, b: any) -> string",
            "`\"loss \" .. t`: the text of both; of a tensor with one element only its number.",
            example: "\"loss \" .. tensor.new{1, 2}:mean()  --> \"loss 1.5\""
        ) { call in
            try call.push(
                (1 ... 2).map { n -> String in
                    if let t = try call.objectIfAny(n, as: Tensor.self) {
                        return t.count == 1 ? try call.interpreter.text(t.value(at: 0)) : t.description
                    }
                    return try call.interpreter.text(call.value(n))
                }.joined())
        }
    }
}
