import LuaHost
import Support
import Tensors

/// A function of each element: its new-tensor and in-place forms.
private typealias Function = (name: String, doc: String, make: @Sendable (Tensor) throws -> Tensor, change: @Sendable (Tensor) throws -> Tensor)

private let functions: [Function] = [
    ("neg", "-x.", { try $0.neg() }, { try $0.neg_() }),
    ("abs", "|x|.", { try $0.abs() }, { try $0.abs_() }),
    ("exp", "e^x.", { try $0.exp() }, { try $0.exp_() }),
    ("log", "The natural logarithm: -inf of 0, NaN below.", { try $0.log() }, { try $0.log_() }),
    ("sqrt", "The square root.", { try $0.sqrt() }, { try $0.sqrt_() }),
    ("rsqrt", "1 / sqrt(x).", { try $0.rsqrt() }, { try $0.rsqrt_() }),
    ("tanh", "The hyperbolic tangent.", { try $0.tanh() }, { try $0.tanh_() }),
    ("sigmoid", "1 / (1 + e^-x).", { try $0.sigmoid() }, { try $0.sigmoid_() }),
    ("silu", "x sigmoid(x).", { try $0.silu() }, { try $0.silu_() }),
    ("gelu", "x/2 (1 + erf(x / sqrt 2)), the exact one.", { try $0.gelu() }, { try $0.gelu_() }),
    ("relu", "x where it is positive, else 0.", { try $0.relu() }, { try $0.relu_() }),
    ("sin", "The sine of x in radians.", { try $0.sin() }, { try $0.sin_() }),
    ("cos", "The cosine of x in radians.", { try $0.cos() }, { try $0.cos_() }),
    ("round", "The nearest integer; halves go to the even neighbour.", { try $0.round() }, { try $0.round_() }),
    ("floor", "The next integer below.", { try $0.floor() }, { try $0.floor_() }),
    ("ceil", "The next integer above.", { try $0.ceil() }, { try $0.ceil_() }),
]

extension ClassBuilder where T == Tensor {
    /// Functions of each element. Of integers they are float32, but for those whose results are integers too.
    func declareFunctions() {
        for function in functions {
            method(function.name, "() -> Tensor", "Of each element x: \(function.doc)") { t, call in try call.push(function.make(t)) }
            method(function.name + "_", "() -> Tensor", "In place, of each element x: \(function.doc)") { t, call in
                _ = try function.change(t)
                return call.pass(0)
            }
        }
        method("softmax", "(dim?: integer = -1) -> Tensor", "e^x / sum of e^x along `dim`, without overflow.",
               example: "assert(tensor.new{1000, 1000}:softmax()[1] == 0.5)") { t, call in try call.push(t.softmax(dim: call.dimension(call.get(1), of: t))) }
        method("log_softmax", "(dim?: integer = -1) -> Tensor", "x - log(sum of e^x) along `dim`.") { t, call in
            try call.push(t.logSoftmax(dim: call.dimension(call.get(1), of: t)))
        }
        method("cumsum", "(dim: integer) -> Tensor", "Sums of the elements up to each along `dim`; integers and bools give int64.",
               example: "assert(tensor.new{1, 2, 3}:cumsum(1)[3] == 6)") { t, call in try call.push(t.cumsum(dim: call.dim(1, of: t))) }
    }

    /// Products of vectors and matrices.
    func declareProducts() {
        method("square", "() -> Tensor", "Of each element x: x^2.") { t, call in try call.push(t.mul(t)) }
        method("outer", "(other: Tensor) -> Tensor", "All products of two vectors: [m] and [n] give [m, n].",
               example: "assert(tensor.new{1, 2}:outer(tensor.new{3, 4})[{2, 1}] == 6)") { t, call in
            let other = try call.tensor(1)
            guard t.rank == 1, other.rank == 1 else { throw OpahError(.shape, "outer: shapes \(t.shape) and \(other.shape)", hint: "two vectors are wanted") }
            return try call.push(t.unsqueeze(dim: 1).mul(other))
        }
        method("matmul", "(other: Tensor) -> Tensor", """
            The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors \
            give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
            """, example: "assert(tensor.ones(2, 3):matmul(tensor.ones(3, 4))[{1, 1}] == 3)") { t, call in try call.push(t.matmul(call.tensor(1))) }
        alias("mm", of: "matmul")
        alias("bmm", of: "matmul")
        method("dot", "(other: Tensor) -> Tensor", "The sum of products of two vectors of equal length: a tensor without dimensions.",
               example: "assert(tensor.new{1, 2}:dot(tensor.new{3, 4}):item() == 11)") { t, call in try call.push(t.dot(call.tensor(1))) }
        method("addmm_", "(a: Tensor, b: Tensor, opts?: {alpha?: number = 1, beta?: number = 1}) -> Tensor",
               "t = beta t + alpha a b, for a [m, k] and b [k, n]; beta = 0 ignores what t holds.",
               example: "local t = tensor.eye(2)  t:addmm_(tensor.eye(2), tensor.eye(2), {alpha = 2})  assert(t[{1, 1}] == 3)") { t, call in
            try t.addmm_(call.tensor(1), call.tensor(2), beta: call.option("beta"), alpha: call.option("alpha"))
            return call.pass(0)
        }
    }
}
