---@meta opah.nn
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Layers as functions of tensors, with gradients; they compute in float32, and weights may be of half types. B batch, T time or tokens, D width, V vocabulary.
---@class opah.nn
local nn = {}

---x W^T + bias: x [..., in], weight [out, in], bias [out] -> [..., out].
---
---```lua
---local x, weight, bias = tensor.new{{1, 2, 3}}, tensor.new{{1, 0, 0}, {0, 1, 1}}, tensor.new{10, 20}
---nn.linear(x, weight)        --> [[1., 5.]]
---nn.linear(x, weight, bias)  --> [[11., 25.]]
---```
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@return Tensor
function nn.linear(x, weight, bias) end

---Rows of weight [V, D] by id: ids of any shape -> [ids..., D]. Ids are values and count from 0, as in the files.
---
---```lua
---local weight = tensor.new{{1, 1}, {2, 2}, {3, 3}}
---nn.embedding(tensor.new{0, 2}, weight)  --> [[1., 1.], [3., 3.]]
---```
---@param ids Tensor
---@param weight Tensor
---@return Tensor
function nn.embedding(ids, weight) end

---x / sqrt(mean(x^2) + eps) over the last dimension, times weight [D].
---
---```lua
---nn.rms_norm(tensor.new{3, -4})                                  --> [ 0.8485, -1.1314]
---nn.rms_norm(tensor.new{3, -4}, tensor.new{10, 1}, {eps = 1e-6})  --> [ 8.4853, -1.1314]
---```
---@param x Tensor
---@param weight? Tensor
---@param opts? {eps?: number} defaults: eps = 1e-05
---@return Tensor
function nn.rms_norm(x, weight, opts) end

---(x - mean) / sqrt(variance + eps) over the last dimension, times weight [D], plus bias [D]; the variance is divided by D.
---
---```lua
---nn.layer_norm(tensor.new{1, 2, 3})                              --> [-1.2247,  0.0000,  1.2247]
---nn.layer_norm(tensor.new{1, 2, 3}, nil, tensor.new{5, 5, 5})  --> [3.7753, 5.0000, 6.2247]
---```
---@param x Tensor
---@param weight? Tensor
---@param bias? Tensor
---@param opts? {eps?: number} defaults: eps = 1e-05
---@return Tensor
function nn.layer_norm(x, weight, bias, opts) end

---Elements set to 0 with probability `p`, the others divided by 1 - p; x itself when not training.
---
---```lua
---tensor.manual_seed(1)
---local y = nn.dropout(tensor.ones(1000), 0.1)
---y:max():item(), y:min():item()                       --> 1.111..., 0.0
---nn.dropout(tensor.ones(2), 0.5, {training = false})  --> [1., 1.]
---```
---@param x Tensor
---@param p? number default 0.5
---@param opts? {training?: boolean, generator?: Generator} defaults: training = true
---@return Tensor
function nn.dropout(x, p, opts) end

---Of each element: x sigmoid(x).
---
---```lua
---nn.silu(tensor.new{-1, 1})  --> [-0.2689,  0.7311]
---```
---@param x Tensor
---@return Tensor
function nn.silu(x) end

---Of each element: x/2 (1 + erf(x / sqrt 2)), the exact one.
---
---```lua
---nn.gelu(tensor.new{-1, 1})  --> [-0.1587,  0.8413]
---```
---@param x Tensor
---@return Tensor
function nn.gelu(x) end

---Of each element: x where it is positive, else 0.
---
---```lua
---nn.relu(tensor.new{-1, 1})  --> [0., 1.]
---```
---@param x Tensor
---@return Tensor
function nn.relu(x) end

---Of each element: the hyperbolic tangent.
---
---```lua
---nn.tanh(tensor.new{-1, 1})  --> [-0.7616,  0.7616]
---```
---@param x Tensor
---@return Tensor
function nn.tanh(x) end

---Of each element: 1 / (1 + e^-x).
---
---```lua
---nn.sigmoid(tensor.new{-1, 1})  --> [0.2689, 0.7311]
---```
---@param x Tensor
---@return Tensor
function nn.sigmoid(x) end

---e^x / sum of e^x along `dim`, the last unless it is named.
---
---```lua
---nn.softmax(tensor.new{{1, 2}, {1000, 1000}})  --> [[0.2689, 0.7311], [0.5000, 0.5000]]
---```
---@param x Tensor
---@param dim? integer default -1
---@return Tensor
function nn.softmax(x, dim) end

---x - log(sum of e^x) along `dim`, the last unless it is named.
---
---```lua
---nn.log_softmax(tensor.new{2, 0, 0})  --> [-0.2395, -2.2395, -2.2395]
---```
---@param x Tensor
---@param dim? integer default -1
---@return Tensor
function nn.log_softmax(x, dim) end

---silu(gate) up, elementwise: the gated unit of feed-forward layers.
---
---```lua
---nn.swiglu(tensor.new{-1, 1}, tensor.new{10, 10})  --> [-2.6894,  7.3106]
---```
---@param gate Tensor
---@param up Tensor
---@return Tensor
function nn.swiglu(gate, up) end

---x [B, in, T] or [in, T], weight [out, in / groups, K], bias [out] -> [B, out, (T + padding - dilation (K - 1) - 1) / stride + 1]. `padding` counts zeros on both sides, or {before, after}.
---
---```lua
---local x, weight = tensor.new{{1, 2, 3, 4}}, tensor.new{{{1, 1}}}
---nn.conv1d(x, weight)                           --> [[3., 5., 7.]]
---nn.conv1d(x, weight, nil, {padding = {1, 0}})  --> [[1., 3., 5., 7.]]
---nn.conv1d(x, weight, nil, {stride = 2})        --> [[3., 7.]]
---```
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@param opts? {stride?: integer, padding?: integer|integer[], dilation?: integer, groups?: integer} defaults: stride = 1, padding = 0, dilation = 1, groups = 1
---@return Tensor
function nn.conv1d(x, weight, bias, opts) end

---The adjoint of `conv1d`: x [B, in, T] or [in, T], weight [in, out / groups, K], bias [out] -> [B, out, (T - 1) stride + dilation (K - 1) + 1 - padding]. `padding` counts what is cropped from both ends, or {start, end}.
---
---```lua
---local x, weight = tensor.new{{1, 2}}, tensor.new{{{1, 1, 1}}}
---nn.conv_transpose1d(x, weight, nil, {stride = 2})                    --> [[1., 1., 3., 2., 2.]]
---nn.conv_transpose1d(x, weight, nil, {stride = 2, padding = {0, 1}})  --> [[1., 1., 3., 2.]]
---```
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@param opts? {stride?: integer, padding?: integer|integer[], dilation?: integer, groups?: integer} defaults: stride = 1, padding = 0, dilation = 1, groups = 1
---@return Tensor
function nn.conv_transpose1d(x, weight, bias, opts) end

---softmax(scale q k^T) v per head; scale is 1 / sqrt(d) unless given. q [B, H, T, d], k and v [B, Hkv, S, d] with Hkv dividing H; `mask` is bool, broadcasts to [B, H, T, S], and is true where a query may see a key; `causal` lets it see what precedes it. Or packed rows of several sequences: q [N, H, d], k and v [N, Hkv, d], whose `lengths` add up to N. The result has the shape of q.
---
---```lua
---local q, k = tensor.zeros(1, 8, 3, 16), tensor.zeros(1, 2, 3, 16)      -- 8 heads of queries, 2 of keys
---nn.attention(q, k, k, {causal = true}):shape()                         --> {1, 8, 3, 16}
---local v = tensor.new{{{1}}, {{3}}, {{5}}}                              -- two sequences, of 2 rows and of 1
---nn.attention(v * 0, v * 0, v, {lengths = {2, 1}}):flatten()            --> [2., 2., 5.]
---```
---@param q Tensor
---@param k Tensor
---@param v Tensor
---@param opts? {mask?: Tensor, causal?: boolean, lengths?: integer[], scale?: number, dropout?: number, generator?: Generator} defaults: causal = false, dropout = 0
---@return Tensor
function nn.attention(q, k, v, opts) end

---cos and sin of position / base^(2i / head_dim) for positions 0, 1, ...: [positions, head_dim / 2, 2] in bfloat16, with the roundings that the model was trained with.
---
---```lua
---local t = nn.rope_table(4096, 64)
---t:shape(), t:dtype()  --> {4096, 32, 2}, "bfloat16"
---t[{1, 1}]             --> [1., 0.]
---```
---@param positions integer
---@param head_dim integer
---@param opts? {base?: number} defaults: base = 10000
---@return Tensor
function nn.rope_table(positions, head_dim, opts) end

---Rotary position embedding: each pair of adjacent elements (a, b) becomes (a cos - b sin, b cos + a sin). x [T, H, d] or [B, T, H, d]. `positions`, one for each of the T rows, are values: 0, 1, ... unless given. `table` is from `rope_table`; without it one is made.
---
---```lua
---local x = tensor.new{{{1, 0}}, {{1, 0}}}              -- two rows, one head of two elements
---nn.rope(x):view(2, 2)                        --> [[1.0000, 0.0000], [0.5391, 0.8398]]
---nn.rope(x, {positions = {5, 5}}):view(2, 2)  --> [[ 0.2832, -0.9570], [ 0.2832, -0.9570]]
---```
---@param x Tensor
---@param opts? {base?: number, positions?: Tensor|integer[], table?: Tensor} defaults: base = 10000
---@return Tensor
function nn.rope(x, opts) end

---`fn` of the tensors, without keeping what its gradient needs: `backward` calls `fn` again. Saves memory for one more forward pass. `fn` gives one tensor, the same each time; numbers from the default generator repeat by themselves.
---
---```lua
---local x = tensor.new{0, 1}:requires_grad(true)
---nn.checkpoint(function(x) return x:exp():sum() end, x):backward()
---x.grad  --> [1.0000, 2.7183]
---```
---@param fn function
---@param ... Tensor
---@return Tensor
function nn.checkpoint(fn, ...) end

---The mean of -log softmax(logits)[id] over the rows whose id is not `ignore_index`: logits [..., V], ids of the leading shape -> a tensor without dimensions. Ids are values and count from 0. `label_smoothing` spreads that part of the target evenly over all classes.
---
---```lua
---local logits, ids = tensor.new{{2, 0, 0}, {0, 0, 9}}, tensor.new{0, 2}
---nn.cross_entropy(logits, ids)                           --> 0.1199
---nn.cross_entropy(logits, tensor.new{0, -100})           --> 0.2395
---nn.cross_entropy(logits, ids, {label_smoothing = 0.1})  --> 0.4866
---```
---@param logits Tensor
---@param ids Tensor
---@param opts? {ignore_index?: integer, label_smoothing?: number} defaults: ignore_index = -100, label_smoothing = 0
---@return Tensor
function nn.cross_entropy(logits, ids, opts) end

return nn
