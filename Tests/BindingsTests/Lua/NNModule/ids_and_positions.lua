local logits = tensor.new{{0, 0, 5}, {5, 0, 0}}
local best = logits:argmax(2)
same(best, {3, 1})
same(nn.cross_entropy(logits, best - 1), math.log(1 + 2 * math.exp(-5)), 1e-6)
same(nn.embedding(best - 1, tensor.eye(3)), {{0, 0, 1}, {1, 0, 0}})
same(tensor.eye(3)[best], {{0, 0, 1}, {1, 0, 0}})

local logits = tensor.new{{1, 2}, {3, 4}, {5, 5}}
same(nn.cross_entropy(logits, tensor.new{1, -100, 0}), (math.log(1 + math.exp(-1)) + math.log(2)) / 2)
same(nn.cross_entropy(logits, tensor.new{1, 7, 0}, {ignore_index = 7}), (math.log(1 + math.exp(-1)) + math.log(2)) / 2)
fails("index", "cross_entropy: ", nn.cross_entropy, logits, tensor.new{2, 0, 0})
fails("shape", "cross_entropy: logits of shape [3, 2] and targets of shape [2]", nn.cross_entropy, logits, tensor.new{0, 0})
