local a, b = tensor.new{6, -7}, tensor.new{4, 2}
same(a + b, {10, -5}); same(a - b, {2, -9}); same(a * b, {24, -14}); same(a / b, {1.5, -3.5}); same(a % b, {2, 1})
same(a // b, {1, -4}); same(b ^ 2, {16, 4}); same(-a, {-6, 7})
same(a + 1, {7, -6}); same(1 + a, {7, -6}); same(a - 1, {5, -8}); same(1 - a, {-5, 8}); same(2 * a, {12, -14})
same(12 / b, {3, 6}); same(2 ^ b, {16, 4}); same(7 % b, {3, 1}); same(7 // b, {1, 3}); same(a % 4, {2, 1})
same(a // 4, {1, -2})
same(tensor.new{{1}, {2}} + tensor.new{10, 20}, {{11, 21}, {12, 22}})

local i, j = tensor.new({7, -7}, {dtype = "int32"}), tensor.new({2, 2}, {dtype = "int32"})
same(i // j, {3, -4})
assert((i // j):dtype() == "int32" and (i + 1):dtype() == "int32" and (i + 1.5):dtype() == "float32" and (i / j):dtype() == "float32")
same(i % j, {1, 1}); same(i / j, {3.5, -3.5}); same(i // 2, {3, -4})
fails("argument", "division by zero", function() return i // 0 end)
fails("argument", "division by zero", function() return i % tensor.zeros(2, {dtype = "int32"}) end)
assert((tensor.ones(1, {dtype = "bfloat16"}) + 1):dtype() == "bfloat16" and (tensor.ones(1, {dtype = "float64"}) + tensor.ones(1)):dtype() == "float64")

local m, n = tensor.new{true, true, false}, tensor.new{true, false, false}
same(m & n, {true, false, false}); same(m | n, {true, true, false}); same(m ~ n, {false, true, false})
same(~m, {false, false, true})
fails("dtype", "compare first", function() return tensor.ones(2) & tensor.ones(2) end)

local a = tensor.new{1, 2}
same(a:add(a), {2, 4}); same(a:add(1), {2, 3}); same(a:add(a, {alpha = 2}), {3, 6})
same(a:sub(1, {alpha = 3}), {-2, -1}); same(a:mul(3), {3, 6}); same(a:div(2), {0.5, 1}); same(a:pow(a), {1, 4})
same(a:remainder(2), {1, 0}); same(a:floor_divide(2), {0, 1})
same(a:maximum(tensor.new{3, 0}), {3, 2}); same(a:minimum(1.5), {1, 1.5}); same(a:clamp(1.5), {1.5, 2})
same(a:clamp(nil, 1.5), {1, 1.5}); same(a:clamp(1.2, 1.5), {1.2, 1.5})
same(a, {1, 2})

local a = tensor.new{1, 2}; local same_object = a:add_(1)
assert(same_object == a); same(a, {2, 3})
same(a:add_(tensor.new{1, 1}, {alpha = 2}), {4, 5}); same(a:sub_(1), {3, 4}); same(a:mul_(tensor.new{2, 1}), {6, 4})
same(a:div_(2), {3, 2}); same(a:pow_(2), {9, 4}); same(a:remainder_(5), {4, 4})
same(a:maximum_(tensor.new{5, 1}), {5, 4}); same(a:minimum_(4.5), {4.5, 4}); same(a:clamp_(4.2, nil), {4.5, 4.2})
fails("shape", "add_", a.add_, a, tensor.zeros(3, 2))
fails("dtype", "add_", function() tensor.zeros(2, {dtype = "int64"}):add_(0.5) end)
