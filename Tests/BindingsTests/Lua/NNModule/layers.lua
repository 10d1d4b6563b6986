local x, w = tensor.new{{1, 2}, {3, 4}}, tensor.new{{1, 0}, {0, 1}, {1, 1}}
same(nn.linear(x, w), {{1, 2, 3}, {3, 4, 7}})
same(nn.linear(x, w, tensor.new{10, 20, 30}), {{11, 22, 33}, {13, 24, 37}})
same(nn.linear(x, w:to("bfloat16")), {{1, 2, 3}, {3, 4, 7}})
fails("shape", "linear: x of shape [2, 3] and a weight of shape [3, 2]", nn.linear, tensor.zeros(2, 3), w)

local table = tensor.new{{1, 2}, {3, 4}, {5, 6}}
same(nn.embedding(tensor.new{{0, 2}}, table), {{{1, 2}, {5, 6}}})
same(nn.embedding(tensor.new({1}, {dtype = "int32"}), table), {{3, 4}})
fails("index", "embedding: id 3", nn.embedding, tensor.new{3}, table)
fails("index", "embedding: id -1", nn.embedding, tensor.new{-1}, table)
fails("dtype", "integers are wanted", nn.embedding, tensor.new{0.5}, table)

same(nn.rms_norm(tensor.new{3, 4}), {3 / math.sqrt(12.50001), 4 / math.sqrt(12.50001)})
same(nn.rms_norm(tensor.new{3, 4}, tensor.new{1, 2}, {eps = 0}), {0.8485281, 2.2627417})
fails("shape", "rms_norm: ", nn.rms_norm, tensor.new{3, 4}, tensor.new{1})
same(nn.layer_norm(tensor.new{1, 3}, nil, nil, {eps = 0}), {-1, 1})
same(nn.layer_norm(tensor.new{1, 3}, tensor.new{2, 2}, tensor.new{1, 0}, {eps = 0}), {-1, 2})
fails("shape", "layer_norm: ", nn.layer_norm, tensor.new{3, 4}, tensor.new{1})

for _, name in ipairs{"silu", "gelu", "relu", "tanh", "sigmoid"} do local r = tensor.randn(9); assert(nn[name](r):equal(r[name](r)), name) end
same(nn.swiglu(tensor.new{0, 2}, tensor.new{5, 3}), {0, 2 / (1 + math.exp(-2)) * 3})
fails("shape", "swiglu: ", nn.swiglu, tensor.zeros(2), tensor.zeros(3))
same(nn.softmax(tensor.zeros(2)), {0.5, 0.5})
same(nn.log_softmax(tensor.zeros(2, 2), 1), {{-math.log(2), -math.log(2)}, {-math.log(2), -math.log(2)}})
