local t = tensor.zeros(2, 3, {dtype = "int16"})
assert(t:dim() == 2 and t:numel() == 6 and t:dtype() == "int16" and t:nbytes() == 12 and t:size(2) == 3 and t:size(-2) == 2)
same(t:size(), {2, 3}); same(t:stride(), {3, 1}); assert(t:stride(1) == 3)
assert(t:is_contiguous() and not t:t():is_contiguous())
fails("index", "dimension 3 of a tensor of shape [2, 3]", t.size, t, 3)
fails("index", "dimension 0", t.size, t, 0)

assert(tensor.new{2.5}:item() == 2.5 and math.type(tensor.new({2}, {dtype = "uint8"}):item()) == "integer" and tensor.new{true}:item() == true)
assert(tensor.new({1 << 62}, {dtype = "int64"}):item() == 1 << 62)
fails("shape", "2 elements", function() return tensor.zeros(2):item() end)

local text = tostring(tensor.new{{1, 2}, {3, 4}})
assert(text:find("float32") and text:find("2x2"), text)
assert("loss " .. tensor.new{0.5} == "loss 0.5" and tensor.new{2} .. "" == "2.0")

same(tensor.new{{1, 2}, {3, 4}}:t():totable(), {{1, 3}, {2, 4}})
assert(tensor.new(3):totable() == 3)
for _, dtype in ipairs{"float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"} do
  same(tensor.new({1, 2}, {dtype = dtype}), {1, 2})
end
