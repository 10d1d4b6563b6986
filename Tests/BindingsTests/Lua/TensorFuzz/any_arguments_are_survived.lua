math.randomseed(20)
local huge = {math.maxinteger, math.mininteger, 1 << 60, -(1 << 60), 1e300, 0/0, math.huge, -math.huge, 2.5, -0.0}
local makers = {
  function() return tensor.ones(2, 3) end, function() return tensor.ones(3) end, function() return tensor.new(2) end,
  function() return tensor.zeros(0) end,
  function() return tensor.zeros(2, 0, 3) end, function() return tensor.new{true, false, true} end,
  function() return tensor.new({{1, 2, 3}, {3, 1, 2}}, {dtype = "int64"}) end,
  function() return tensor.new({1, 2}, {dtype = "uint8"}) end,
  function() return tensor.ones(1, 2, 1, 2, 1, 2, 1, 1) end,
  function() return tensor.rand(2, 3):requires_grad(true) end,
  function() return tensor.rand(3, 2):t() end, function() return tensor.ones(1, 3):expand(2, 3) end,
  function() return tensor.ones(2, 2, 4, {dtype = "bfloat16"}) end,
  function() return tensor.new{0/0, math.huge, -1} end, function() return tensor.ones(2, 3, {dtype = "float64"}) end,
  function() return tensor.ones(3, {dtype = "int8"}) end,
  function() local t = tensor.ones(2); t:free(); return t end,
  function() return tensor.rand(3):requires_grad(true) * 2 end,
}
local tables = {
  function() return {} end, function() return {1, 2} end, function() return {2, -1} end,
  function() return {{1, 2}, {}} end, function() return {{}, {1, -1, 2}} end,
  function() return {tensor.ones(2), tensor.ones(2)} end, function() return {math.maxinteger} end,
  function() return {1 << 60, 1 << 60} end, function() return {keepdim = true} end,
  function() return {dtype = "int64"} end, function() return {1, "x"} end, function() return {{1}, {2, 3}} end,
  function() return {stride = 0} end, function() return {padding = {1 << 40, 0}} end,
  function() return {padding = -1} end, function() return {lengths = {3}} end, function() return {causal = true} end,
  function() return {groups = 3, dilation = 1 << 40} end,
  function() return {positions = {-1, 1 << 50}} end, function() return {gradient = tensor.ones(2)} end,
  function() return {alpha = 0/0} end, function() return {eps = -1} end,
  function() return {retain_graph = true} end, function() return {ignore_index = 0, label_smoothing = 2} end,
  function() return {correction = 1 << 62} end, function() return {stride = 1 << 60} end,
  function() return {dilation = math.maxinteger} end, function() return {scale = 0/0, dropout = 0.5} end,
  function() return {positions = {0, 1}, base = -1} end, function() return {base = 0} end,
  function() return {descending = true} end, function() return {low = 3, high = -math.huge} end,
  function() return {std = -1, mean = 0/0} end,
  function() return {{-1, 1, -2}, 2} end, function() return {{1, 2, 1 << 62}, {2, 1, math.mininteger}} end,
  function() return {tensor.new{1, 2}, {1, 2}} end, function() return {tensor.new{true, false}, tensor.new{2}} end,
}
local function any()
  local kind = math.random(10)
  if kind <= 4 then return makers[math.random(#makers)]()
  elseif kind <= 7 then return math.random(-3, 4)
  elseif kind == 8 then return tables[math.random(#tables)]()
  elseif kind == 9 then return huge[math.random(#huge)]
  else return ({"float32", "int64", "x", true, false, type, nil})[math.random(7)] end
end
local function arguments()
  local list = {n = math.random(0, 4)}
  for i = 1, list.n do list[i] = any() end
  return list
end
calls, errors = 0, 0
local kinds = {argument = true, shape = true, dtype = true, index = true, gradient = true, memory = true, lua = true}
local function try(what, f, ...)
  calls = calls + 1
  local ok, err = pcall(f, ...)
  if ok then return end
  errors = errors + 1
  assert(type(err) == "string" or kinds[err.kind], what .. ": " .. tostring(err))
end
for _ = 1, 150 do
  for _, name in ipairs(methods) do
    local t, list = makers[math.random(#makers)](), arguments()
    try(name, function() return t[name](t, table.unpack(list, 1, list.n)) end)
  end
  for i, name in ipairs(names) do
    local list = arguments()
    if not (name == "rope_table" or name == "eye" or name == "linspace" or name == "randperm" or name == "range") then
      try(name, function() return require("opah." .. modules[i])[name](table.unpack(list, 1, list.n)) end)
    end
  end
  for _ = 1, 40 do
    local t, key, value = makers[math.random(#makers)](), any(), any()
    try("get", function() return t[key] end)
    try("set", function() t[key] = value end)
    local a, b = any(), any()
    for _, op in ipairs{"+", "-", "*", "/", "%", "^", "//", "&", "|", "~", "<", "==", ".."} do
      try(op, load("local a, b = ... return a " .. op .. " b"), a, b)
    end
    try("#", function() return #t end); try("-", function() return -t end); try("~", function() return ~t end)
    try("tostring", tostring, t)
  end
end
