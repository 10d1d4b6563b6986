---@meta opah.tensor
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Tensors: n-dimensional arrays with PyTorch's operations and gradients. Positions and dimensions count from 1; values are never shifted. Every method may be called as a function too: `tensor.exp(t)` is `t:exp()`.
---@class opah.tensor
local tensor = {}

---A tensor of nested lists of numbers, which must be rectangular, of one number, or of another tensor's elements (a copy). float32, or bool for booleans, unless `dtype` says otherwise.
---
---```lua
---local t = tensor.new{{1, 2}, {3, 4}}  assert(t[{2, 1}] == 3)
---```
---@param data? any
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.new(data, opts) end

---Zeros. Sizes are numbers or one list.
---
---```lua
---assert(tensor.zeros(2, 3, {dtype = "int64"}):dtype() == "int64")
---```
---@param ... integer|integer[]
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.zeros(...) end

---Ones.
---
---```lua
---assert(tensor.ones{2, 3}:sum():item() == 6)
---```
---@param ... integer|integer[]
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.ones(...) end

---Elements of any value, to be written before they are read.
---@param ... integer|integer[]
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.empty(...) end

---`value` everywhere: float32, or bool for a boolean, unless `dtype` says otherwise.
---
---```lua
---assert(tensor.full({2, 2}, 7)[{1, 2}] == 7)
---```
---@param shape integer|integer[]
---@param value number|boolean
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.full(shape, value, opts) end

---Zeros of the shape and dtype of `t`.
---@param t Tensor
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.zeros_like(t, opts) end

---Ones of the shape and dtype of `t`.
---@param t Tensor
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.ones_like(t, opts) end

---first, first + step, ... up to `last`, which is included when it is reached.
---
---```lua
---assert(#tensor.range(0, 1, 0.1) == 11)
---```
---@param first number
---@param last number
---@param step? number default 1
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.range(first, last, step, opts) end

---`count` numbers from `first` to `last`, both included, evenly spaced.
---
---```lua
---assert(tensor.linspace(0, 1, 5)[2] == 0.25)
---```
---@param first number
---@param last number
---@param count integer
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.linspace(first, last, count, opts) end

---Ones on the diagonal, zeros elsewhere; square unless `columns` says otherwise.
---
---```lua
---assert(tensor.eye(3):sum():item() == 3)
---```
---@param rows integer
---@param columns? integer
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.eye(rows, columns, opts) end

---A tensor of the bytes of its elements, in row-major order and little-endian. See `t:tobytes`.
---
---```lua
---assert(tensor.from_bytes("\1\0\2\0", "int16", 2)[2] == 2)
---```
---@param bytes string
---@param dtype "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool"
---@param shape integer|integer[]
---@return Tensor
function tensor.from_bytes(bytes, dtype, shape) end

---Starts the stream of the default generator anew: the same seed gives the same numbers, whatever the number of threads.
---
---```lua
---tensor.manual_seed(1)  local a = tensor.rand(2)  tensor.manual_seed(1)  assert(a:equal(tensor.rand(2)))
---```
---@param seed integer
function tensor.manual_seed(seed) end

---A random stream of its own, to pass as `generator=`. Without a seed every run gives another one.
---
---```lua
---local a = tensor.randn(3, {generator = tensor.generator(5)})  assert(a:equal(tensor.randn(3, {generator = tensor.generator(5)})))
---```
---@param seed? integer
---@return Generator
function tensor.generator(seed) end

---The generator that is used where none is named: its `state()` belongs into a checkpoint.
---@return Generator
function tensor.default_generator() end

---Evenly distributed numbers from `low` up to, not including, `high`.
---
---```lua
---assert(tensor.rand(2, 3):lt(1):all())
---```
---@param ... integer|integer[]
---@param opts? {low?: number, high?: number, dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", generator?: Generator, requires_grad?: boolean} defaults: low = 0, high = 1, dtype = "float32", requires_grad = false
---@return Tensor
function tensor.rand(...) end

---Normally distributed numbers.
---
---```lua
---assert(#tensor.randn{2, 3} == 2)
---```
---@param ... integer|integer[]
---@param opts? {mean?: number, std?: number, dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", generator?: Generator, requires_grad?: boolean} defaults: mean = 0, std = 1, dtype = "float32", requires_grad = false
---@return Tensor
function tensor.randn(...) end

---Integers (int64) from `low` up to, not including, `high`, of the shape that follows.
---
---```lua
---assert(tensor.randint(0, 10, {2, 3}):max():item() < 10)
---```
---@param low integer
---@param high integer
---@param ... integer|integer[]
---@param opts? {dtype?: "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool", generator?: Generator} defaults: dtype = "int64"
---@return Tensor
function tensor.randint(low, high, ...) end

---The positions 1 to `n` in random order: int64.
---
---```lua
---assert(tensor.randperm(5):sum():item() == 15)
---```
---@param n integer
---@param opts? {generator?: Generator}
---@return Tensor
function tensor.randperm(n, opts) end

---The tensors one after the other along `dim`; their other sizes must be equal. Dtypes promote. The dimension may also stand in the list: `{a, b, dim = 2}`.
---
---```lua
---assert(#tensor.cat({tensor.ones(2), tensor.ones(3)}) == 5)
---```
---@param tensors table
---@param dim? integer default 1
---@return Tensor
function tensor.cat(tensors, dim) end

---The tensors, of equal shape, along a new dimension `dim`. Dtypes promote. The dimension may also stand in the list: `{a, b, dim = 2}`.
---
---```lua
---assert(tensor.stack({tensor.ones(2), tensor.ones(2)}, 2):size(2) == 2)
---```
---@param tensors table
---@param dim? integer default 1
---@return Tensor
function tensor.stack(tensors, dim) end

---The elements of `a` where `condition` is true, of `b` elsewhere. All three broadcast.
---
---```lua
---local t = tensor.new{-1, 2}  assert(tensor.where(t:gt(0), t, 0)[1] == 0)
---```
---@param condition Tensor
---@param a Tensor|number
---@param b Tensor|number
---@return Tensor
function tensor.where(condition, a, b) end

---Writes named tensors as a safetensors file, which appears when it is complete. Names come in order.
---
---```lua
---tensor.save("x.safetensors", {w = tensor.ones(2)}, {note = "test"})  assert(#tensor.load("x.safetensors").w == 2)
---```
---@param path string
---@param tensors table<string, Tensor>
---@param metadata? table<string, string>
function tensor.save(path, tensors, metadata) end

---The tensors of a safetensors file by name, and its metadata. `only` names those that are wanted; a name that is not there is an error. `opah.checkpoint` reads other formats.
---@param path string
---@param opts? {only?: string[]}
---@return table<string, Tensor>
---@return table<string, string>
function tensor.load(path, opts) end

---Writes a NumPy file (version 1.0, row-major), which appears when it is complete.
---
---```lua
---tensor.save_npy("x.npy", tensor.new{1, 2})  assert(tensor.load_npy("x.npy")[2] == 2)
---```
---@param path string
---@param t Tensor
function tensor.save_npy(path, t) end

---The array of a NumPy file, with its dtype.
---@param path string
---@return Tensor
function tensor.load_npy(path) end

---The arrays of a NumPy archive by name.
---@param path string
---@return table<string, Tensor>
function tensor.load_npz(path) end

---Whether `x` is a tensor.
---
---```lua
---assert(tensor.is_tensor(tensor.ones(1)) and not tensor.is_tensor(1))
---```
---@param x? any
---@return boolean
function tensor.is_tensor(x) end

---Calls `fn` with what follows and gives its results; meanwhile nothing is recorded for `backward`. Recording goes on afterwards, also after an error.
---
---```lua
---local w = tensor.ones(1):requires_grad(true)  assert(not tensor.no_grad(function() return (w * 2):requires_grad() end))
---```
---@param fn function
---@param ... any
---@return any ...
function tensor.no_grad(fn, ...) end

---Whether operations are recorded for `backward` now.
---@return boolean
function tensor.is_grad_enabled() end

---How many threads everything uses, this one included; at the start it is `OPAH_THREADS`, or the number of processors. With the same number of threads every result is the same bit for bit, from run to run, whatever else the machine does. Codes, elementwise operations and sums do not depend on the number either; matrix products and what uses them may differ in the last place.
---@param n integer
function tensor.set_threads(n) end

---How many threads tensor operations use.
---@return integer
function tensor.threads() end

---Bytes that tensors hold now, and the most they have held since the start or since `reset_peak`. Mapped files do not count.
---
---```lua
---local before = tensor.memory().live  local t <close> = tensor.zeros(1000)  assert(tensor.memory().live >= before + 4000)
---```
---@param opts? {reset_peak?: boolean} defaults: reset_peak = false
---@return {live: integer, peak: integer}
function tensor.memory(opts) end

---An n-dimensional array of one dtype: float32 (the default), float64, float16, bfloat16, int64, int32, int16, int8, uint8 or bool. Half types are for storage: arithmetic on them computes in float32. Dimensions and positions count from 1, negative ones from the end, and 0 is an error; values are never shifted. Names and rules are PyTorch's: `add` makes a new tensor, `add_` writes in place, `*` is elementwise, shapes broadcast, views share storage. Keys, also on the left of `=`: `t[2]` and `t[-1]` are rows (numbers, when there is one dimension), `t[{2, 3}]` has one entry per dimension, `t[{{2, 4}, {}}]` are ranges with both ends included, `{first, last, step}` steps, `t[mask]` is where a bool tensor is true, `t[positions]` are rows by position. `a == b` asks whether both are the same tensor, as Lua's `==` can only give a boolean; compare elements with `a:eq(b)`, `a:equal(b)` or `a:allclose(b)`.
---@class Tensor
---@field grad Tensor? The gradient summed so far, float32 for half types; nil before the first `backward`. Set it to nil to start anew.
---@operator len: integer
---@operator concat(any): string
---@operator add(Tensor|number): Tensor
---@operator sub(Tensor|number): Tensor
---@operator mul(Tensor|number): Tensor
---@operator div(Tensor|number): Tensor
---@operator pow(Tensor|number): Tensor
---@operator mod(Tensor|number): Tensor
---@operator idiv(Tensor|number): Tensor
---@operator unm(any): Tensor
---@operator band(Tensor): Tensor
---@operator bor(Tensor): Tensor
---@operator bxor(Tensor): Tensor
---@operator bnot(any): Tensor
local Tensor = {}

---The sizes of all dimensions.
---
---```lua
---assert(#tensor.zeros(2, 3):shape() == 2)
---```
---@return integer[]
function Tensor:shape() end

---The size of dimension `dim`; without one, the sizes of all, as `shape` gives them.
---
---```lua
---assert(tensor.zeros(2, 3):size(-1) == 3)
---```
---@param dim? integer
---@return integer|integer[]
function Tensor:size(dim) end

---The number of dimensions.
---@return integer
function Tensor:dim() end

---The number of elements.
---@return integer
function Tensor:numel() end

---What the elements are: "float32", "int64", ...
---@return string
function Tensor:dtype() end

---How many elements apart neighbours along `dim` lie; without one, a list for all dimensions.
---@param dim? integer
---@return integer|integer[]
function Tensor:stride(dim) end

---Bytes of the elements: `numel()` times the size of one.
---@return integer
function Tensor:nbytes() end

---Whether the elements lie one after the other in row-major order.
---@return boolean
function Tensor:is_contiguous() end

---The only element as a Lua value: a boolean for bool, an integer for integer dtypes. An error when there are none or several.
---
---```lua
---assert(tensor.new{1, 2, 3}:sum():item() == 6)
---```
---@return number|boolean
function Tensor:item() end

---The elements as nested lists; a tensor without dimensions gives its element.
---
---```lua
---assert(tensor.new{{1, 2}, {3, 4}}:totable()[2][1] == 3)
---```
---@return any
function Tensor:totable() end

---The bytes of the elements in row-major order, as the machine stores them (little-endian). See `tensor.from_bytes`.
---@return string
function Tensor:tobytes() end

---Iterates over the first dimension: positions, and views of what lies there (numbers when there is no other dimension).
---
---```lua
---local n = 0  for i, row in tensor.ones(3, 2):rows() do n = n + row:sum():item() end  assert(n == 6)
---```
---@return function
function Tensor:rows() end

---Gives the tensor up now instead of when the collector finds it; using it afterwards is an error. Its memory returns when no view of it is left. `local t <close> = ...` does the same at the end of the block.
function Tensor:free() end

---The same elements in row-major order with another shape; one size may be -1: what is left. An error where that needs a copy.
---
---```lua
---assert(tensor.range(1, 6):view(2, -1):size(2) == 3)
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:view(...) end

---`view`, or a copy where a view cannot do it.
---
---```lua
---assert(tensor.range(1, 6):reshape{3, 2}[{2, 1}] == 3)
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:reshape(...) end

---Joins the dimensions from `first` to `last` into one.
---
---```lua
---assert(#tensor.zeros(2, 3, 4):flatten(2):shape() == 2)
---```
---@param first? integer default 1
---@param last? integer default -1
---@return Tensor
function Tensor:flatten(first, last) end

---Without dimension `dim` when its size is 1; without one, without all of size 1.
---@param dim? integer
---@return Tensor
function Tensor:squeeze(dim) end

---With a new dimension of size 1, which becomes `dim`.
---
---```lua
---assert(tensor.zeros(3):unsqueeze(1):size(1) == 1)
---```
---@param dim integer
---@return Tensor
function Tensor:unsqueeze(dim) end

---With two dimensions swapped.
---
---```lua
---assert(tensor.zeros(2, 3):transpose(1, 2):size(1) == 3)
---```
---@param dim1 integer
---@param dim2 integer
---@return Tensor
function Tensor:transpose(dim1, dim2) end

---A matrix with rows and columns swapped; vectors stay as they are.
---@return Tensor
function Tensor:t() end

---Dimension i of the result is dimension `order[i]` of this tensor; each is named once.
---
---```lua
---assert(tensor.zeros(2, 3, 4):permute(3, 1, 2):size(1) == 4)
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:permute(...) end

---Dimensions of size 1 repeated to the given sizes without copying; -1 keeps a size, new dimensions may stand in front.
---
---```lua
---assert(tensor.ones(3, 1):expand(-1, 4):sum():item() == 12)
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:expand(...) end

---`expand` to the shape of `other`.
---@param other Tensor
---@return Tensor
function Tensor:expand_as(other) end

---Itself when its elements lie in row-major order, else a copy that does.
---@return Tensor
function Tensor:contiguous() end

---`length` positions of `dim` from position `first` on.
---
---```lua
---assert(tensor.range(1, 5):narrow(1, 2, 3)[1] == 2)
---```
---@param dim integer
---@param first integer
---@param length integer
---@return Tensor
function Tensor:narrow(dim, first, length) end

---Position `position` of `dim`, which disappears. Unlike `t[i]` it gives a tensor also for a vector.
---
---```lua
---assert(tensor.new{{1, 2}, {3, 4}}:select(2, 1)[2] == 3)
---```
---@param dim integer
---@param position integer
---@return Tensor
function Tensor:select(dim, position) end

---A list of parts of `size` positions of `dim`, the last may be smaller; or parts of the sizes listed, which must add up.
---
---```lua
---assert(#tensor.range(1, 5):split(2) == 3)
---```
---@param size integer|integer[]
---@param dim? integer default 1
---@return Tensor[]
function Tensor:split(size, dim) end

---A list of at most `count` parts of equal size along `dim`; the last may be smaller.
---@param count integer
---@param dim? integer default 1
---@return Tensor[]
function Tensor:chunk(count, dim) end

---A copy with `before` and `after` positions of `value` added around dimension `dim`; negative counts cut off.
---
---```lua
---assert(tensor.ones(2):pad(1, 1, 2):sum():item() == 2)
---```
---@param dim integer
---@param before integer
---@param after integer
---@param value? number default 0
---@return Tensor
function Tensor:pad(dim, before, after, value) end

---A copy with the order along `dim`, one or a list, reversed; along all dimensions without.
---
---```lua
---assert(tensor.new{1, 2, 3}:flip(1)[1] == 3)
---```
---@param dim? integer|integer[]
---@return Tensor
function Tensor:flip(dim) end

---A copy repeated as often as said along each dimension, the last count being that of the last dimension.
---
---```lua
---assert(#tensor.new{1, 2}:tile(3) == 6)
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:tile(...) end

---A copy with each position of `dim` repeated `count` times in a row, as heads of keys are for grouped queries.
---
---```lua
---assert(tensor.new{1, 2}:repeat_interleave(2, 1)[2] == 1)
---```
---@param count integer
---@param dim integer
---@return Tensor
function Tensor:repeat_interleave(count, dim) end

---The given positions of `dim` (1-based), in their order: a copy.
---
---```lua
---assert(tensor.new{10, 20, 30}:index_select(1, {3, 1})[1] == 30)
---```
---@param dim integer
---@param positions Tensor|integer[]
---@return Tensor
function Tensor:index_select(dim, positions) end

---result[i][j] = t[positions[i][j]][j] for `dim` 1, and so on: the shape of `positions` (1-based), which has as many dimensions and is no larger in the others.
---
---```lua
---assert(tensor.new{{1, 2}, {3, 4}}:gather(2, tensor.new{{2}, {1}})[{1, 1}] == 2)
---```
---@param dim integer
---@param positions Tensor
---@return Tensor
function Tensor:gather(dim, positions) end

---t[positions[i][j]][j] = source[i][j] for `dim` 1, and so on (positions 1-based). Where they repeat, the last counts.
---
---```lua
---local hot = tensor.zeros(2, 3):scatter_(2, tensor.new{{3}, {1}}, 1)  assert(hot[{1, 3}] == 1)
---```
---@param dim integer
---@param positions Tensor
---@param source Tensor|number
---@return Tensor
function Tensor:scatter_(dim, positions, source) end

---`scatter_` that adds; repeated positions add up.
---@param dim integer
---@param positions Tensor
---@param source Tensor
---@return Tensor
function Tensor:scatter_add_(dim, positions, source) end

---Adds position i of `source` along `dim` to position `positions[i]` (1-based); repeated positions add up.
---@param dim integer
---@param positions Tensor|integer[]
---@param source Tensor
---@return Tensor
function Tensor:index_add_(dim, positions, source) end

---The elements where the bool `mask`, which broadcasts, is true: a vector.
---
---```lua
---local t = tensor.new{1, -2, 3}  assert(#t:masked_select(t:gt(0)) == 2)
---```
---@param mask Tensor
---@return Tensor
function Tensor:masked_select(mask) end

---A copy with `value` where the bool `mask`, which broadcasts, is true.
---@param mask Tensor
---@param value number
---@return Tensor
function Tensor:masked_fill(mask, value) end

---Sets the elements where the bool `mask`, which broadcasts to this shape, is true.
---@param mask Tensor
---@param value number
---@return Tensor
function Tensor:masked_fill_(mask, value) end

---The positions (1-based) of the elements that are not zero, in row-major order: int64 [n, dimensions].
---
---```lua
---assert(tensor.new{0, 5}:nonzero()[{1, 1}] == 2)
---```
---@return Tensor
function Tensor:nonzero() end

---A copy of the last two dimensions with only what is on and below the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.
---
---```lua
---assert(tensor.ones(3, 3):tril():sum():item() == 6)
---```
---@param diagonal? integer default 0
---@return Tensor
function Tensor:tril(diagonal) end

---A copy of the last two dimensions with only what is on and above the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.
---@param diagonal? integer default 0
---@return Tensor
function Tensor:triu(diagonal) end

---The same numbers as another dtype, or as that of a tensor; itself when it has that dtype. Floats become integers by truncation.
---
---```lua
---assert(tensor.new{1.9, -1.9}:to("int32")[2] == -1)
---```
---@param dtype "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool"|Tensor
---@return Tensor
function Tensor:to(dtype) end

---A copy with memory of its own.
---@return Tensor
function Tensor:clone() end

---Takes the elements of `source`, broadcast to this shape and converted to this dtype.
---@param source Tensor
---@return Tensor
function Tensor:copy_(source) end

---Sets every element to `value`.
---@param value number|boolean
---@return Tensor
function Tensor:fill_(value) end

---Sets every element to 0.
---@return Tensor
function Tensor:zero_() end

---The product, elementwise; `matmul` multiplies matrices. Of bools: and.
---@param other Tensor|number
---@return Tensor
function Tensor:mul(other) end

---The quotient, elementwise; of integers too a float.
---@param other Tensor|number
---@return Tensor
function Tensor:div(other) end

---The power, elementwise. Integers to a negative integer power are refused.
---@param other Tensor|number
---@return Tensor
function Tensor:pow(other) end

---a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.
---@param other Tensor|number
---@return Tensor
function Tensor:remainder(other) end

---The quotient rounded down, elementwise, as Lua's `//`; integers stay integers, and their division by zero is an error.
---@param other Tensor|number
---@return Tensor
function Tensor:floor_divide(other) end

---The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or. `alpha` multiplies `other` first.
---
---```lua
---assert(tensor.ones(2):add(tensor.ones(2), {alpha = 3})[1] == 4)
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:add(other, opts) end

---The difference, elementwise. `alpha` multiplies `other` first.
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:sub(other, opts) end

---In place: The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or. `alpha` multiplies `other` first.
---
---```lua
---local t = tensor.zeros(2)  t:add_(1)  assert(t[2] == 1)
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:add_(other, opts) end

---In place: The difference, elementwise. `alpha` multiplies `other` first.
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:sub_(other, opts) end

---In place: The product, elementwise; `matmul` multiplies matrices. Of bools: and.
---@param other Tensor|number
---@return Tensor
function Tensor:mul_(other) end

---In place: The quotient, elementwise; of integers too a float.
---@param other Tensor|number
---@return Tensor
function Tensor:div_(other) end

---In place: The power, elementwise. Integers to a negative integer power are refused.
---@param other Tensor|number
---@return Tensor
function Tensor:pow_(other) end

---In place: a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.
---@param other Tensor|number
---@return Tensor
function Tensor:remainder_(other) end

---The larger of each pair; NaN where either is.
---@param other Tensor|number
---@return Tensor
function Tensor:maximum(other) end

---In place: The larger of each pair; NaN where either is.
---@param other Tensor|number
---@return Tensor
function Tensor:maximum_(other) end

---The smaller of each pair; NaN where either is.
---@param other Tensor|number
---@return Tensor
function Tensor:minimum(other) end

---In place: The smaller of each pair; NaN where either is.
---@param other Tensor|number
---@return Tensor
function Tensor:minimum_(other) end

---Elements below `low` become `low`, those above `high` become `high`; nil sets no limit.
---
---```lua
---assert(tensor.new{-5, 5}:clamp(0, 1):sum():item() == 1)
---```
---@param low? number
---@param high? number
---@return Tensor
function Tensor:clamp(low, high) end

---`clamp` in place.
---@param low? number
---@param high? number
---@return Tensor
function Tensor:clamp_(low, high) end

---Of each element x: -x.
---@return Tensor
function Tensor:neg() end

---In place, of each element x: -x.
---@return Tensor
function Tensor:neg_() end

---Of each element x: |x|.
---@return Tensor
function Tensor:abs() end

---In place, of each element x: |x|.
---@return Tensor
function Tensor:abs_() end

---Of each element x: e^x.
---@return Tensor
function Tensor:exp() end

---In place, of each element x: e^x.
---@return Tensor
function Tensor:exp_() end

---Of each element x: The natural logarithm: -inf of 0, NaN below.
---@return Tensor
function Tensor:log() end

---In place, of each element x: The natural logarithm: -inf of 0, NaN below.
---@return Tensor
function Tensor:log_() end

---Of each element x: The square root.
---@return Tensor
function Tensor:sqrt() end

---In place, of each element x: The square root.
---@return Tensor
function Tensor:sqrt_() end

---Of each element x: 1 / sqrt(x).
---@return Tensor
function Tensor:rsqrt() end

---In place, of each element x: 1 / sqrt(x).
---@return Tensor
function Tensor:rsqrt_() end

---Of each element x: The hyperbolic tangent.
---@return Tensor
function Tensor:tanh() end

---In place, of each element x: The hyperbolic tangent.
---@return Tensor
function Tensor:tanh_() end

---Of each element x: 1 / (1 + e^-x).
---@return Tensor
function Tensor:sigmoid() end

---In place, of each element x: 1 / (1 + e^-x).
---@return Tensor
function Tensor:sigmoid_() end

---Of each element x: x sigmoid(x).
---@return Tensor
function Tensor:silu() end

---In place, of each element x: x sigmoid(x).
---@return Tensor
function Tensor:silu_() end

---Of each element x: x/2 (1 + erf(x / sqrt 2)), the exact one.
---@return Tensor
function Tensor:gelu() end

---In place, of each element x: x/2 (1 + erf(x / sqrt 2)), the exact one.
---@return Tensor
function Tensor:gelu_() end

---Of each element x: x where it is positive, else 0.
---@return Tensor
function Tensor:relu() end

---In place, of each element x: x where it is positive, else 0.
---@return Tensor
function Tensor:relu_() end

---Of each element x: The sine of x in radians.
---@return Tensor
function Tensor:sin() end

---In place, of each element x: The sine of x in radians.
---@return Tensor
function Tensor:sin_() end

---Of each element x: The cosine of x in radians.
---@return Tensor
function Tensor:cos() end

---In place, of each element x: The cosine of x in radians.
---@return Tensor
function Tensor:cos_() end

---Of each element x: The nearest integer; halves go to the even neighbour.
---@return Tensor
function Tensor:round() end

---In place, of each element x: The nearest integer; halves go to the even neighbour.
---@return Tensor
function Tensor:round_() end

---Of each element x: The next integer below.
---@return Tensor
function Tensor:floor() end

---In place, of each element x: The next integer below.
---@return Tensor
function Tensor:floor_() end

---Of each element x: The next integer above.
---@return Tensor
function Tensor:ceil() end

---In place, of each element x: The next integer above.
---@return Tensor
function Tensor:ceil_() end

---e^x / sum of e^x along `dim`, without overflow.
---
---```lua
---assert(tensor.new{1000, 1000}:softmax()[1] == 0.5)
---```
---@param dim? integer default -1
---@return Tensor
function Tensor:softmax(dim) end

---x - log(sum of e^x) along `dim`.
---@param dim? integer default -1
---@return Tensor
function Tensor:log_softmax(dim) end

---Sums of the elements up to each along `dim`; integers and bools give int64.
---
---```lua
---assert(tensor.new{1, 2, 3}:cumsum(1)[3] == 6)
---```
---@param dim integer
---@return Tensor
function Tensor:cumsum(dim) end

---Of each element x: x^2.
---@return Tensor
function Tensor:square() end

---All products of two vectors: [m] and [n] give [m, n].
---
---```lua
---assert(tensor.new{1, 2}:outer(tensor.new{3, 4})[{2, 1}] == 6)
---```
---@param other Tensor
---@return Tensor
function Tensor:outer(other) end

---The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---
---```lua
---assert(tensor.ones(2, 3):matmul(tensor.ones(3, 4))[{1, 1}] == 3)
---```
---@param other Tensor
---@return Tensor
function Tensor:matmul(other) end

---Another name for `matmul`. The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---@param other Tensor
---@return Tensor
function Tensor:mm(other) end

---Another name for `matmul`. The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---@param other Tensor
---@return Tensor
function Tensor:bmm(other) end

---The sum of products of two vectors of equal length: a tensor without dimensions.
---
---```lua
---assert(tensor.new{1, 2}:dot(tensor.new{3, 4}):item() == 11)
---```
---@param other Tensor
---@return Tensor
function Tensor:dot(other) end

---t = beta t + alpha a b, for a [m, k] and b [k, n]; beta = 0 ignores what t holds.
---
---```lua
---local t = tensor.eye(2)  t:addmm_(tensor.eye(2), tensor.eye(2), {alpha = 2})  assert(t[{1, 1}] == 3)
---```
---@param a Tensor
---@param b Tensor
---@param opts? {alpha?: number, beta?: number} defaults: alpha = 1, beta = 1
---@return Tensor
function Tensor:addmm_(a, b, opts) end

---The sum over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. Integers and bools sum to int64.
---
---```lua
---assert(tensor.ones(2, 3):sum(2)[1] == 3)
---```
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:sum(dim, opts) end

---The mean over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. Of integers and bools it is float32.
---
---```lua
---assert(tensor.new{1, 2, 6}:mean():item() == 3)
---```
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:mean(dim, opts) end

---The variance, divided by n - `correction`, over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---
---```lua
---assert(tensor.new{1, 2, 3}:var():item() == 1)
---```
---@param dim? integer|integer[]
---@param opts? {correction?: integer, keepdim?: boolean} defaults: correction = 1, keepdim = false
---@return Tensor
function Tensor:var(dim, opts) end

---The standard deviation: the root of `var`, over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---@param dim? integer|integer[]
---@param opts? {correction?: integer, keepdim?: boolean} defaults: correction = 1, keepdim = false
---@return Tensor
function Tensor:std(dim, opts) end

---The p-norm (sum of |x|^p)^(1/p) over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. math.huge gives the largest |x|, 0 counts what is not zero.
---
---```lua
---assert(tensor.new{3, 4}:norm():item() == 5)
---```
---@param p? number default 2
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:norm(p, dim, opts) end

---log(sum of e^x) over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:logsumexp(dim, opts) end

---The product along `dim`, or over all elements; integers and bools give int64.
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:prod(dim, opts) end

---The largest elements along `dim`, and their positions (1-based, int64); without `dim` only the largest of all. NaN wins; of equal ones the first is chosen.
---
---```lua
---local values, positions = tensor.new{{1, 9}, {8, 2}}:max(2)  assert(values[1] == 9 and positions[2] == 1)
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@return Tensor?
function Tensor:max(dim, opts) end

---The positions (1-based, int64) of the largest elements along `dim`; without `dim` one position in row-major order over all.
---
---```lua
---assert(tensor.new{4, 7, 5}:argmax():item() == 2)
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:argmax(dim, opts) end

---The smallest elements along `dim`, and their positions (1-based, int64); without `dim` only the smallest of all. NaN wins; of equal ones the first is chosen.
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@return Tensor?
function Tensor:min(dim, opts) end

---The positions (1-based, int64) of the smallest elements along `dim`; without `dim` one position in row-major order over all.
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:argmin(dim, opts) end

---Whether any element is not zero: a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.
---
---```lua
---assert(not tensor.zeros(3):any())
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return boolean|Tensor
function Tensor:any(dim, opts) end

---Whether no element is zero: a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return boolean|Tensor
function Tensor:all(dim, opts) end

---The elements along `dim` in order, and the positions (1-based, int64) they come from. Equal ones keep their order; NaN is the largest.
---
---```lua
---local values, positions = tensor.new{3, 1, 2}:sort()  assert(values[1] == 1 and positions[1] == 2)
---```
---@param dim? integer default -1
---@param opts? {descending?: boolean} defaults: descending = false
---@return Tensor
---@return Tensor
function Tensor:sort(dim, opts) end

---The positions (1-based, int64) that would sort the elements along `dim`.
---@param dim? integer default -1
---@param opts? {descending?: boolean} defaults: descending = false
---@return Tensor
function Tensor:argsort(dim, opts) end

---The `k` largest (or smallest) elements along `dim`, best first, and their positions (1-based, int64).
---
---```lua
---local values, positions = tensor.new{3, 9, 5}:topk(2)  assert(values[2] == 5 and positions[1] == 2)
---```
---@param k integer
---@param dim? integer default -1
---@param opts? {largest?: boolean} defaults: largest = true
---@return Tensor
---@return Tensor
function Tensor:topk(k, dim, opts) end

---Where a = b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---@param other Tensor|number
---@return Tensor
function Tensor:eq(other) end

---Where a differs from b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---@param other Tensor|number
---@return Tensor
function Tensor:ne(other) end

---Where a < b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---@param other Tensor|number
---@return Tensor
function Tensor:lt(other) end

---Where a <= b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---@param other Tensor|number
---@return Tensor
function Tensor:le(other) end

---Where a > b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---assert(tensor.new{1, 5}:gt(2)[2] == true)
---```
---@param other Tensor|number
---@return Tensor
function Tensor:gt(other) end

---Where a >= b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---@param other Tensor|number
---@return Tensor
function Tensor:ge(other) end

---Where both are not zero: a bool tensor.
---@param other Tensor
---@return Tensor
function Tensor:logical_and(other) end

---Where either is not zero: a bool tensor.
---@param other Tensor
---@return Tensor
function Tensor:logical_or(other) end

---Where exactly one is not zero: a bool tensor.
---@param other Tensor
---@return Tensor
function Tensor:logical_xor(other) end

---Where it is zero: a bool tensor.
---@return Tensor
function Tensor:logical_not() end

---Where it is not a number: a bool tensor.
---@return Tensor
function Tensor:isnan() end

---Where it is neither infinite nor NaN: a bool tensor.
---@return Tensor
function Tensor:isfinite() end

---Whether both have the same shape and equal elements.
---
---```lua
---assert(tensor.ones(2):equal(tensor.new{1, 1}))
---```
---@param other Tensor
---@return boolean
function Tensor:equal(other) end

---Whether |a - b| <= atol + rtol |b| everywhere; shapes broadcast, infinities must be equal.
---
---```lua
---assert(tensor.new{1}:allclose(tensor.new{1.000001}))
---```
---@param other Tensor
---@param opts? {rtol?: number, atol?: number, equal_nan?: boolean} defaults: rtol = 1e-05, atol = 1e-08, equal_nan = false
---@return boolean
function Tensor:allclose(other, opts) end

---With `true` says that `backward` shall leave a gradient in `t.grad`, and gives the tensor; only floating tensors that no operation has made can. Without an argument asks.
---
---```lua
---local w = tensor.ones(2):requires_grad(true);  (w * w):sum():backward()  assert(w.grad[1] == 2)
---```
---@param on? boolean
---@return Tensor|boolean
function Tensor:requires_grad(on) end

---Adds the gradients of this number to the `grad` of every leaf behind it. A tensor of several elements needs a `gradient` of its shape to start from. What the operations saved is given up, unless `retain_graph` keeps it for another pass.
---@param opts? {retain_graph?: boolean, gradient?: Tensor} defaults: retain_graph = false
function Tensor:backward(opts) end

---The same elements without their history: gradients stop here.
---@return Tensor
function Tensor:detach() end

---Whether the tensor was made by the user, not by a recorded operation.
---@return boolean
function Tensor:is_leaf() end

---A stream of random numbers: what it gives depends only on its seed and on what was drawn before.
---@class Generator
local Generator = {}

---The seed of its stream.
---@return integer
function Generator:seed() end

---Starts the stream `seed` from its beginning.
---@param seed integer
---@return Generator
function Generator:manual_seed(seed) end

---Where the stream is: give it to `set_state` to continue there.
---
---```lua
---local g = tensor.generator(7)  local s = g:state()  local a = g:uniform()  g:set_state(s)  assert(g:uniform() == a)
---```
---@return {seed: integer, offset: integer}
function Generator:state() end

---Continues where `state` was taken.
---@param state {seed: integer, offset: integer}
function Generator:set_state(state) end

---One number from 0 up to, not including, 1.
---@return number
function Generator:uniform() end

---One integer from `low` to `high`, both included.
---@param low integer
---@param high integer
---@return integer
function Generator:integer(low, high) end

tensor.shape = Tensor.shape
tensor.size = Tensor.size
tensor.dim = Tensor.dim
tensor.numel = Tensor.numel
tensor.dtype = Tensor.dtype
tensor.stride = Tensor.stride
tensor.nbytes = Tensor.nbytes
tensor.is_contiguous = Tensor.is_contiguous
tensor.item = Tensor.item
tensor.totable = Tensor.totable
tensor.tobytes = Tensor.tobytes
tensor.rows = Tensor.rows
tensor.free = Tensor.free
tensor.view = Tensor.view
tensor.reshape = Tensor.reshape
tensor.flatten = Tensor.flatten
tensor.squeeze = Tensor.squeeze
tensor.unsqueeze = Tensor.unsqueeze
tensor.transpose = Tensor.transpose
tensor.t = Tensor.t
tensor.permute = Tensor.permute
tensor.expand = Tensor.expand
tensor.expand_as = Tensor.expand_as
tensor.contiguous = Tensor.contiguous
tensor.narrow = Tensor.narrow
tensor.select = Tensor.select
tensor.split = Tensor.split
tensor.chunk = Tensor.chunk
tensor.pad = Tensor.pad
tensor.flip = Tensor.flip
tensor.tile = Tensor.tile
tensor.repeat_interleave = Tensor.repeat_interleave
tensor.index_select = Tensor.index_select
tensor.gather = Tensor.gather
tensor.scatter_ = Tensor.scatter_
tensor.scatter_add_ = Tensor.scatter_add_
tensor.index_add_ = Tensor.index_add_
tensor.masked_select = Tensor.masked_select
tensor.masked_fill = Tensor.masked_fill
tensor.masked_fill_ = Tensor.masked_fill_
tensor.nonzero = Tensor.nonzero
tensor.tril = Tensor.tril
tensor.triu = Tensor.triu
tensor.to = Tensor.to
tensor.clone = Tensor.clone
tensor.copy_ = Tensor.copy_
tensor.fill_ = Tensor.fill_
tensor.zero_ = Tensor.zero_
tensor.mul = Tensor.mul
tensor.div = Tensor.div
tensor.pow = Tensor.pow
tensor.remainder = Tensor.remainder
tensor.floor_divide = Tensor.floor_divide
tensor.add = Tensor.add
tensor.sub = Tensor.sub
tensor.add_ = Tensor.add_
tensor.sub_ = Tensor.sub_
tensor.mul_ = Tensor.mul_
tensor.div_ = Tensor.div_
tensor.pow_ = Tensor.pow_
tensor.remainder_ = Tensor.remainder_
tensor.maximum = Tensor.maximum
tensor.maximum_ = Tensor.maximum_
tensor.minimum = Tensor.minimum
tensor.minimum_ = Tensor.minimum_
tensor.clamp = Tensor.clamp
tensor.clamp_ = Tensor.clamp_
tensor.neg = Tensor.neg
tensor.neg_ = Tensor.neg_
tensor.abs = Tensor.abs
tensor.abs_ = Tensor.abs_
tensor.exp = Tensor.exp
tensor.exp_ = Tensor.exp_
tensor.log = Tensor.log
tensor.log_ = Tensor.log_
tensor.sqrt = Tensor.sqrt
tensor.sqrt_ = Tensor.sqrt_
tensor.rsqrt = Tensor.rsqrt
tensor.rsqrt_ = Tensor.rsqrt_
tensor.tanh = Tensor.tanh
tensor.tanh_ = Tensor.tanh_
tensor.sigmoid = Tensor.sigmoid
tensor.sigmoid_ = Tensor.sigmoid_
tensor.silu = Tensor.silu
tensor.silu_ = Tensor.silu_
tensor.gelu = Tensor.gelu
tensor.gelu_ = Tensor.gelu_
tensor.relu = Tensor.relu
tensor.relu_ = Tensor.relu_
tensor.sin = Tensor.sin
tensor.sin_ = Tensor.sin_
tensor.cos = Tensor.cos
tensor.cos_ = Tensor.cos_
tensor.round = Tensor.round
tensor.round_ = Tensor.round_
tensor.floor = Tensor.floor
tensor.floor_ = Tensor.floor_
tensor.ceil = Tensor.ceil
tensor.ceil_ = Tensor.ceil_
tensor.softmax = Tensor.softmax
tensor.log_softmax = Tensor.log_softmax
tensor.cumsum = Tensor.cumsum
tensor.square = Tensor.square
tensor.outer = Tensor.outer
tensor.matmul = Tensor.matmul
tensor.mm = Tensor.mm
tensor.bmm = Tensor.bmm
tensor.dot = Tensor.dot
tensor.addmm_ = Tensor.addmm_
tensor.sum = Tensor.sum
tensor.mean = Tensor.mean
tensor.var = Tensor.var
tensor.std = Tensor.std
tensor.norm = Tensor.norm
tensor.logsumexp = Tensor.logsumexp
tensor.prod = Tensor.prod
tensor.max = Tensor.max
tensor.argmax = Tensor.argmax
tensor.min = Tensor.min
tensor.argmin = Tensor.argmin
tensor.any = Tensor.any
tensor.all = Tensor.all
tensor.sort = Tensor.sort
tensor.argsort = Tensor.argsort
tensor.topk = Tensor.topk
tensor.eq = Tensor.eq
tensor.ne = Tensor.ne
tensor.lt = Tensor.lt
tensor.le = Tensor.le
tensor.gt = Tensor.gt
tensor.ge = Tensor.ge
tensor.logical_and = Tensor.logical_and
tensor.logical_or = Tensor.logical_or
tensor.logical_xor = Tensor.logical_xor
tensor.logical_not = Tensor.logical_not
tensor.isnan = Tensor.isnan
tensor.isfinite = Tensor.isfinite
tensor.equal = Tensor.equal
tensor.allclose = Tensor.allclose
tensor.requires_grad = Tensor.requires_grad
tensor.backward = Tensor.backward
tensor.detach = Tensor.detach
tensor.is_leaf = Tensor.is_leaf
return tensor
