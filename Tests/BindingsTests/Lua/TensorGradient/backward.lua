local w = tensor.new({2, 3}, {requires_grad = true})
assert(w:requires_grad() and w:is_leaf() and w.grad == nil)
local y = (w * w):sum(); assert(not y:is_leaf()); y:backward(); same(w.grad, {4, 6})
;(w * 2):sum():backward(); same(w.grad, {6, 8})
w.grad = nil; assert(w.grad == nil); w.grad = tensor.ones(2); same(w.grad, {1, 1})
fails("shape", "grad", function() w.grad = tensor.ones(3) end)

local w = tensor.new{1, 2}:requires_grad(true)
;(w * w):backward{gradient = tensor.new{10, 1}}; same(w.grad, {20, 4})
fails("gradient", "needs a gradient", function() (w * w):backward() end)
fails("gradient", "requires_grad", function() tensor.ones(1):backward() end)
fails("gradient", "int64", function() tensor.ones(1, {dtype = "int64"}):requires_grad(true) end)
local y = (w * w):sum(); y:backward{retain_graph = true}; y:backward(); fails("gradient", "retain_graph", y.backward, y)

local w = tensor.new{1, 2}:requires_grad(true)
assert(not w:detach():requires_grad() and not (w:detach() * 2):requires_grad())
tensor.no_grad(function() w:sub_(0.5) end); same(w, {0.5, 1.5})
fails("gradient", "sub_", function() w:sub_(1) end)
pcall(tensor.no_grad, function() error("x") end); assert((w * 2):requires_grad())

local w = tensor.new{{1, 2}, {3, 4}}:requires_grad(true)
w[2]:sum():backward(); same(w.grad, {{0, 0}, {1, 1}}); w.grad = nil
w[{{}, {2, 2}}]:sum():backward(); same(w.grad, {{0, 1}, {0, 1}}); w.grad = nil
w[w:gt(2)]:sum():backward(); same(w.grad, {{0, 0}, {1, 1}}); w.grad = nil
w[tensor.new{1, 1}]:sum():backward(); same(w.grad, {{2, 2}, {0, 0}}); w.grad = nil
w:gather(2, tensor.new{{2}, {1}}):sum():backward(); same(w.grad, {{0, 1}, {1, 0}}); w.grad = nil
w:max(2):sum():backward(); same(w.grad, {{0, 1}, {0, 1}}); w.grad = nil
local x = w * 1; x[{1, 1}] = 0; (x * x):sum():backward(); same(w.grad, {{0, 4}, {6, 8}})
