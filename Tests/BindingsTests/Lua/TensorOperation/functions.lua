for name, f in pairs{neg = function(x) return -x end, abs = math.abs, exp = math.exp, log = math.log, sqrt = math.sqrt, sin = math.sin, cos = math.cos,
    rsqrt = function(x) return 1 / math.sqrt(x) end, floor = math.floor, ceil = math.ceil, relu = function(x) return math.max(x, 0) end,
    sigmoid = function(x) return 1 / (1 + math.exp(-x)) end, tanh = function(x) return 1 - 2 / (math.exp(2 * x) + 1) end,
    silu = function(x) return x / (1 + math.exp(-x)) end} do
  for _, x in ipairs{0.3, 1.5, 2.25} do
    same(tensor.new{x}[name](tensor.new{x}), {f(x)}, 2e-6)
    local t = tensor.new{x}; assert(t[name .. "_"](t) == t); same(t, {f(x)}, 2e-6)
  end
end

same(tensor.new{0.5, 1.5, -2.5}:round(), {0, 2, -2}); same(tensor.new{-1, 0, 1}:gelu(), {-0.1586553, 0, 0.8413447})
same(tensor.new{-1, 0}:log(), {0/0, -math.huge})
same(tensor.new({4}, {dtype = "int64"}):sqrt(), {2})
assert(tensor.new({-4}, {dtype = "int64"}):abs():dtype() == "int64")
same(tensor.new{{0, 0}, {0, math.log(3)}}:softmax(), {{0.5, 0.5}, {0.25, 0.75}})
same(tensor.new{{0, 0}, {0, math.log(3)}}:softmax(1)[2], {0.5, 0.75})
same(tensor.new{0, math.log(3)}:log_softmax(), {math.log(0.25), math.log(0.75)})
same(tensor.new{{1, 2}, {3, 4}}:cumsum(1), {{1, 2}, {4, 6}})
same(tensor.new{{1, 2}, {3, 4}}:cumsum(-1), {{1, 3}, {3, 7}})
