import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Many elements into one. Without `dim` over all: then the result is a tensor without dimensions, whose number is `:item()`.
    func declareReductions() {
        let over = "(dim?: integer|integer[], opts?: {keepdim?: boolean = false}) -> Tensor"
        let rest = "over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1."
        method("sum", over, "The sum \(rest) Integers and bools sum to int64.",
               example: "assert(tensor.ones(2, 3):sum(2)[1] == 3)") { t, call in
            try call.push(t.sum(dims: call.dims(1, of: t) ?? t.allDims, keepDim: call.keepDim))
        }
        method("mean", over, "The mean \(rest) Of integers and bools it is float32.",
               example: "assert(tensor.new{1, 2, 6}:mean():item() == 3)") { t, call in
            try call.push(t.mean(dims: call.dims(1, of: t) ?? t.allDims, keepDim: call.keepDim))
        }
        let spread = "(dim?: integer|integer[], opts?: {correction?: integer = 1, keepdim?: boolean = false}) -> Tensor"
        method("var", spread, "The variance, divided by n - `correction`, \(rest)",
               example: "assert(tensor.new{1, 2, 3}:var():item() == 1)") { t, call in
            try call.push(t.var(dims: call.dims(1, of: t), correction: call.option("correction"), keepDim: call.keepDim))
        }
        method("std", spread, "The standard deviation: the root of `var`, \(rest)") { t, call in
            try call.push(t.std(dims: call.dims(1, of: t), correction: call.option("correction"), keepDim: call.keepDim))
        }
        method("norm", "(p?: number = 2, dim?: integer|integer[], opts?: {keepdim?: boolean = false}) -> Tensor",
               "The p-norm (sum of |x|^p)^(1/p) \(rest) math.huge gives the largest |x|, 0 counts what is not zero.",
               example: "assert(tensor.new{3, 4}:norm():item() == 5)") { t, call in
            try call.push(t.norm(call.get(1), dims: call.dims(2, of: t), keepDim: call.keepDim))
        }
        method("logsumexp", over, "log(sum of e^x) \(rest)") { t, call in
            try call.push(t.logsumexp(dims: call.dims(1, of: t), keepDim: call.keepDim))
        }
        method("prod", "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor", "The product along `dim`, or over all elements; integers and bools give int64.") { t, call in
            try call.push(call.dimIfAny(1, of: t).map { try t.prod(dim: $0, keepDim: call.keepDim) } ?? t.prod())
        }
        for (name, what) in [("max", "largest"), ("min", "smallest")] {
            method(name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor, Tensor?",
                   "The \(what) elements along `dim`, and their positions (1-based, int64); without `dim` only the \(what) of all. NaN wins; of equal ones the first is chosen.",
                   example: name == "max" ? "local values, positions = tensor.new{{1, 9}, {8, 2}}:max(2)  assert(values[1] == 9 and positions[2] == 1)" : nil) { t, call in
                guard let d = try call.dimIfAny(1, of: t) else { return try call.push(name == "max" ? t.max() : t.min()) }
                let (values, positions) = name == "max" ? try t.max(dim: d, keepDim: call.keepDim) : try t.min(dim: d, keepDim: call.keepDim)
                return try call.push(values, positions.oneBased())
            }
            method("arg" + name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor",
                   "The positions (1-based, int64) of the \(what) elements along `dim`; without `dim` one position in row-major order over all.",
                   example: name == "max" ? "assert(tensor.new{4, 7, 5}:argmax():item() == 2)" : nil) { t, call in
                let d = try call.dimIfAny(1, of: t)
                return try call.push((name == "max" ? t.argmax(dim: d, keepDim: call.keepDim) : t.argmin(dim: d, keepDim: call.keepDim)).oneBased())
            }
        }
        for (name, doc) in [("any", "Whether any element is not zero"), ("all", "Whether no element is zero")] {
            method(name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> boolean|Tensor",
                   "\(doc): a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.",
                   example: name == "any" ? "assert(not tensor.zeros(3):any())" : nil) { t, call in
                let d = try call.dimIfAny(1, of: t)
                let result = try name == "any" ? t.any(dim: d, keepDim: call.keepDim) : t.all(dim: d, keepDim: call.keepDim)
                return d == nil ? try call.push(result.item() != 0) : try call.push(result)
            }
        }
    }

    /// Order.
    func declareSorting() {
        method("sort", "(dim?: integer = -1, opts?: {descending?: boolean = false}) -> Tensor, Tensor",
               "The elements along `dim` in order, and the positions (1-based, int64) they come from. Equal ones keep their order; NaN is the largest.",
               example: "local values, positions = tensor.new{3, 1, 2}:sort()  assert(values[1] == 1 and positions[1] == 2)") { t, call in
            let (values, positions) = try t.sort(dim: call.dimension(call.get(1), of: t), descending: call.option("descending"))
            return try call.push(values, positions.oneBased())
        }
        method("argsort", "(dim?: integer = -1, opts?: {descending?: boolean = false}) -> Tensor", "The positions (1-based, int64) that would sort the elements along `dim`.") { t, call in
            try call.push(t.argsort(dim: call.dimension(call.get(1), of: t), descending: call.option("descending")).oneBased())
        }
        method("topk", "(k: integer, dim?: integer = -1, opts?: {largest?: boolean = true}) -> Tensor, Tensor",
               "The `k` largest (or smallest) elements along `dim`, best first, and their positions (1-based, int64).",
               example: "local values, positions = tensor.new{3, 9, 5}:topk(2)  assert(values[2] == 5 and positions[1] == 2)") { t, call in
            let k = try call.integer(1), d = try call.dimension(call.get(2), of: t), size = t.rank == 0 ? 1 : t.shape[d]
            guard k >= 0, k <= size else { throw call.error("\(k) of \(size) elements along dimension \(d + 1) of shape \(t.shape)") }
            let (values, positions) = try t.topk(k, dim: d, largest: call.option("largest"))
            return try call.push(values, positions.oneBased())
        }
    }
}

extension Tensor {
    fileprivate var allDims: Dims { Dims(0..<rank) }
}

extension Call {
    fileprivate var keepDim: Bool { get throws { try option("keepdim") } }
}
