import Tensors

// What people who know PyTorch or NumPy type where the name here is another one: hints for unknown names.

extension Tensor {
    /// `t:name()`
    static let otherMethods: [String: String] = dtypes.merging([
        "T": "t:t() swaps rows and columns; transpose and permute take dimensions", "mT": "t:transpose(-2, -1)",
        "ndim": "t:dim() is the number of dimensions", "nelement": "t:numel()", "length": "#t or t:numel()",
        "len": "#t or t:numel()",
        "type": "t:dtype()", "element_size": "t:nbytes() / t:numel()", "device": device, "cpu": device, "cuda": device,
        "data": "t:detach() shares the elements",
        "tolist": "t:totable()", "numpy": "t:totable(), or tensor.save_npy(path, t) for a file that NumPy reads",
        "astype": "t:to(\"int64\")", "type_as": "t:to(other)",
        "where": "tensor.where(condition, a, b)", "clip": "t:clamp(low, high)", "clip_": "t:clamp_(low, high)",
        "view_as": "t:view(other:shape())", "reshape_as": "t:reshape(other:shape())",
        "ravel": "t:flatten()", "swapaxes": "t:transpose(dim1, dim2)", "swapdims": "t:transpose(dim1, dim2)",
        "movedim": "t:permute(...)", "moveaxis": "t:permute(...)",
        "repeat_": "t:tile(...)", "resize": "t:reshape(...)", "unbind": "for i, row in t:rows() do ... end",
        "unfold": "t[{{first, last, step}}], or nn.conv1d for a window that slides",
        "concat": "tensor.cat{a, b}", "mv": "t:matmul(v)", "multiply": "a * b or a:mul(b)",
        "subtract": "a - b or a:sub(b)", "divide": "a / b or a:div(b)",
        "true_divide": "a / b or a:div(b)", "negative": "-t or t:neg()", "absolute": "t:abs()", "reciprocal": "1 / t",
        "power": "t ^ p or t:pow(p)", "square_": "t:pow_(2)",
        "log2": "t:log() / math.log(2)", "log10": "t:log() / math.log(10)", "log1p": "(t + 1):log()",
        "expm1": "t:exp() - 1", "fmod": "t % n or t:remainder(n), with the sign of n",
        "amax": "t:max(dim) gives the values first, then the positions",
        "amin": "t:min(dim) gives the values first, then the positions",
        "argwhere": "t:nonzero()", "count_nonzero": "t:ne(0):sum()", "isinf": "~t:isfinite() & ~t:isnan()",
        "median": "t:flatten():sort()[(t:numel() + 1) // 2]",
        "not_equal": "t:ne(other)", "less": "t:lt(other)", "greater": "t:gt(other)", "less_equal": "t:le(other)",
        "greater_equal": "t:ge(other)",
        "requires_grad_": "t:requires_grad(true)", "zero_grad": "t.grad = nil",
        "retain_grad": "gradients stay with leaves; take t:detach():requires_grad(true)",
        "index_put_": "t[{...}] = values", "scatter": "t:clone():scatter_(dim, positions, source)",
        "new_zeros": "tensor.zeros(...)", "new_ones": "tensor.ones(...)", "new_full": "tensor.full(shape, value)"
    ]) { $1 }

    /// `tensor.name()`
    static let otherFunctions: [String: String] = [
        "tensor": "tensor.new{1, 2, 3}", "Tensor": "tensor.new{1, 2, 3}", "array": "tensor.new{1, 2, 3}",
        "as_tensor": "tensor.new{1, 2, 3}", "asarray": "tensor.new{1, 2, 3}",
        "from_numpy": "tensor.load_npy(path)",
        "arange": "tensor.range(first, last), which includes last: tensor.range(0, n - 1)",
        "concat": "tensor.cat{a, b}", "concatenate": "tensor.cat{a, b}", "hstack": "tensor.cat({a, b}, 2)",
        "vstack": "tensor.cat({a, b}, 1)",
        "full_like": "tensor.full(t:shape(), value)", "empty_like": "tensor.empty(t:shape())",
        "rand_like": "tensor.rand(t:shape())", "randn_like": "tensor.randn(t:shape())",
        "seed": "tensor.manual_seed(n)", "Generator": "tensor.generator(seed)", "pi": "math.pi", "inf": "math.huge",
        "nan": "0 / 0", "device": device,
        "set_num_threads": "tensor.set_threads(n)", "get_num_threads": "tensor.threads()",
        "inference_mode": "tensor.no_grad(fn)", "numel": "t:numel()",
        "save_npz_compressed": "tensor.save_npz(path, {name = t})", "savez": "tensor.save_npz(path, {name = t})",
        "einsum": "t:matmul, with permute and view for other orders",
        "identity": "tensor.eye(n)"
    ].merging(DType.allCases.map { ($0.rawValue, "dtypes are strings: \"\($0.rawValue)\"") }) { $1 }

    private static let device = "everything runs on the CPU; there is nothing to move"

    /// `t:float()` and the like.
    private static let dtypes = Dictionary(
        uniqueKeysWithValues: [
            ("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"),
            ("long", "int64"), ("int", "int32"), ("short", "int16"), ("bool", "bool")
        ].map { ($0, "t:to(\"\($1)\")") })
}
