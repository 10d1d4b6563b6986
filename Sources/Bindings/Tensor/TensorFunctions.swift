import LuaHost
import Support
import Tensors

/// A function of each element: its new-tensor and in-place forms; `sample` and `result` make the examples.
private typealias Function = (
    name: String, doc: String, sample: String, result: String,
    make: @Sendable (Tensor) throws -> Tensor, change: @Sendable (Tensor) throws -> Tensor
)

private let functions: [Function] = [
    (
        "neg", "-x; bools have none.", "{1, -2}", "[-1.,  2.]", { try $0.signed("neg").neg() },
        { try $0.signed("neg_").neg_() }
    ),
    ("abs", "|x|.", "{1, -2}", "[1., 2.]", { try $0.abs() }, { try $0.abs_() }),
    ("exp", "e^x.", "{0, 1}", "[1.0000, 2.7183]", { try $0.exp() }, { try $0.exp_() }),
    (
        "log", "The natural logarithm: -inf of 0, NaN below. `t:log() / math.log(10)` has base 10.", "{1, 10}",
        "[0.0000, 2.3026]", { try $0.log() }, { try $0.log_() }
    ),
    ("sqrt", "The square root: NaN below 0.", "{4, 9}", "[2., 3.]", { try $0.sqrt() }, { try $0.sqrt_() }),
    (
        "rsqrt", "1 / sqrt(x): inf of 0, NaN below.", "{4, 16}", "[0.5000, 0.2500]", { try $0.rsqrt() },
        { try $0.rsqrt_() }
    ),
    ("tanh", "The hyperbolic tangent.", "{0, 1}", "[0.0000, 0.7616]", { try $0.tanh() }, { try $0.tanh_() }),
    ("sigmoid", "1 / (1 + e^-x).", "{0, 2}", "[0.5000, 0.8808]", { try $0.sigmoid() }, { try $0.sigmoid_() }),
    ("silu", "x sigmoid(x).", "{-1, 1}", "[-0.2689,  0.7311]", { try $0.silu() }, { try $0.silu_() }),
    (
        "gelu", "x/2 (1 + erf(x / sqrt 2)), the exact one.", "{-1, 1}", "[-0.1587,  0.8413]", { try $0.gelu() },
        { try $0.gelu_() }
    ),
    ("relu", "x where it is positive, else 0.", "{-1, 2}", "[0., 2.]", { try $0.relu() }, { try $0.relu_() }),
    ("sin", "The sine of x in radians.", "{0, math.pi / 2}", "[0., 1.]", { try $0.sin() }, { try $0.sin_() }),
    ("cos", "The cosine of x in radians.", "{0, math.pi}", "[ 1., -1.]", { try $0.cos() }, { try $0.cos_() }),
    (
        "round", "The nearest integer; halves go to the even neighbour.", "{0.5, 1.5, 2.6}", "[0., 2., 3.]",
        { try $0.round() }, { try $0.round_() }
    ),
    ("floor", "The next integer below.", "{1.7, -1.2}", "[ 1., -2.]", { try $0.floor() }, { try $0.floor_() }),
    ("ceil", "The next integer above.", "{1.2, -1.7}", "[ 2., -1.]", { try $0.ceil() }, { try $0.ceil_() })
]

extension Tensor {
    /// Itself, unless its elements have no sign to turn.
    func signed(_ name: String) throws -> Tensor {
        guard dtype != .bool else {
            throw OpahError(
                .dtype, "\(name): bools cannot be negated", hint: "`~mask` or mask:logical_not() is where it is false")
        }
        return self
    }
}

extension ClassBuilder where T == Tensor {
    /// Functions of each element. Of integers they are float32, but for those whose results are integers too.
    func declareFunctions() {
        for function in functions {
            method(
                function.name, "() -> Tensor", "Of each element x: \(function.doc)",
                example: "tensor.new\(function.sample):\(function.name)()  --> \(function.result)"
            ) { t, call in try call.push(function.make(t)) }
            method(
                function.name + "_", "() -> Tensor", "In place, of each element x: \(function.doc)",
                example: "local t = tensor.new\(function.sample)\nt:\(function.name)_()\nt  --> \(function.result)"
            ) { t, call in
                _ = try function.change(t)
                return call.pass(0)
            }
        }
        method(
            "softmax", "(dim?: integer = -1) -> Tensor",
            "e^x / sum of e^x along `dim`, the last unless it is named, without overflow.",
            example: "tensor.new{{1, 2}, {1000, 1000}}:softmax()  --> [[0.2689, 0.7311], [0.5000, 0.5000]]"
        ) { t, call in try call.push(t.softmax(dim: call.dimension(call.get(1), of: t))) }
        method(
            "log_softmax", "(dim?: integer = -1) -> Tensor",
            "x - log(sum of e^x) along `dim`, the last unless it is named.",
            example: """
                local logits = tensor.new{{2, 0, 0}}
                logits:log_softmax()                              --> [[-0.2395, -2.2395, -2.2395]]
                -logits:log_softmax():gather(2, tensor.new{{1}})  --> [[0.2395]]
                """
        ) { t, call in
            try call.push(t.logSoftmax(dim: call.dimension(call.get(1), of: t)))
        }
        method(
            "cumsum", "(dim: integer) -> Tensor",
            "Sums of the elements up to each along `dim`; integers and bools give int64.",
            example: """
                tensor.new{1, 2, 3}:cumsum(1)         --> [1., 3., 6.]
                tensor.new{{1, 2}, {3, 4}}:cumsum(2)  --> [[1., 3.], [3., 7.]]
                """
        ) { t, call in try call.push(t.cumsum(dim: call.dim(1, of: t))) }
    }

    /// Products of vectors and matrices.
    func declareProducts() {
        method("square", "() -> Tensor", "Of each element x: x^2.", example: "tensor.new{1, -2}:square()  --> [1., 4.]")
        { t, call in try call.push(t.mul(t)) }
        method(
            "outer", "(other: Tensor) -> Tensor", "All products of two vectors: [m] and [n] give [m, n].",
            example: "tensor.new{1, 2}:outer(tensor.new{3, 4})  --> [[3., 4.], [6., 8.]]"
        ) { t, call in
            let other = try call.tensor(1)
            guard t.rank == 1, other.rank == 1 else {
                throw OpahError(.shape, "outer: shapes \(t.shape) and \(other.shape)", hint: "two vectors are wanted")
            }
            return try call.push(t.unsqueeze(dim: 1).mul(other))
        }
        method(
            "matmul", "(other: Tensor) -> Tensor",
            """
            The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors \
            give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
            """,
            example: """
                local a = tensor.new{{1, 2}, {3, 4}}
                a:matmul(tensor.eye(2) * 10)                            --> [[10., 20.], [30., 40.]]
                a:matmul(tensor.new{1, 1})                              --> [3., 7.]
                tensor.ones(8, 2, 3):matmul(tensor.ones(3, 5)):shape()  --> {8, 2, 5}
                """
        ) { t, call in try call.push(t.matmul(call.tensor(1))) }
        alias("mm", of: "matmul", example: "tensor.new{{1, 2}}:mm(tensor.new{{3}, {4}})  --> [[11.]]")
        alias("bmm", of: "matmul", example: "tensor.ones(8, 2, 3):bmm(tensor.ones(8, 3, 4)):shape()  --> {8, 2, 4}")
        method(
            "dot", "(other: Tensor) -> Tensor",
            "The sum of products of two vectors of equal length: a tensor without dimensions.",
            example: "tensor.new{1, 2}:dot(tensor.new{3, 4}):item()  --> 11.0"
        ) { t, call in try call.push(t.dot(call.tensor(1))) }
        method(
            "addmm_", "(a: Tensor, b: Tensor, opts?: {alpha?: number = 1, beta?: number = 1}) -> Tensor",
            "t = beta t + alpha a b, for a [m, k] and b [k, n]; beta = 0 ignores what t holds.",
            example: """
                local t = tensor.eye(2)
                t:addmm_(tensor.ones(2, 1), tensor.new{{1, 2}}, {alpha = 10})
                t  --> [[11., 20.], [10., 21.]]
                """
        ) { t, call in
            try t.addmm_(call.tensor(1), call.tensor(2), beta: call.option("beta"), alpha: call.option("alpha"))
            return call.pass(0)
        }
    }
}
