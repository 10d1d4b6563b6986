import LuaHost
import Support
import Tensors

extension ClassBuilder where T == Tensor {
    /// Many elements into one. Without `dim` over all: then the result is a tensor without dimensions, whose number is
    /// `:item()`.
    func declareReductions() {
        let over = "(dim?: integer|integer[], opts?: {keepdim?: boolean = false}) -> Tensor"
        let rest = "over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1."
        method(
            "sum", over, "The sum \(rest) Integers and bools sum to int64.",
            example: """
                local t = tensor.new{{1, 2}, {3, 4}}
                t:sum():item()                  --> 10.0
                t:sum(2)                        --> [3., 7.]
                t / t:sum(2, {keepdim = true})  --> [[0.3333, 0.6667], [0.4286, 0.5714]]
                """
        ) { t, call in
            try call.push(t.sum(dims: call.dims(1, of: t) ?? t.allDims, keepDim: call.keepDim))
        }
        method(
            "mean", over, "The mean \(rest) Of integers and bools it is float32.",
            example: """
                local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
                t:mean():item()              --> 3.5
                t:mean(1)                    --> [2.5000, 3.5000, 4.5000]
                t:mean(2, {keepdim = true})  --> [[2.], [5.]]
                """
        ) { t, call in
            try call.push(t.mean(dims: call.dims(1, of: t) ?? t.allDims, keepDim: call.keepDim))
        }
        let spread = "(dim?: integer|integer[], opts?: {correction?: integer = 1, keepdim?: boolean = false}) -> Tensor"
        method(
            "var", spread, "The variance, divided by n - `correction` (0 gives NumPy's), \(rest)",
            example:
                "tensor.new{1, 2, 3}:var():item()                        --> 1.0\ntensor.new{{1, 3}, {5, 9}}:var(2, {correction = 0})  --> [1., 4.]"
        ) { t, call in
            try call.push(
                t.var(dims: call.dims(1, of: t), correction: call.option("correction"), keepDim: call.keepDim))
        }
        method(
            "std", spread,
            "The standard deviation: the root of the variance, which is divided by n - `correction` (0 gives NumPy's), \(rest)",
            example: "tensor.new{{1, 3}, {5, 9}}:std(2, {correction = 0})  --> [1., 2.]"
        ) { t, call in
            try call.push(
                t.std(dims: call.dims(1, of: t), correction: call.option("correction"), keepDim: call.keepDim))
        }
        method(
            "norm", "(p?: number = 2, dim?: integer|integer[], opts?: {keepdim?: boolean = false}) -> Tensor",
            "The p-norm (sum of |x|^p)^(1/p) \(rest) math.huge gives the largest |x|, 0 counts what is not zero.",
            example: """
                tensor.new{3, 4}:norm():item()            --> 5.0
                tensor.new{{3, 4}, {6, 8}}:norm(2, 2)     --> [ 5., 10.]
                tensor.new{3, -4}:norm(math.huge):item()  --> 4.0
                """
        ) { t, call in
            try call.push(t.norm(call.get(1), dims: call.dims(2, of: t), keepDim: call.keepDim))
        }
        method(
            "logsumexp", over, "log(sum of e^x), without overflow, \(rest)",
            example: "tensor.new{1000, 1000}:logsumexp():item() - 1000  --> 0.693..."
        ) { t, call in
            try call.push(t.logsumexp(dims: call.dims(1, of: t), keepDim: call.keepDim))
        }
        method(
            "prod", "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor",
            "The product along `dim`, or over all elements; integers and bools give int64.",
            example: "local t = tensor.new{{1, 2}, {3, 4}}\nt:prod():item()  --> 24.0\nt:prod(1)        --> [3., 8.]"
        ) { t, call in
            try call.push(call.dimIfAny(1, of: t).map { try t.prod(dim: $0, keepDim: call.keepDim) } ?? t.prod())
        }
        declareQuantiles()
        for (name, what) in [("max", "largest"), ("min", "smallest")] {
            method(
                name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor, Tensor?",
                "The \(what) elements along `dim`, and their positions (1-based, int64); without `dim` only the \(what) of all. NaN wins; of equal ones the first is chosen. `\(name)imum` compares two tensors.",
                example: """
                    local t = tensor.new{{1, 9}, {8, 2}}
                    t:\(name)():item()  --> \(name == "max" ? "9.0" : "1.0")
                    t:\(name)(2)        --> \(name == "max" ? "[9., 8.], [2, 1]" : "[1., 2.], [1, 2]")
                    """
            ) { t, call in
                guard let d = try call.dimIfAny(1, of: t) else {
                    return try call.push(name == "max" ? t.max() : t.min())
                }
                let (values, positions) =
                    name == "max" ? try t.max(dim: d, keepDim: call.keepDim) : try t.min(dim: d, keepDim: call.keepDim)
                return try call.push(values, positions.oneBased())
            }
            method(
                "arg" + name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor",
                "The positions (1-based, int64) of the \(what) elements along `dim`; without `dim` one position in row-major order over all.",
                example: """
                    tensor.new{4, 7, 5}:arg\(name)():item()        --> \(name == "max" ? 2 : 1)
                    tensor.new{{4, 7}, {6, 5}}:arg\(name)(2)       --> \(name == "max" ? "[2, 1]" : "[1, 2]")
                    """
            ) { t, call in
                let d = try call.dimIfAny(1, of: t)
                return try call.push(
                    (name == "max" ? t.argmax(dim: d, keepDim: call.keepDim) : t.argmin(dim: d, keepDim: call.keepDim))
                        .oneBased())
            }
        }
        for (name, doc) in [("any", "Whether any element is not zero"), ("all", "Whether no element is zero")] {
            method(
                name, "(dim?: integer, opts?: {keepdim?: boolean = false}) -> boolean|Tensor",
                "\(doc): a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.",
                example: """
                    local loud = tensor.new{{0.1, 0.9}, {0.2, 0.3}}:gt(0.5)
                    loud:\(name)()   --> \(name == "any")
                    loud:\(name)(2)  --> \(name == "any" ? "[ true, false]" : "[false, false]")
                    """, forms: ["(dim: integer, opts?: {keepdim?: boolean = false}) -> Tensor", "() -> boolean"]
            ) { t, call in
                let d = try call.dimIfAny(1, of: t)
                let result =
                    try name == "any" ? t.any(dim: d, keepDim: call.keepDim) : t.all(dim: d, keepDim: call.keepDim)
                return d == nil ? try call.push(result.item() != 0) : try call.push(result)
            }
        }
    }

    /// Elements by rank, and how they are spread.
    private func declareQuantiles() {
        method(
            "median", "(dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor, Tensor?",
            "The middle elements along `dim`, of two middle ones the lower, and their positions (1-based, int64); without `dim` only that of all. Where there is a NaN it is NaN. `quantile(0.5)` goes between the two.",
            example: """
                tensor.new{7, 1, 5, 3}:median():item()    --> 3.0
                tensor.new{{9, 1, 5}, {2, 8, 4}}:median(2)  --> [5., 4.], [3, 3]
                """
        ) { t, call in
            guard let d = try call.dimIfAny(1, of: t) else { return try call.push(t.median()) }
            let (values, positions) = try t.median(dim: d, keepDim: call.keepDim)
            return try call.push(values, positions.oneBased())
        }
        method(
            "quantile", "(q: number|number[]|Tensor, dim?: integer, opts?: {keepdim?: boolean = false}) -> Tensor",
            "The values below which the share `q` (0 to 1) of the elements lies, along `dim` or of all, linear between two elements. With a list or a tensor of shares the result has a first dimension for them. Where there is a NaN it is NaN; the tensor must be floating.",
            example: """
                local t = tensor.new{1, 2, 3, 4}
                t:quantile(0.5):item()        --> 2.5
                t:quantile({0, 0.25, 1})      --> [1.0000, 1.7500, 4.0000]
                tensor.new{{1, 3}, {5, 9}}:quantile(0.5, 2)  --> [2., 7.]
                """
        ) { t, call in
            let d = try call.dimIfAny(2, of: t)
            if let q = call.numberIfAny(1) {
                return try call.push(t.quantile([q], isSingle: true, dim: d, keepDim: call.keepDim))
            }
            if let q = try call.objectIfAny(1, as: Tensor.self) {
                guard q.rank <= 1 else {
                    throw call.error(at: 1, "shares are a number, a list or a tensor [Q], not \(q.summary)")
                }
                return try call.push(t.quantile(q.doubles(), isSingle: q.rank == 0, dim: d, keepDim: call.keepDim))
            }
            return try call.push(t.quantile(call.get(1, as: [Double].self), dim: d, keepDim: call.keepDim))
        }
        method(
            "histc", "(bins?: integer = 100, opts?: {min?: number, max?: number}) -> Tensor",
            "How many elements lie in each of `bins` steps of equal width from `min` to `max`, both included (the smallest and the largest element unless given). Others, and what is not finite, are not counted. `plot.histogram` draws it. Not differentiable.",
            example: "tensor.new{1, 2, 2, 3, 9}:histc(4, {min = 1, max = 5})  --> [1., 2., 1., 0.]"
        ) { t, call in
            let counts = try t.histogram(bins: call.get(1), low: call.option("min"), high: call.option("max")).counts
            return try call.push(Tensor(counts, [counts.count], .float64).to(t.dtype.isFloating ? t.dtype : .float32))
        }
    }

    /// Order.
    func declareSorting() {
        method(
            "sort", "(dim?: integer = -1, opts?: {descending?: boolean = false}) -> Tensor, Tensor",
            "The elements along `dim` in order, and the positions (1-based, int64) they come from. Equal ones keep their order; NaN is the largest.",
            example: """
                tensor.new{3, 1, 2}:sort()                         --> [1., 2., 3.], [2, 3, 1]
                tensor.new{3, 1, 2}:sort(-1, {descending = true})  --> [3., 2., 1.], [1, 3, 2]
                """
        ) { t, call in
            let (values, positions) = try t.sort(
                dim: call.dimension(call.get(1), of: t), descending: call.option("descending"))
            return try call.push(values, positions.oneBased())
        }
        method(
            "argsort", "(dim?: integer = -1, opts?: {descending?: boolean = false}) -> Tensor",
            "The positions (1-based, int64) that would sort the elements along `dim`.",
            example: """
                local lengths = tensor.new{30, 10, 20}
                local order = lengths:argsort()
                order, lengths[order]  --> [2, 3, 1], [10., 20., 30.]
                """
        ) { t, call in
            try call.push(
                t.argsort(dim: call.dimension(call.get(1), of: t), descending: call.option("descending")).oneBased())
        }
        method(
            "topk", "(k: integer, dim?: integer = -1, opts?: {largest?: boolean = true}) -> Tensor, Tensor",
            "The `k` largest (or smallest) elements along `dim`, best first, and their positions (1-based, int64).",
            example: """
                tensor.new{3, 9, 5}:topk(2)                         --> [9., 5.], [2, 3]
                tensor.new{3, 9, 5}:topk(1, -1, {largest = false})  --> [3.], [1]
                """
        ) { t, call in
            let k = try call.integer(1), d = try call.dimension(call.get(2), of: t), size = t.rank == 0 ? 1 : t.shape[d]
            guard k >= 0, k <= size else {
                throw call.error("\(k) of \(size) elements along dimension \(d + 1) of shape \(t.shape)")
            }
            let (values, positions) = try t.topk(k, dim: d, largest: call.option("largest"))
            return try call.push(values, positions.oneBased())
        }
    }
}

extension Tensor {
    fileprivate var allDims: Dims { Dims(0 ..< rank) }
}

extension Call {
    fileprivate var keepDim: Bool { get throws { try option("keepdim") } }
}
