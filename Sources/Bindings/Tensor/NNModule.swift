import LuaHost
import Support
import Tensors

extension LuaModule {
    /// `opah.nn`: the layers of networks as functions of tensors, with gradients.
    public static let nn = LuaModule(
        "opah.nn",
        "Layers as functions of tensors, with gradients; they compute in float32, and weights may be of half types. B batch, T time or tokens, D width, V vocabulary."
    ) { m in
        m.declareLayers()
        m.declareConvolutions()
        m.declareAttention()
        m.declareLosses()
        m.otherNames([
            "Linear": "layers are functions of tensors: nn.linear(x, weight, bias)",
            "Embedding": "layers are functions of tensors: nn.embedding(ids, weight)",
            "Conv1d": "layers are functions of tensors: nn.conv1d(x, weight, bias)",
            "Module": "layers are functions of tensors; keep the weights in a table",
            "Parameter": "a weight is a tensor: tensor.randn(4, 3, { requires_grad = true })",
            "functional": "the functions are here: nn.silu(x)",
            "mse_loss": "write it out: (a - b):square():mean()", "l1_loss": "write it out: (a - b):abs():mean()",
            "nll_loss": "nn.cross_entropy(logits, ids) takes logits",
            "CrossEntropyLoss": "nn.cross_entropy(logits, ids)",
            "scaled_dot_product_attention": "nn.attention(q, k, v, { causal = true })",
            "clip_grad_norm_": "train.clip_grad_norm(params, max)"
        ])
    }
}

/// Runs an operation whose messages name it as Swift does.
private func named<R>(_ lua: String, _ swift: String, _ body: () throws -> R) throws -> R {
    do { return try body() } catch var error as OpahError where error.message.hasPrefix(swift + ":") {
        error.message = lua + error.message.dropFirst(swift.count)
        throw error
    }
}

extension ModuleBuilder {
    fileprivate func declareLayers() {
        function(
            "linear", "(x: Tensor, weight: Tensor, bias?: Tensor) -> Tensor",
            "x W^T + bias: x [..., in], weight [out, in], bias [out] -> [..., out].",
            example: """
                local x, weight, bias = tensor.new{{1, 2, 3}}, tensor.new{{1, 0, 0}, {0, 1, 1}}, tensor.new{10, 20}
                nn.linear(x, weight)        --> [[1., 5.]]
                nn.linear(x, weight, bias)  --> [[11., 25.]]
                """
        ) { call in
            try call.push(NN.linear(call.tensor(1), call.tensor(2), bias: call.get(3)))
        }
        function(
            "embedding", "(ids: Tensor, weight: Tensor) -> Tensor",
            "Rows of weight [V, D] by id: ids of any shape -> [ids..., D]. Ids are values and count from 0, as in the files.",
            example: """
                local weight = tensor.new{{1, 1}, {2, 2}, {3, 3}}
                nn.embedding(tensor.new{0, 2}, weight)  --> [[1., 1.], [3., 3.]]
                """
        ) { call in
            let weight = try call.tensor(2)
            guard weight.rank == 2 else {
                throw call.error(
                    .shape, "a weight of shape \(weight.shape)",
                    hint: "a weight is [V, D]; the ids come before it: nn.embedding(ids, weight)")
            }
            let ids = try call.wholeNumbers(call.tensor(1), "ids")
            return try call.push(NN.embedding(weight, ids))
        }
        function(
            "rms_norm", "(x: Tensor, weight?: Tensor, opts?: {eps?: number = 1e-5}) -> Tensor",
            "x / sqrt(mean(x^2) + eps) over the last dimension, times weight [D].",
            example:
                "nn.rms_norm(tensor.new{3, -4})                                  --> [ 0.8485, -1.1314]\nnn.rms_norm(tensor.new{3, -4}, tensor.new{10, 1}, {eps = 1e-6})  --> [ 8.4853, -1.1314]"
        ) { call in
            let x = try call.tensor(1)
            let weight = try call.objectIfAny(2, as: Tensor.self) ?? Tensor.ones(Dims(x.shape.suffix(1)))
            return try call.push(named("rms_norm", "rmsNorm") { try NN.rmsNorm(x, weight, eps: call.option("eps")) })
        }
        function(
            "layer_norm", "(x: Tensor, weight?: Tensor, bias?: Tensor, opts?: {eps?: number = 1e-5}) -> Tensor",
            "(x - mean) / sqrt(variance + eps) over the last dimension, times weight [D], plus bias [D]; the variance is divided by D.",
            example:
                "nn.layer_norm(tensor.new{1, 2, 3})                              --> [-1.2247,  0.0000,  1.2247]\nnn.layer_norm(tensor.new{1, 2, 3}, nil, tensor.new{5, 5, 5})  --> [3.7753, 5.0000, 6.2247]"
        ) { call in
            try call.push(
                named("layer_norm", "layerNorm") {
                    try NN.layerNorm(call.tensor(1), weight: call.get(2), bias: call.get(3), eps: call.option("eps"))
                })
        }
        function(
            "dropout",
            "(x: Tensor, p?: number = 0.5, opts?: {training?: boolean = true, generator?: Generator}) -> Tensor",
            "Elements set to 0 with probability `p`, the others divided by 1 - p; x itself when not training.",
            example: """
                tensor.manual_seed(1)
                local y = nn.dropout(tensor.ones(1000), 0.1)
                y:max():item(), y:min():item()                       --> 1.111..., 0.0
                nn.dropout(tensor.ones(2), 0.5, {training = false})  --> [1., 1.]
                """
        ) { call in
            let x = try call.tensor(1), p = try call.get(2, as: Double.self)
            guard p >= 0, p < 1 else {
                throw call.error(at: 2, "the probability must be at least 0 and below 1, not \(p)")
            }
            guard try call.option("training") else { return try call.push(x) }
            return try call.push(NN.dropout(x, DropoutMask(Float(p), generator: call.generator)))
        }
        for (name, doc, result, apply) in activations {
            function(
                name, "(x: Tensor) -> Tensor", "Of each element: \(doc)",
                example: "nn.\(name)(tensor.new{-1, 1})  --> \(result)"
            ) { call in try call.push(apply(call.tensor(1))) }
        }
        function(
            "softmax", "(x: Tensor, dim?: integer = -1) -> Tensor",
            "e^x / sum of e^x along `dim`, the last unless it is named.",
            example: "nn.softmax(tensor.new{{1, 2}, {1000, 1000}})  --> [[0.2689, 0.7311], [0.5000, 0.5000]]"
        ) { call in
            let x = try call.tensor(1)
            return try call.push(x.softmax(dim: call.dimension(call.get(2), of: x)))
        }
        function(
            "log_softmax", "(x: Tensor, dim?: integer = -1) -> Tensor",
            "x - log(sum of e^x) along `dim`, the last unless it is named.",
            example: "nn.log_softmax(tensor.new{2, 0, 0})  --> [-0.2395, -2.2395, -2.2395]"
        ) { call in
            let x = try call.tensor(1)
            return try call.push(x.logSoftmax(dim: call.dimension(call.get(2), of: x)))
        }
        function(
            "swiglu", "(gate: Tensor, up: Tensor) -> Tensor",
            "silu(gate) up, elementwise: the gated unit of feed-forward layers.",
            example: "nn.swiglu(tensor.new{-1, 1}, tensor.new{10, 10})  --> [-2.6894,  7.3106]"
        ) { call in
            try call.push(named("swiglu", "swiGLU") { try NN.swiGLU(call.tensor(1), call.tensor(2)) })
        }
    }

    fileprivate func declareConvolutions() {
        let options =
            "stride?: integer = 1, padding?: integer|integer[] = 0, dilation?: integer = 1, groups?: integer = 1"
        function(
            "conv1d", "(x: Tensor, weight: Tensor, bias?: Tensor, opts?: {\(options)}) -> Tensor",
            """
            x [B, in, T] or [in, T], weight [out, in / groups, K], bias [out] -> [B, out, (T + padding - dilation (K - 1) - 1) / stride + 1]. \
            `padding` counts zeros on both sides, or {before, after}.
            """,
            example: """
                local x, weight = tensor.new{{1, 2, 3, 4}}, tensor.new{{{1, 1}}}
                nn.conv1d(x, weight)                           --> [[3., 5., 7.]]
                nn.conv1d(x, weight, nil, {padding = {1, 0}})  --> [[1., 3., 5., 7.]]
                nn.conv1d(x, weight, nil, {stride = 2})        --> [[3., 7.]]
                """
        ) { call in
            try call.push(
                NN.conv1d(
                    call.tensor(1), call.tensor(2), bias: call.get(3), stride: call.option("stride"),
                    padding: call.padding(), dilation: call.option("dilation"), groups: call.option("groups")))
        }
        function(
            "conv_transpose1d", "(x: Tensor, weight: Tensor, bias?: Tensor, opts?: {\(options)}) -> Tensor",
            """
            The adjoint of `conv1d`: x [B, in, T] or [in, T], weight [in, out / groups, K], bias [out] -> [B, out, (T - 1) stride + dilation (K - 1) + 1 - padding]. \
            `padding` counts what is cropped from both ends, or {start, end}.
            """,
            example: """
                local x, weight = tensor.new{{1, 2}}, tensor.new{{{1, 1, 1}}}
                nn.conv_transpose1d(x, weight, nil, {stride = 2})                    --> [[1., 1., 3., 2., 2.]]
                nn.conv_transpose1d(x, weight, nil, {stride = 2, padding = {0, 1}})  --> [[1., 1., 3., 2.]]
                """
        ) { call in
            try call.push(
                NN.convTranspose1d(
                    call.tensor(1), call.tensor(2), bias: call.get(3), stride: call.option("stride"),
                    padding: call.padding(), dilation: call.option("dilation"), groups: call.option("groups")))
        }
    }

    fileprivate func declareAttention() {
        function(
            "attention",
            "(q: Tensor, k: Tensor, v: Tensor, opts?: {mask?: Tensor, causal?: boolean = false, lengths?: integer[], scale?: number, dropout?: number = 0, generator?: Generator}) -> Tensor",
            """
            softmax(scale q k^T) v per head; scale is 1 / sqrt(d) unless given. q [B, H, T, d], k and v [B, Hkv, S, d] with Hkv dividing H; `mask` is bool, \
            broadcasts to [B, H, T, S], and is true where a query may see a key; `causal` lets it see what precedes it. Or packed rows of several sequences: q [N, H, d], \
            k and v [N, Hkv, d], whose `lengths` add up to N. The result has the shape of q.
            """,
            example: """
                local q, k = tensor.zeros(1, 8, 3, 16), tensor.zeros(1, 2, 3, 16)      -- 8 heads of queries, 2 of keys
                nn.attention(q, k, k, {causal = true}):shape()                         --> {1, 8, 3, 16}
                local v = tensor.new{{{1}}, {{3}}, {{5}}}                              -- two sequences, of 2 rows and of 1
                nn.attention(v * 0, v * 0, v, {lengths = {2, 1}}):flatten()            --> [2., 2., 5.]
                """
        ) { call in
            let q = try call.tensor(1), k = try call.tensor(2), v = try call.tensor(3)
            let causal: Bool = try call.option("causal"), scale: Float? = try call.option("scale"),
                mask: Tensor? = try call.option("mask")
            let dropout = try DropoutMask(call.option("dropout"), generator: call.generator)
            guard q.rank == 3 else {
                if try call.options.has("lengths") {
                    throw call.error("'lengths' are for packed rows [N, H, d]; q has shape \(q.shape)")
                }
                return try call.push(NN.attention(q, k, v, mask: mask, causal: causal, scale: scale, dropout: dropout))
            }
            if mask != nil {
                throw call.error(
                    "'mask' is for [B, H, T, d]; q has shape \(q.shape)",
                    hint: "packed rows see their own sequence only")
            }
            let lengths: [Int] = try call.option("lengths", as: [Int]?.self) ?? [q.shape[0]]
            guard lengths.allSatisfy({ $0 >= 0 }), lengths.reduce(0, { $0 &+ $1 }) == q.shape[0] else {
                throw call.error(.shape, "lengths \(lengths.prefix(8)) do not add up to the \(q.shape[0]) rows of q")
            }
            let segments = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
            return try call.push(
                NN.attention(q, k, v, segments: segments, causal: causal, scale: scale, dropout: dropout))
        }
        function(
            "rope_table", "(positions: integer, head_dim: integer, opts?: {base?: number = 10000}) -> Tensor",
            "cos and sin of position / base^(2i / head_dim) for positions 0, 1, ...: [positions, head_dim / 2, 2] in bfloat16, with the roundings that the model was trained with.",
            example: """
                local t = nn.rope_table(4096, 64)
                t:shape(), t:dtype()  --> {4096, 32, 2}, "bfloat16"
                t[{1, 1}]             --> [1., 0.]
                """
        ) { call in
            try call.push(
                RotaryTable.make(positions: call.integer(1), headDim: call.integer(2), base: call.option("base")))
        }
        function(
            "rope",
            "(x: Tensor, opts?: {base?: number = 10000, positions?: Tensor|integer[], table?: Tensor}) -> Tensor",
            """
            Rotary position embedding: each pair of adjacent elements (a, b) becomes (a cos - b sin, b cos + a sin). x [T, H, d] or [B, T, H, d]. \
            `positions`, one for each of the T rows, are values: 0, 1, ... unless given. `table` is from `rope_table`; without it one is made.
            """,
            example: """
                local x = tensor.new{{{1, 0}}, {{1, 0}}}              -- two rows, one head of two elements
                nn.rope(x):view(2, 2)                        --> [[1.0000, 0.0000], [0.5391, 0.8398]]
                nn.rope(x, {positions = {5, 5}}):view(2, 2)  --> [[ 0.2832, -0.9570], [ 0.2832, -0.9570]]
                """
        ) { call in
            let x = try call.tensor(1)
            guard x.rank == 3 || x.rank == 4 else {
                throw call.error(.shape, "x of shape \(x.shape)", hint: "[T, H, d] or [B, T, H, d] is wanted")
            }
            let rows = x.shape[x.rank - 3], width = x.shape[x.rank - 1], batch = x.rank == 4 ? x.shape[0] : 1
            var positions = Array(0 ..< rows)
            if try call.options.has("positions") {
                let given: LuaValue = try call.option("positions")
                positions =
                    try given.object(Tensor.self).map { try call.wholeNumbers($0, "positions").ints() }
                    ?? call.option("positions")
            }
            guard positions.count == rows else {
                throw call.error(
                    .shape, "\(positions.count) positions for x of shape \(x.shape)",
                    hint: "one for each of the \(rows) rows is wanted")
            }
            let table: Tensor
            if let given: Tensor = try call.option("table") {
                guard given.rank == 3, given.shape[1] * 2 == width, given.shape[2] == 2 else {
                    throw call.error(
                        .shape, "a table of shape \(given.shape) for heads of \(width)",
                        hint: "make it with nn.rope_table(positions, \(width))")
                }
                table = given
            } else {
                let last = positions.max() ?? -1
                guard last < 1 << 24 else { throw call.error(.index, "position \(last) is too large") }
                table = try RotaryTable.make(positions: last + 1, headDim: width, base: call.option("base"))
            }
            let packed = try x.rank == 4 ? x.reshape([batch * rows, x.shape[2], width]) : x
            let all = batch == 1 ? positions : Array((0 ..< batch).map { _ in positions }.joined())
            let result = try NN.rope(packed, table: table, positions: all)
            return try call.push(x.rank == 4 ? result.reshape(x.shape) : result)
        }
    }

    fileprivate func declareLosses() {
        function(
            "checkpoint", "(fn: function, ...: Tensor) -> Tensor",
            """
            `fn` of the tensors, without keeping what its gradient needs: `backward` calls `fn` again. Saves memory for one more forward pass. `fn` gives one tensor, \
            the same each time; numbers from the default generator repeat by themselves.
            """,
            example: """
                local x = tensor.new{0, 1}:requires_grad(true)
                nn.checkpoint(function(x) return x:exp():sum() end, x):backward()
                x.grad  --> [1.0000, 2.7183]
                """
        ) { call in
            let function = try call.function(1), inputs = try call.variadicRange.map { try call.tensor($0) }
            return try call.push(
                NN.checkpoint(inputs) { inputs in
                    guard let result = try function(all: inputs).first?.object(Tensor.self) else {
                        throw OpahError(.argument, "nn.checkpoint: the function gave no tensor")
                    }
                    return result
                })
        }
        function(
            "cross_entropy",
            "(logits: Tensor, ids: Tensor, opts?: {ignore_index?: integer = -100, label_smoothing?: number = 0}) -> Tensor",
            """
            The mean of -log softmax(logits)[id] over the rows whose id is not `ignore_index`: logits [..., V], ids of the leading shape -> a tensor without dimensions. \
            Ids are values and count from 0. `label_smoothing` spreads that part of the target evenly over all classes.
            """,
            example: """
                local logits, ids = tensor.new{{2, 0, 0}, {0, 0, 9}}, tensor.new{0, 2}
                nn.cross_entropy(logits, ids)                           --> 0.1199
                nn.cross_entropy(logits, tensor.new{0, -100})           --> 0.2395
                nn.cross_entropy(logits, ids, {label_smoothing = 0.1})  --> 0.4866
                """
        ) { call in
            let ids = try call.wholeNumbers(call.tensor(2), "ids")
            return try call.push(
                named("cross_entropy", "crossEntropy") {
                    try NN.crossEntropy(
                        call.tensor(1), ids, ignoreIndex: call.option("ignore_index"),
                        labelSmoothing: call.option("label_smoothing"))
                })
        }
    }
}

private let activations: [(String, String, String, @Sendable (Tensor) throws -> Tensor)] = [
    ("silu", "x sigmoid(x).", "[-0.2689,  0.7311]", { try $0.silu() }),
    ("gelu", "x/2 (1 + erf(x / sqrt 2)), the exact one.", "[-0.1587,  0.8413]", { try $0.gelu() }),
    ("relu", "x where it is positive, else 0.", "[0., 1.]", { try $0.relu() }),
    ("tanh", "the hyperbolic tangent.", "[-0.7616,  0.7616]", { try $0.tanh() }),
    ("sigmoid", "1 / (1 + e^-x).", "[0.2689, 0.7311]", { try $0.sigmoid() })
]

extension Call {
    /// The option `padding`: one number for both sides, or one for each.
    fileprivate func padding() throws -> (left: Int, right: Int) {
        let given: LuaValue = try option("padding")
        guard let table = given.table else {
            let both: Int = try option("padding")
            return (both, both)
        }
        guard try table.count() == 2 else { throw error("option 'padding': one number or {before, after} is wanted") }
        return (try table.get(1), try table.get(2))
    }
}
