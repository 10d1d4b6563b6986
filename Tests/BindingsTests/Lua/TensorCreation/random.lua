tensor.manual_seed(3); local a = tensor.randn(100)
tensor.manual_seed(3); assert(a:equal(tensor.randn(100)))
assert(not a:equal(tensor.randn(100)))

local g = tensor.generator(1)
local s = g:state(); local a = tensor.rand(5, {generator = g})
g:set_state(s); assert(a:equal(tensor.rand(5, {generator = g})))
assert(g:seed() == 1 and tensor.generator():seed() ~= tensor.generator():seed())

local x = tensor.rand(1000, {low = 2, high = 3, generator = tensor.generator(1)})
assert(x:ge(2):all() and x:lt(3):all())
local x = tensor.randn(10000, {mean = 5, std = 2, generator = tensor.generator(1)})
assert(math.abs(x:mean():item() - 5) < 0.1 and math.abs(x:std():item() - 2) < 0.1)

local x = tensor.randint(-2, 3, 1000)
assert(x:dtype() == "int64" and x:min():item() == -2 and x:max():item() == 2)
same(tensor.randint(0, 9, {2, 3}):shape(), {2, 3})
fails("argument", "randint", tensor.randint, 3, 3, 1)

local p = tensor.randperm(6)
same(p:sort(), {1, 2, 3, 4, 5, 6}); assert(p:dtype() == "int64")
local g = tensor.default_generator()
for _ = 1, 100 do local n = g:integer(2, 3); assert(n == 2 or n == 3) end
