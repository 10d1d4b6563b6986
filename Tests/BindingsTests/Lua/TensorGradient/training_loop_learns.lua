tensor.manual_seed(1)
local truth = tensor.randn(3, 8)
local x = tensor.randn(64, 8)
local labels = x:matmul(truth:t()):argmax(2) - 1          -- class ids count from 0
local w, b = tensor.zeros(3, 8, {requires_grad = true}), tensor.zeros(3, {requires_grad = true})
local first, last
for _ = 1, 200 do
  local loss = nn.cross_entropy(nn.linear(x, w, b), labels)
  first, last = first or loss:item(), loss:item()
  loss:backward()
  tensor.no_grad(function()
    for _, p in ipairs{w, b} do p:sub_(p.grad, {alpha = 1}); p.grad = nil end
  end)
end
assert(math.abs(first - math.log(3)) < 1e-5, first)
assert(last < 0.2, last)
local right = nn.linear(x, w, b):argmax(2):eq(labels + 1):to("float32"):mean():item()
assert(right > 0.95, right)
