---@meta opah.nn
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Layers as functions of tensors, with gradients; they compute in float32, and weights may be of half types. B batch, T time or tokens, D width, V vocabulary.
---@class opah.nn
local nn = {}

---x W^T + bias: x [..., in], weight [out, in], bias [out] -> [..., out].
---
---```lua
---local tensor = require "opah.tensor"  assert(nn.linear(tensor.ones(2, 3), tensor.ones(4, 3))[{2, 4}] == 3)
---```
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@return Tensor
function nn.linear(x, weight, bias) end

---Rows of weight [V, D] by id: ids of any shape -> [ids..., D]. Ids are values and count from 0, as in the files.
---
---```lua
---local tensor = require "opah.tensor"  assert(nn.embedding(tensor.new{0, 2}, tensor.eye(3))[{2, 3}] == 1)
---```
---@param ids Tensor
---@param weight Tensor
---@return Tensor
function nn.embedding(ids, weight) end

---x / sqrt(mean(x^2) + eps) over the last dimension, times weight [D].
---
---```lua
---local tensor = require "opah.tensor"  assert(math.abs(nn.rms_norm(tensor.new{3, -3})[1] - 1) < 1e-5)
---```
---@param x Tensor
---@param weight? Tensor
---@param opts? {eps?: number} defaults: eps = 1e-05
---@return Tensor
function nn.rms_norm(x, weight, opts) end

---(x - mean) / sqrt(variance + eps) over the last dimension, times weight [D], plus bias [D].
---@param x Tensor
---@param weight? Tensor
---@param bias? Tensor
---@param opts? {eps?: number} defaults: eps = 1e-05
---@return Tensor
function nn.layer_norm(x, weight, bias, opts) end

---Elements set to 0 with probability `p`, the others divided by 1 - p; x itself when not training.
---
---```lua
---local tensor = require "opah.tensor"  assert(nn.dropout(tensor.ones(4), 0.5, {training = false}):sum():item() == 4)
---```
---@param x Tensor
---@param p? number default 0.5
---@param opts? {training?: boolean, generator?: Generator} defaults: training = true
---@return Tensor
function nn.dropout(x, p, opts) end

---Of each element: x sigmoid(x).
---@param x Tensor
---@return Tensor
function nn.silu(x) end

---Of each element: x/2 (1 + erf(x / sqrt 2)), the exact one.
---@param x Tensor
---@return Tensor
function nn.gelu(x) end

---Of each element: x where it is positive, else 0.
---@param x Tensor
---@return Tensor
function nn.relu(x) end

---Of each element: the hyperbolic tangent.
---@param x Tensor
---@return Tensor
function nn.tanh(x) end

---Of each element: 1 / (1 + e^-x).
---@param x Tensor
---@return Tensor
function nn.sigmoid(x) end

---e^x / sum of e^x along `dim`.
---@param x Tensor
---@param dim? integer default -1
---@return Tensor
function nn.softmax(x, dim) end

---x - log(sum of e^x) along `dim`.
---@param x Tensor
---@param dim? integer default -1
---@return Tensor
function nn.log_softmax(x, dim) end

---silu(gate) up, elementwise: the gated unit of feed-forward layers.
---@param gate Tensor
---@param up Tensor
---@return Tensor
function nn.swiglu(gate, up) end

---x [B, in, T] or [in, T], weight [out, in / groups, K], bias [out] -> [B, out, (T + padding - dilation (K - 1) - 1) / stride + 1]. `padding` counts zeros on both sides, or {before, after}.
---
---```lua
---local tensor = require "opah.tensor"  assert(nn.conv1d(tensor.ones(1, 5), tensor.ones(1, 1, 3), nil, {padding = {2, 0}})[{1, 1}] == 1)
---```
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@param opts? {stride?: integer, padding?: integer|integer[], dilation?: integer, groups?: integer} defaults: stride = 1, padding = 0, dilation = 1, groups = 1
---@return Tensor
function nn.conv1d(x, weight, bias, opts) end

---The adjoint of `conv1d`: x [B, in, T] or [in, T], weight [in, out / groups, K], bias [out] -> [B, out, (T - 1) stride + dilation (K - 1) + 1 - padding]. `padding` counts what is cropped from both ends, or {start, end}.
---@param x Tensor
---@param weight Tensor
---@param bias? Tensor
---@param opts? {stride?: integer, padding?: integer|integer[], dilation?: integer, groups?: integer} defaults: stride = 1, padding = 0, dilation = 1, groups = 1
---@return Tensor
function nn.conv_transpose1d(x, weight, bias, opts) end

---softmax(scale q k^T) v per head; scale is 1 / sqrt(d) unless given. q [B, H, T, d], k and v [B, Hkv, S, d] with Hkv dividing H; `mask` is bool, broadcasts to [B, H, T, S], and is true where a query may see a key; `causal` lets it see what precedes it. Or packed rows of several sequences: q [N, H, d], k and v [N, Hkv, d], whose `lengths` add up to N. The result has the shape of q.
---
---```lua
---local tensor = require "opah.tensor"  local x = tensor.ones(1, 2, 3, 4)  assert(nn.attention(x, x, x, {causal = true}):allclose(x))
---```
---@param q Tensor
---@param k Tensor
---@param v Tensor
---@param opts? {mask?: Tensor, causal?: boolean, lengths?: integer[], scale?: number, dropout?: number, generator?: Generator} defaults: causal = false, dropout = 0
---@return Tensor
function nn.attention(q, k, v, opts) end

---cos and sin of position / base^(2i / head_dim) for positions 0, 1, ...: [positions, head_dim / 2, 2] in bfloat16, with the roundings that the model was trained with.
---@param positions integer
---@param head_dim integer
---@param opts? {base?: number} defaults: base = 10000
---@return Tensor
function nn.rope_table(positions, head_dim, opts) end

---Rotary position embedding: each pair of adjacent elements (a, b) becomes (a cos - b sin, b cos + a sin). x [T, H, d] or [B, T, H, d]. `positions`, one for each of the T rows, are values: 0, 1, ... unless given. `table` is from `rope_table`; without it one is made.
---
---```lua
---local tensor = require "opah.tensor"  local x = tensor.ones(2, 1, 4)  assert(nn.rope(x)[1]:equal(x[1]))
---```
---@param x Tensor
---@param opts? {base?: number, positions?: Tensor|integer[], table?: Tensor} defaults: base = 10000
---@return Tensor
function nn.rope(x, opts) end

---`fn` of the tensors, without keeping what its gradient needs: `backward` calls `fn` again. Saves memory for one more forward pass. `fn` gives one tensor, the same each time; numbers from the default generator repeat by themselves.
---
---```lua
---local tensor = require "opah.tensor"  local x = tensor.ones(2):requires_grad(true)  nn.checkpoint(function(x) return x:exp():sum() end, x):backward()  assert(x.grad[1] > 2.7)
---```
---@param fn function
---@param ... Tensor
---@return Tensor
function nn.checkpoint(fn, ...) end

---The mean of -log softmax(logits)[id] over the rows whose id is not `ignore_index`: logits [..., V], ids of the leading shape -> a tensor without dimensions. Ids are values and count from 0. `label_smoothing` spreads that part of the target evenly over all classes.
---
---```lua
---local tensor = require "opah.tensor"  local loss = nn.cross_entropy(tensor.zeros(1, 4), tensor.new{3})  assert(math.abs(loss:item() - math.log(4)) < 1e-6)
---```
---@param logits Tensor
---@param ids Tensor
---@param opts? {ignore_index?: integer, label_smoothing?: number} defaults: ignore_index = -100, label_smoothing = 0
---@return Tensor
function nn.cross_entropy(logits, ids, opts) end

return nn
