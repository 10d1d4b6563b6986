local a, b = tensor.new{{1, 2}}, tensor.new{{3, 4}, {5, 6}}
same(tensor.cat({a, b}), {{1, 2}, {3, 4}, {5, 6}})
same(tensor.cat({a, b}, 1), {{1, 2}, {3, 4}, {5, 6}})
same(tensor.cat({a, a}, -1), {{1, 2, 1, 2}})
same(tensor.cat{a, a, dim = 2}, {{1, 2, 1, 2}})
same(tensor.cat{a, a, 2}, {{1, 2, 1, 2}})
fails("shape", "cat: shapes [1, 2] and [2, 2] cannot be joined along dimension 2", tensor.cat, {a, b}, 2)
fails("index", "dimension 0", tensor.cat, {a, b}, 0)
fails("argument", "no tensors", tensor.cat, {})
fails("argument", "element 2", tensor.cat, {a, "b"})

local a, b = tensor.new{1, 2}, tensor.new{3, 4}
same(tensor.stack({a, b}), {{1, 2}, {3, 4}}); same(tensor.stack({a, b}, 2), {{1, 3}, {2, 4}})
same(tensor.stack({a, b}, -1), {{1, 3}, {2, 4}})
fails("shape", "stack: shapes [2] and [3]", tensor.stack, {a, tensor.zeros(3)})

local m = tensor.new{true, false}
same(tensor.where(m, tensor.new{1, 2}, tensor.new{3, 4}), {1, 4}); same(tensor.where(m, 5, 0), {5, 0})
same(tensor.where(m, tensor.new{1, 2}, -1.5), {1, -1.5})
fails("shape", "where: shapes", tensor.where, m, tensor.zeros(3), 1)
