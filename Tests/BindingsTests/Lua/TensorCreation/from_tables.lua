local t = tensor.new{{1, 2}, {3, 4}}
same(t:shape(), {2, 2}); assert(t:dtype() == "float32"); same(t, {{1, 2}, {3, 4}})

assert(tensor.new({1, 2}, {dtype = "int64"}):dtype() == "int64")
assert(math.type(tensor.new({1, 2}, {dtype = "int64"})[2]) == "integer")

local m = tensor.new{true, false}
assert(m:dtype() == "bool" and m[1] == true and m[2] == false)

same(tensor.new(2.5):shape(), {}); assert(tensor.new(2.5):item() == 2.5)
same(tensor.new{}:shape(), {0})
same(tensor.new{{}, {}}:shape(), {2, 0})

fails("shape", "new", tensor.new, {{1, 2}, {3}})
fails("shape", "new", tensor.new, {1, {2}})
fails("argument", "got string", tensor.new, {1, "x"})
fails("argument", "table of their own", tensor.new, {1, 2, dtype = "int64"})
fails("argument", "did you mean", tensor.new, {1}, {dtype = "float23"})

local loop = {}; loop[1] = loop
fails("argument", "nested deeper", tensor.new, loop)

local deep = {{{{{{{{1}}}}}}}}
same(tensor.new(deep):shape(), {1, 1, 1, 1, 1, 1, 1, 1})
fails("argument", "nested deeper", tensor.new, {deep})

local t = tensor.new{1, 2}
local u = tensor.new(t); u[1] = 9
assert(t[1] == 1)
