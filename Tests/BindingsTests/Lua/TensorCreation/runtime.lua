assert(tensor.is_tensor(tensor.ones(1)) and not tensor.is_tensor({}) and not tensor.is_tensor(nil) and not tensor.is_tensor(tensor.generator(1)))

local before = tensor.memory().live
local t = tensor.zeros(1000, 1000)
assert(tensor.memory().live - before >= 4000000 and tensor.memory().peak >= tensor.memory().live)
t:free()
assert(tensor.memory().live - before < 4000000)
fails("argument", "closed", function() return t:sum() end)
fails("argument", "closed", function() return t + 1 end)
assert(tostring(t) == "Tensor (closed)")

local before = tensor.memory().live
do local _ <close> = tensor.zeros(1000, 1000) end
assert(tensor.memory().live - before < 4000000)

local n = tensor.threads(); tensor.set_threads(1); assert(tensor.threads() == 1); tensor.set_threads(n)
fails("argument", "from 1", tensor.set_threads, 0)

local a, b, c = tensor.no_grad(function(x, y) return x, y, tensor.is_grad_enabled() end, 1, "two")
assert(a == 1 and b == "two" and c == false and tensor.is_grad_enabled())
local ok, e = pcall(tensor.no_grad, function() error("boom") end)
assert(not ok and tostring(e):find("boom") and tensor.is_grad_enabled())
