local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
assert(t:sum():item() == 21); same(t:sum():shape(), {}); same(t:sum(1), {5, 7, 9}); same(t:sum(-1), {6, 15})
same(t:sum(2, {keepdim = true}), {{6}, {15}}); same(t:sum{1, 2}, 21); same(t:sum(nil, {keepdim = true}), {{21}})
assert(t:mean():item() == 3.5); same(t:mean(1), {2.5, 3.5, 4.5}); same(t:var(2), {1, 1})
same(t:var(1, {correction = 0}), {2.25, 2.25, 2.25}); same(t:std(1, {correction = 0}), {1.5, 1.5, 1.5})
assert(t:prod():item() == 720); same(t:prod(1), {4, 10, 18})
same(t:norm(), math.sqrt(91)); same(t:norm(1, 2), {6, 15}); same(t:norm(math.huge), 6)
same(tensor.zeros(2):logsumexp(1), math.log(2)); same(t:logsumexp(), 6.456193)
assert(tensor.new(3):sum():item() == 3)
fails("index", "Tensor:sum: dimension 3 of a tensor of shape [2, 3]", t.sum, t, 3)
fails("argument", "twice", t.sum, t, {1, -2})
fails("argument", "options come after", t.sum, t, {keepdim = true})
assert(tensor.ones(3, {dtype = "uint8"}):sum():dtype() == "int64" and tensor.ones(3, {dtype = "uint8"}):mean():dtype() == "float32")

local t = tensor.new{{1, 9, 9}, {4, 5, 2}}
assert(t:max():item() == 9 and t:min():item() == 1)
local v, p = t:max(2); same(v, {9, 5}); same(p, {2, 2}); assert(p:dtype() == "int64")
local v, p = t:min(1, {keepdim = true}); same(v, {{1, 5, 2}}); same(p, {{1, 2, 2}})
assert(t:argmax():item() == 2 and t:argmin():item() == 1); same(t:argmax(1), {2, 1, 1}); same(t:argmin(-1), {1, 3})
assert(t[{1, t[1]:argmax():item()}] == 9)
fails("shape", "max", function() return tensor.zeros(0):max() end)

local v, p = tensor.new{3, 1, 2}:sort(); same(v, {1, 2, 3}); same(p, {2, 3, 1})
local v, p = tensor.new{{3, 1}, {1, 2}}:sort(1, {descending = true}); same(v, {{3, 2}, {1, 1}}); same(p, {{1, 2}, {2, 1}})
same(tensor.new{3, 1, 2}:argsort(), {2, 3, 1})
local v, p = tensor.new{3, 9, 5}:topk(2); same(v, {9, 5}); same(p, {2, 3})
local v, p = tensor.new{3, 9, 5}:topk(1, 1, {largest = false}); same(v, {3}); same(p, {1})
fails("argument", "4 of 3 elements along dimension 1", function() return tensor.zeros(3):topk(4) end)

local m = tensor.new{{true, false}, {true, true}}
assert(m:any() == true and m:all() == false); same(m:all(2), {false, true}); same(m:any(1), {true, true})
assert(tensor.zeros(0):all() and not tensor.zeros(0):any())
