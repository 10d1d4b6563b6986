local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
same(t[1], {1, 2, 3}); same(t[-1], {4, 5, 6}); same(t[2.0], {4, 5, 6})
assert(t[1][2] == 2 and t[{2, 3}] == 6 and t[{-1, -3}] == 4 and #t == 2)
same(t[{1}], {1, 2, 3}); same(t[{}], t)
same(t[{{}, 2}], {2, 5}); same(t[{{1, 1}, {2, 3}}], {{2, 3}}); same(t[{{2}, {}}], {{4, 5, 6}})
same(t[{{}, {1, -1, 2}}], {{1, 3}, {4, 6}}); same(t[{{}, {-1, 1, -1}}], {{3, 2, 1}, {6, 5, 4}})
same(t[{{2, 1, -1}}], {{4, 5, 6}, {1, 2, 3}})

local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
same(t[tensor.new{2, 1, 2}], {{4, 5, 6}, {1, 2, 3}, {4, 5, 6}})
same(t[tensor.new({-1}, {dtype = "int64"})], {{4, 5, 6}})
same(t[t:gt(2)], {3, 4, 5, 6}); same(t[tensor.new{true, false}], {{1, 2, 3}})
same(t[tensor.new{{true}, {false}}], {1, 2, 3})
same(t[{{}, tensor.new{3, 1}}], {{3, 1}, {6, 4}}); same(t[{2, tensor.new{3, 1}}], {6, 4})
same(t[{{}, tensor.new{true, false, true}}], {{1, 3}, {4, 6}})
same(t[{tensor.new{1, 2}, tensor.new{3, 1}}], {3, 4})
same(t[tensor.new{{1, 2}}], {{{1, 2, 3}, {4, 5, 6}}})

local v = tensor.new({10, 20}, {dtype = "int32"})
assert(v[1] == 10 and math.type(v[1]) == "integer" and v[{2}] == 20)
same(v[{{1}}], {10})

local t = tensor.zeros(3, 2)
t[2]:fill_(7); same(t, {{0, 0}, {7, 7}, {0, 0}})
local n = 0
for i, row in t:rows() do n = n + 1; assert(i == n and row:sum():item() == (i == 2 and 14 or 0)) end
assert(n == 3)
for i, x in tensor.new{5, 6}:rows() do assert(x == 4 + i) end
