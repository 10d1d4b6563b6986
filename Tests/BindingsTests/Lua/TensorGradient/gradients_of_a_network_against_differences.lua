local g = tensor.generator(11)
local function make(...) return tensor.randn(..., {std = 0.6, generator = g}):requires_grad(true) end
local p = {table = make{5, 4}, w1 = make{6, 4}, b1 = make{6}, scale = make{6}, shift = make{6}, rms = make{6}, w2 = make{3, 6}, filter = make{1, 1, 3}}
local ids, labels = tensor.new{0, 3, 4, 3}, tensor.new{2, 0, -100, 1}
local function loss()
  local x = nn.embedding(ids, p.table)
  x = nn.conv1d(x:unsqueeze(2), p.filter, nil, {padding = {2, 0}}):squeeze(2)
  x = nn.linear(x, p.w1, p.b1):tanh()
  x = nn.rms_norm(nn.silu(nn.layer_norm(x, p.scale, p.shift)) + x, p.rms)
  return nn.cross_entropy(x:matmul(p.w2:t()), labels, {label_smoothing = 0.1})
end
loss():backward()
local count = 0
for name, t in pairs(p) do
  local flat, grad = t:detach():view(-1), t.grad:view(-1)
  for i = 1, #flat do
    local x, h = flat[i], 1e-2
    local function at(v) flat[i] = v; return tensor.no_grad(loss):item() end
    local slope = (8 * (at(x + h) - at(x - h)) - (at(x + 2 * h) - at(x - 2 * h))) / (12 * h)
    flat[i] = x
    assert(math.abs(slope - grad[i]) < 2e-4, name .. " " .. i .. ": " .. slope .. " " .. grad[i])
    count = count + 1
  end
end
assert(count == 89, count)
