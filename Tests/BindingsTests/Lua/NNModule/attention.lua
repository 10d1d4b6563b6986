-- against plain operations, with two query heads per key head
local g = tensor.generator(2)
local q, k, v = tensor.randn(2, 4, 5, 8, {generator = g}), tensor.randn(2, 2, 5, 8, {generator = g}), tensor.randn(2, 2, 5, 8, {generator = g})
local kk = tensor.stack({k, k}, 3):reshape(2, 4, 5, 8)
local vv = tensor.stack({v, v}, 3):reshape(2, 4, 5, 8)
local scores = q:matmul(kk:transpose(3, 4)) / math.sqrt(8)
local see = tensor.range(1, 5):unsqueeze(2):ge(tensor.range(1, 5))
assert(nn.attention(q, k, v):allclose(scores:softmax():matmul(vv), {atol = 1e-5}))
local causal = tensor.where(see, scores, -math.huge):softmax():matmul(vv)
assert(nn.attention(q, k, v, {causal = true}):allclose(causal, {atol = 1e-5}))
assert(nn.attention(q, k, v, {mask = see}):allclose(causal, {atol = 1e-5}))
assert(nn.attention(q, k, v, {scale = 1 / math.sqrt(8)}):allclose(nn.attention(q, k, v)))
-- packed: two sequences one after the other see nothing of each other
local function rows(t, b) return t[b]:transpose(1, 2) end
local packed = nn.attention(tensor.cat{rows(q, 1), rows(q, 2)}, tensor.cat{rows(k, 1), rows(k, 2)}, tensor.cat{rows(v, 1), rows(v, 2)}, {lengths = {5, 5}, causal = true})
assert(packed[{{6, 10}}]:allclose(rows(causal, 2), {atol = 1e-5}) and packed[{{1, 5}}]:allclose(rows(causal, 1), {atol = 1e-5}))

local x = tensor.zeros(3, 2, 4)
fails("shape", "do not add up", nn.attention, x, x, x, {lengths = {1, 1}})
fails("argument", "mask", nn.attention, x, x, x, {mask = tensor.new{true}})
fails("shape", "attention: q of shape [3, 2, 4], k [2, 2, 4]", nn.attention, x, tensor.zeros(2, 2, 4), x)
