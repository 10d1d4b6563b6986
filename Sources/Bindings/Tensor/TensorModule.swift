import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.tensor`: making, joining and storing tensors.
    public static let tensor = LuaModule(
        "opah.tensor",
        "Tensors: n-dimensional arrays with PyTorch's operations and gradients. Positions and dimensions count from 1; values are never shifted. Every method may be called as a function too: `tensor.exp(t)` is `t:exp()`."
    ) { m in
        m.type(Tensor.luaClass)
        m.methods(of: Tensor.luaClass)
        m.type(Random.luaClass)
        m.declareCreation()
        m.declareRandom()
        m.declareJoining()
        m.declareFiles()
        m.declareRuntime()
        m.otherNames(Tensor.otherFunctions)
    }
}

extension ModuleBuilder {
    /// New tensors. float32 unless `dtype` says otherwise.
    fileprivate func declareCreation() {
        let options = "dtype?: \(DType.choices) = \"float32\", requires_grad?: boolean = false"
        let sizes = "(...: integer|integer[], opts?: {\(options)}) -> Tensor"
        function(
            "new", "(data: any, opts?: {dtype?: \(DType.choices), requires_grad?: boolean = false}) -> Tensor",
            "A tensor of nested lists of numbers, which must be rectangular, of one number, or of another tensor's elements (a copy). float32, or bool for booleans, unless `dtype` says otherwise.",
            example: """
                tensor.new{{1, 2}, {3, 4}}             --> [[1., 2.], [3., 4.]]
                tensor.new({5, 6}, {dtype = "int64"})  --> [5, 6]
                tensor.new{true, false}:dtype()        --> "bool"
                """
        ) { call in
            let dtype: DType? = try call.option("dtype")
            if let source = try call.objectIfAny(1, as: Tensor.self) {
                return try call.made(source.detach().to(dtype ?? source.dtype).clone())
            }
            let data = try call.get(1, as: NestedData.self).data
            if call.isTable(1), try !call.table(1).get("dtype", as: LuaValue.self).isNil {
                throw call.error(
                    "'dtype' among the data",
                    hint: "options are a table of their own: tensor.new({1, 2}, {dtype = \"int64\"})")
            }
            return try call.made(Tensor(data, dtype))
        }
        function(
            "zeros", sizes, "Zeros. Sizes are numbers or one list.",
            example: """
                tensor.zeros(2, 3)                    --> [[0., 0., 0.], [0., 0., 0.]]
                tensor.zeros({4}, {dtype = "int64"})  --> [0, 0, 0, 0]
                """
        ) { call in
            try call.made(Tensor(zeros: call.sizes(), call.option("dtype")))
        }
        function(
            "ones", sizes, "Ones. Sizes are numbers or one list.",
            example: "tensor.ones(2, 2) * 7  --> [[7., 7.], [7., 7.]]"
        ) { call in
            try call.made(Tensor.ones(call.sizes(), call.option("dtype")))
        }
        function(
            "empty", sizes, "Elements of any value, to be written before they are read.",
            example: "local t = tensor.empty(2, 3)\nt:fill_(1)\nt:shape(), t:sum():item()  --> {2, 3}, 6.0"
        ) { call in
            try call.made(Tensor(empty: call.sizes(), call.option("dtype")))
        }
        function(
            "full",
            "(shape: integer|integer[], value: number|boolean, opts?: {dtype?: \(DType.choices), requires_grad?: boolean = false}) -> Tensor",
            "`value` everywhere: float32, or bool for a boolean, unless `dtype` says otherwise.",
            example: """
                tensor.full({2, 2}, 7)                   --> [[7., 7.], [7., 7.]]
                tensor.full(3, -100, {dtype = "int64"})  --> [-100, -100, -100]
                """
        ) { call in
            let value: Scalar = try call.get(2), dtype: DType? = try call.option("dtype")
            let list: [Int] = try call.isTable(1) ? call.get(1) : [call.integer(1)]
            guard list.count <= Dims.maxCount else {
                throw call.error(.shape, "\(list.count) dimensions; a tensor has at most \(Dims.maxCount)")
            }
            return try call.made(Tensor.full(Dims(list), value, dtype ?? (call.isNumber(2) ? .float32 : .bool)))
        }
        for (name, doc, value) in [("zeros_like", "Zeros", 0), ("ones_like", "Ones", 1)] {
            function(
                name, "(t: Tensor, opts?: {dtype?: \(DType.choices), requires_grad?: boolean = false}) -> Tensor",
                "\(doc) of the shape of `t`, and of its dtype unless `dtype` says otherwise.",
                example:
                    "local codes = tensor.new({{7, 8}}, {dtype = \"int64\"})\ntensor.\(name)(codes)  --> [[\(value), \(value)]]"
            ) { call in
                let t = try call.tensor(1)
                return try call.made(Tensor.full(t.shape, value, call.option("dtype", as: DType?.self) ?? t.dtype))
            }
        }
        function(
            "range", "(first: number, last: number, step?: number = 1, opts?: {\(options)}) -> Tensor",
            "first, first + step, ... up to `last`, which is included when it is reached.",
            example: """
                tensor.range(1, 5)                         --> [1., 2., 3., 4., 5.]
                tensor.range(0, 1, 0.25)                   --> [0.0000, 0.2500, 0.5000, 0.7500, 1.0000]
                tensor.range(3, 1, -1, {dtype = "int64"})  --> [3, 2, 1]
                """
        ) { call in
            let (first, last, step) = (
                try call.get(1, as: Scalar.self), try call.get(2, as: Scalar.self), try call.get(3, as: Scalar.self)
            )
            let dtype: DType = try call.option("dtype")
            if case (.int(let first), .int(let last), .int(let step)) = (first, last, step) {
                return try call.made(Tensor.range(first, last, step: step, dtype))
            }
            return try call.made(Tensor.range(first.double, last.double, step: step.double, dtype))
        }
        function(
            "linspace", "(first: number, last: number, count: integer, opts?: {\(options)}) -> Tensor",
            "`count` numbers from `first` to `last`, both included, evenly spaced.",
            example: "tensor.linspace(-1, 1, 5)  --> [-1.0000, -0.5000,  0.0000,  0.5000,  1.0000]"
        ) { call in
            try call.made(Tensor.linspace(call.number(1), call.number(2), count: call.integer(3), call.option("dtype")))
        }
        function(
            "eye", "(rows: integer, columns?: integer, opts?: {\(options)}) -> Tensor",
            "Ones on the diagonal, zeros elsewhere; square unless `columns` says otherwise.",
            example: "tensor.eye(2)     --> [[1., 0.], [0., 1.]]\ntensor.eye(1, 3)  --> [[1., 0., 0.]]"
        ) { call in
            try call.made(Tensor.eye(call.integer(1), call.get(2), call.option("dtype")))
        }
        function(
            "from_bytes", "(bytes: string, dtype: \(DType.choices), shape: integer|integer[]) -> Tensor",
            "A tensor of the bytes of its elements, in row-major order and little-endian. See `t:tobytes`.",
            example: """
                tensor.from_bytes("\\1\\0\\2\\0", "int16", 2)               --> [1, 2]
                tensor.from_bytes(("<ff"):pack(0.5, 3), "float32", {1, 2})  --> [[0.5000, 3.0000]]
                """
        ) { call in
            let bytes = try call.bytes(1), list: [Int] = try call.isTable(3) ? call.get(3) : [call.integer(3)]
            let tensor = try Tensor(empty: Dims(checking: list, "tensor.from_bytes"), call.get(2))
            guard tensor.storage.byteCount == bytes.count else {
                throw call.error(
                    .shape,
                    "\(bytes.count) bytes for shape \(tensor.shape) of \(tensor.dtype.rawValue), which has \(tensor.storage.byteCount)"
                )
            }
            bytes.withUnsafeBytes {
                if let start = $0.baseAddress { tensor.storage.pointer.copyMemory(from: start, byteCount: $0.count) }
            }
            return try call.push(tensor)
        }
    }

    /// Several tensors into one.
    fileprivate func declareJoining() {
        for (name, doc, example) in [
            (
                "cat", "The tensors one after the other along `dim`; their other sizes must be equal.",
                "tensor.cat{tensor.new{1, 2}, tensor.new{3}}  --> [1., 2., 3.]\ntensor.cat({tensor.ones(2, 1), tensor.zeros(2, 2)}, 2)  --> [[1., 0., 0.], [1., 0., 0.]]"
            ),
            (
                "stack", "The tensors, of equal shape, along a new dimension `dim`.",
                "tensor.stack{tensor.new{1, 2}, tensor.new{3, 4}}               --> [[1., 2.], [3., 4.]]\ntensor.stack({tensor.new{1, 2}, tensor.new{3, 4}}, 2)  --> [[1., 3.], [2., 4.]]"
            )
        ] {
            function(
                name, "(tensors: table, dim?: integer = 1) -> Tensor",
                doc + " Dtypes promote. The dimension may also stand in the list: `{a, b, dim = 2}`.", example: example
            ) { call in
                var items = try call.table(1).list()
                var dim: Int = try call.table(1).get("dim", as: Int?.self) ?? call.get(2)
                if items.count > 1, let last = items.last?.integer { (dim, items) = (last, items.dropLast()) }
                let tensors = try items.enumerated().map { i, item in
                    guard let tensor = item.object(Tensor.self) else {
                        throw call.error(at: 1, "element \(i + 1) is no tensor")
                    }
                    return tensor
                }
                guard let first = tensors.first else { throw call.error("no tensors") }
                if name == "stack" {
                    return try call.push(Tensor.stack(tensors, dim: call.dimension(dim, of: first, extra: 1)))
                }
                let d = try call.dimension(dim, of: first, scalars: false)
                for tensor in tensors
                where tensor.rank != first.rank
                    || first.shape.indices.contains(where: { $0 != d && tensor.shape[$0] != first.shape[$0] })
                {
                    throw OpahError(
                        .shape,
                        "cat: shapes \(first.shape) and \(tensor.shape) cannot be joined along dimension \(d + 1)",
                        hint: "all sizes but that one must be equal")
                }
                return try call.push(Tensor.cat(tensors, dim: d))
            }
        }
        function(
            "where", "(condition: Tensor, a: Tensor|number, b: Tensor|number) -> Tensor",
            "The elements of `a` where `condition` is true (or not zero), of `b` elsewhere. All three broadcast. Where it is true: `condition:nonzero()`.",
            example: """
                local t = tensor.new{-1, 2}
                tensor.where(t:gt(0), t, 0)       --> [0., 2.]
                tensor.where(t:gt(0), t, t / 10)  --> [-0.1000,  2.0000]
                """
        ) { call in
            let a = try call.objectIfAny(2, as: Tensor.self), b = try call.objectIfAny(3, as: Tensor.self)
            return try call.push(Tensor.where(call.tensor(1), call.operand(2, beside: b), call.operand(3, beside: a)))
        }
    }

    /// The runtime, and questions.
    fileprivate func declareRuntime() {
        function(
            "is_tensor", "(x: any) -> boolean", "Whether `x` is a tensor.",
            example: "tensor.is_tensor(tensor.ones(1)), tensor.is_tensor({1})  --> true, false"
        ) { call in
            try call.push(call.value(1).object(Tensor.self) != nil)
        }
        function(
            "no_grad", "(fn: function, ...: any) -> ...: any",
            "Calls `fn` with what follows and gives its results; meanwhile nothing is recorded for `backward`. Recording goes on afterwards, also after an error.",
            example: """
                local w = tensor.ones(2):requires_grad(true)
                local y = tensor.no_grad(function() return w * 2 end)
                y:requires_grad()                                   --> false
                tensor.no_grad(function() w:sub_(0.5) end)          -- as an optimizer does
                """
        ) { call in
            let function = try call.function(1), arguments = try call.variadicRange.map { try call.value($0) }
            return try call.push(all: Autograd.withoutGradients { try function(all: arguments) })
        }
        function(
            "is_grad_enabled", "() -> boolean", "Whether operations are recorded for `backward` now.",
            example: "tensor.is_grad_enabled(), tensor.no_grad(tensor.is_grad_enabled)  --> true, false"
        ) { call in try call.push(Autograd.isEnabled) }
        function(
            "set_threads", "(n: integer)",
            """
            How many threads everything uses, this one included; at the start it is `OPAH_THREADS`, or the number of processors. With the same number of threads every result is the same \
            bit for bit, from run to run, whatever else the machine does. Codes, elementwise operations and sums do not depend on the number either; matrix products and what uses them may differ in the last place.
            """,
            example: """
                local before = tensor.threads()
                tensor.set_threads(1)
                tensor.threads()  --> 1
                tensor.set_threads(before)
                """
        ) { call in
            let n = try call.integer(1)
            guard n >= 1, n <= 1024 else { throw call.error(at: 1, "from 1 to 1024 are possible, not \(n)") }
            Parallel.setThreadCount(n)
            return .none
        }
        function(
            "threads", "() -> integer", "How many threads tensor operations use; `set_threads` changes it.",
            example: "tensor.threads() >= 1  --> true"
        ) { call in try call.push(Parallel.threadCount) }
        function(
            "memory", "(opts?: {reset_peak?: boolean = false}) -> {live: integer, peak: integer}",
            "Bytes that tensors hold now, and the most they have held since the start or since `reset_peak`. Mapped files do not count.",
            example: """
                local before = tensor.memory().live
                local t = tensor.zeros(1000)
                tensor.memory().live - before >= t:nbytes()  --> true
                """
        ) { call in
            let result: Fields = ["live": Memory.live, "peak": Memory.peak]
            if try call.option("reset_peak") { Memory.resetPeak() }
            return try call.push(fields: result)
        }
    }
}
