---@meta opah.tensor
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Tensors: n-dimensional arrays with PyTorch's operations and gradients. Positions and dimensions count from 1; values are never shifted. Every method may be called as a function too: `tensor.exp(t)` is `t:exp()`.
---@class opah.tensor
local tensor = {}

---A tensor of nested lists of numbers, which must be rectangular, of one number, or of another tensor's elements (a copy). float32, or bool for booleans, unless `dtype` says otherwise.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}             --> [[1., 2.], [3., 4.]]
---tensor.new({5, 6}, {dtype = "int64"})  --> [5, 6]
---tensor.new{true, false}:dtype()        --> "bool"
---```
---@param data? any
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.new(data, opts) end

---Zeros. Sizes are numbers or one list.
---
---```lua
---tensor.zeros(2, 3)                    --> [[0., 0., 0.], [0., 0., 0.]]
---tensor.zeros({4}, {dtype = "int64"})  --> [0, 0, 0, 0]
---```
---@param ... integer|integer[]
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.zeros(...) end

---Ones. Sizes are numbers or one list.
---
---```lua
---tensor.ones(2, 2) * 7  --> [[7., 7.], [7., 7.]]
---```
---@param ... integer|integer[]
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.ones(...) end

---Elements of any value, to be written before they are read.
---
---```lua
---local t = tensor.empty(2, 3)
---t:fill_(1)
---t:shape(), t:sum():item()  --> {2, 3}, 6.0
---```
---@param ... integer|integer[]
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.empty(...) end

---`value` everywhere: float32, or bool for a boolean, unless `dtype` says otherwise.
---
---```lua
---tensor.full({2, 2}, 7)                   --> [[7., 7.], [7., 7.]]
---tensor.full(3, -100, {dtype = "int64"})  --> [-100, -100, -100]
---```
---@param shape integer|integer[]
---@param value number|boolean
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.full(shape, value, opts) end

---Zeros of the shape of `t`, and of its dtype unless `dtype` says otherwise.
---
---```lua
---local codes = tensor.new({{7, 8}}, {dtype = "int64"})
---tensor.zeros_like(codes)  --> [[0, 0]]
---```
---@param t Tensor
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.zeros_like(t, opts) end

---Ones of the shape of `t`, and of its dtype unless `dtype` says otherwise.
---
---```lua
---local codes = tensor.new({{7, 8}}, {dtype = "int64"})
---tensor.ones_like(codes)  --> [[1, 1]]
---```
---@param t Tensor
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: requires_grad = false
---@return Tensor
function tensor.ones_like(t, opts) end

---first, first + step, ... up to `last`, which is included when it is reached.
---
---```lua
---tensor.range(1, 5)                         --> [1., 2., 3., 4., 5.]
---tensor.range(0, 1, 0.25)                   --> [0.0000, 0.2500, 0.5000, 0.7500, 1.0000]
---tensor.range(3, 1, -1, {dtype = "int64"})  --> [3, 2, 1]
---```
---@param first number
---@param last number
---@param step? number default 1
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.range(first, last, step, opts) end

---`count` numbers from `first` to `last`, both included, evenly spaced.
---
---```lua
---tensor.linspace(-1, 1, 5)  --> [-1.0000, -0.5000,  0.0000,  0.5000,  1.0000]
---```
---@param first number
---@param last number
---@param count integer
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.linspace(first, last, count, opts) end

---Ones on the diagonal, zeros elsewhere; square unless `columns` says otherwise.
---
---```lua
---tensor.eye(2)     --> [[1., 0.], [0., 1.]]
---tensor.eye(1, 3)  --> [[1., 0., 0.]]
---```
---@param rows integer
---@param columns? integer
---@param opts? {dtype?: DType, requires_grad?: boolean} defaults: dtype = "float32", requires_grad = false
---@return Tensor
function tensor.eye(rows, columns, opts) end

---A tensor of the bytes of its elements, in row-major order and little-endian. See `t:tobytes`.
---
---```lua
---tensor.from_bytes("\1\0\2\0", "int16", 2)               --> [1, 2]
---tensor.from_bytes(("<ff"):pack(0.5, 3), "float32", {1, 2})  --> [[0.5000, 3.0000]]
---```
---@param bytes string
---@param dtype DType
---@param shape integer|integer[]
---@return Tensor
function tensor.from_bytes(bytes, dtype, shape) end

---Starts the stream of the default generator anew: the same seed gives the same numbers, whatever the number of threads.
---
---```lua
---tensor.manual_seed(1)
---local a = tensor.rand(2)
---tensor.manual_seed(1)
---a:equal(tensor.rand(2))  --> true
---```
---@param seed integer
function tensor.manual_seed(seed) end

---A random stream of its own, to pass as `generator=`. Without a seed every run gives another one.
---
---```lua
---local a = tensor.randn(3, {generator = tensor.generator(5)})
---local b = tensor.randn(3, {generator = tensor.generator(5)})
---a:equal(b)  --> true
---```
---@param seed? integer
---@return Generator
function tensor.generator(seed) end

---The generator that is used where none is named: its `state()` belongs into a checkpoint.
---
---```lua
---tensor.manual_seed(42)
---tensor.default_generator():state()  --> {offset = 0, seed = 42}
---```
---@return Generator
function tensor.default_generator() end

---Evenly distributed numbers from `low` up to, not including, `high`.
---
---```lua
---tensor.rand(2, 3):shape()                              --> {2, 3}
---local noise = tensor.rand(1000, {low = -1, high = 1})
---noise:min():item() >= -1 and noise:max():item() < 1    --> true
---```
---@param ... integer|integer[]
---@param opts? {low?: number, high?: number, dtype?: DType, generator?: Generator, requires_grad?: boolean} defaults: low = 0, high = 1, dtype = "float32", requires_grad = false
---@return Tensor
function tensor.rand(...) end

---Normally distributed numbers, of mean 0 and standard deviation 1 unless the options say otherwise.
---
---```lua
---tensor.manual_seed(1)
---local w = tensor.randn(256, 64, {std = 0.02, requires_grad = true})
---w:std():item() < 0.021  --> true
---```
---@param ... integer|integer[]
---@param opts? {mean?: number, std?: number, dtype?: DType, generator?: Generator, requires_grad?: boolean} defaults: mean = 0, std = 1, dtype = "float32", requires_grad = false
---@return Tensor
function tensor.randn(...) end

---Integers (int64) from `low` up to, not including, `high`, of the shape that follows.
---
---```lua
---local codes = tensor.randint(0, 1024, 4, 20)
---codes:shape(), codes:dtype()                --> {4, 20}, "int64"
---codes:ge(0):all() and codes:lt(1024):all()  --> true
---```
---@param low integer
---@param high integer
---@param ... integer|integer[]
---@param opts? {dtype?: DType, generator?: Generator} defaults: dtype = "int64"
---@return Tensor
function tensor.randint(low, high, ...) end

---The positions 1 to `n` in random order: int64.
---
---```lua
---local clips = tensor.new{10, 20, 30}
---local shuffled = clips[tensor.randperm(#clips)]
---shuffled:sort()  --> [10., 20., 30.], ...
---```
---@param n integer
---@param opts? {generator?: Generator}
---@return Tensor
function tensor.randperm(n, opts) end

---The tensors one after the other along `dim`; their other sizes must be equal. Dtypes promote. The dimension may also stand in the list: `{a, b, dim = 2}`.
---
---```lua
---tensor.cat{tensor.new{1, 2}, tensor.new{3}}  --> [1., 2., 3.]
---tensor.cat({tensor.ones(2, 1), tensor.zeros(2, 2)}, 2)  --> [[1., 0., 0.], [1., 0., 0.]]
---```
---@param tensors table
---@param dim? integer default 1
---@return Tensor
function tensor.cat(tensors, dim) end

---The tensors, of equal shape, along a new dimension `dim`. Dtypes promote. The dimension may also stand in the list: `{a, b, dim = 2}`.
---
---```lua
---tensor.stack{tensor.new{1, 2}, tensor.new{3, 4}}               --> [[1., 2.], [3., 4.]]
---tensor.stack({tensor.new{1, 2}, tensor.new{3, 4}}, 2)  --> [[1., 3.], [2., 4.]]
---```
---@param tensors table
---@param dim? integer default 1
---@return Tensor
function tensor.stack(tensors, dim) end

---The elements of `a` where `condition` is true (or not zero), of `b` elsewhere. All three broadcast. Where it is true: `condition:nonzero()`.
---
---```lua
---local t = tensor.new{-1, 2}
---tensor.where(t:gt(0), t, 0)       --> [0., 2.]
---tensor.where(t:gt(0), t, t / 10)  --> [-0.1000,  2.0000]
---```
---@param condition Tensor
---@param a Tensor|number
---@param b Tensor|number
---@return Tensor
function tensor.where(condition, a, b) end

---Writes named tensors as a safetensors file, which appears when it is complete. Names come in order.
---
---```lua
---tensor.save("x.safetensors", {w = tensor.ones(2), b = tensor.zeros(1)}, {note = "test"})
---tensor.load("x.safetensors").w  --> [1., 1.]
---```
---@param path string
---@param tensors table<string, Tensor>
---@param metadata? table<string, string>
function tensor.save(path, tensors, metadata) end

---The tensors of a safetensors file by name, and its metadata. `only` names those that are wanted; a name that is not there is an error. `opah.checkpoint` reads other formats.
---
---```lua
---tensor.save("x.safetensors", {w = tensor.ones(2), b = tensor.zeros(1)}, {note = "test"})
---local tensors, metadata = tensor.load("x.safetensors", {only = {"w"}})
---tensors, metadata.note  --> {w = Tensor [2 float32]}, "test"
---```
---@param path string
---@param opts? {only?: string[]}
---@return table<string, Tensor>
---@return table<string, string>
function tensor.load(path, opts) end

---Writes a NumPy file (version 1.0, row-major), which appears when it is complete.
---
---```lua
---tensor.save_npy("x.npy", tensor.new{1, 2})
---tensor.load_npy("x.npy")  --> [1., 2.]
---```
---@param path string
---@param t Tensor
function tensor.save_npy(path, t) end

---The array of a NumPy file (.npy), with its dtype.
---
---```lua
---tensor.save_npy("codes.npy", tensor.new({{3, 1}, {4, 1}}, {dtype = "int64"}))
---local codes = tensor.load_npy("codes.npy")
---codes:dtype(), codes[2]:totable()  --> "int64", {4, 1}
---```
---@param path string
---@return Tensor
function tensor.load_npy(path) end

---Writes named tensors as a NumPy archive, uncompressed as `numpy.savez` does; it appears when it is complete. Names come in order.
---
---```lua
---tensor.save_npz("xy.npz", {x = tensor.linspace(0, 1, 3), y = tensor.eye(2)})
---tensor.load_npz("xy.npz").x  --> [0.0000, 0.5000, 1.0000]
---```
---@param path string
---@param arrays table<string, Tensor>
function tensor.save_npz(path, arrays) end

---The arrays of a NumPy archive (.npz, as `numpy.savez` writes) by name, each with its dtype.
---
---```lua
---tensor.save_npz("voices.npz", {alice = tensor.zeros(4, 20), bob = tensor.zeros(4, 30)})
---tensor.load_npz("voices.npz").bob:shape()  --> {4, 30}
---```
---@param path string
---@return table<string, Tensor>
function tensor.load_npz(path) end

---Whether `x` is a tensor.
---
---```lua
---tensor.is_tensor(tensor.ones(1)), tensor.is_tensor({1})  --> true, false
---```
---@param x? any
---@return boolean
function tensor.is_tensor(x) end

---Calls `fn` with what follows and gives its results; meanwhile nothing is recorded for `backward`. Recording goes on afterwards, also after an error.
---
---```lua
---local w = tensor.ones(2):requires_grad(true)
---local y = tensor.no_grad(function() return w * 2 end)
---y:requires_grad()                                   --> false
---tensor.no_grad(function() w:sub_(0.5) end)          -- as an optimizer does
---```
---@param fn function
---@param ... any
---@return any ...
function tensor.no_grad(fn, ...) end

---Whether operations are recorded for `backward` now.
---
---```lua
---tensor.is_grad_enabled(), tensor.no_grad(tensor.is_grad_enabled)  --> true, false
---```
---@return boolean
function tensor.is_grad_enabled() end

---How many threads everything uses, this one included; at the start it is `OPAH_THREADS`, or the number of processors. With the same number of threads every result is the same bit for bit, from run to run, whatever else the machine does. Codes, elementwise operations and sums do not depend on the number either; matrix products and what uses them may differ in the last place.
---
---```lua
---local before = tensor.threads()
---tensor.set_threads(1)
---tensor.threads()  --> 1
---tensor.set_threads(before)
---```
---@param n integer
function tensor.set_threads(n) end

---How many threads tensor operations use; `set_threads` changes it.
---
---```lua
---tensor.threads() >= 1  --> true
---```
---@return integer
function tensor.threads() end

---Bytes that tensors hold now, and the most they have held since the start or since `reset_peak`. Mapped files do not count.
---
---```lua
---local before = tensor.memory().live
---local t = tensor.zeros(1000)
---tensor.memory().live - before >= t:nbytes()  --> true
---```
---@param opts? {reset_peak?: boolean} defaults: reset_peak = false
---@return {live: integer, peak: integer}
function tensor.memory(opts) end

---An n-dimensional array of one dtype: float32 (the default), float64, float16, bfloat16, int64, int32, int16, int8, uint8 or bool. Half types are for storage: arithmetic on them computes in float32. Dimensions and positions count from 1, negative ones from the end, and 0 is an error; values are never shifted. Names and rules are PyTorch's: `add` makes a new tensor, `add_` writes in place, `*` is elementwise, shapes broadcast, views share storage. Keys, also on the left of `=`: `t[2]` and `t[-1]` are rows (numbers, when there is one dimension), `t[{2, 3}]` has one entry per dimension, `t[{{2, 4}, {}}]` are ranges with both ends included, `{first, last, step}` steps, `t[mask]` is where a bool tensor is true, `t[positions]` are rows by position. `a == b` asks whether both are the same tensor, as Lua's `==` can only give a boolean; compare elements with `a:eq(b)`, `a:equal(b)` or `a:allclose(b)`.
---@class Tensor
---@field grad Tensor? The gradient summed so far, float32 for half types; nil before the first `backward`. Set it to nil to start anew. `w.grad  --> [6., 6.]`
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
---tensor.zeros(2, 3):shape()                --> {2, 3}
---table.unpack(tensor.zeros(2, 3):shape())  --> 2, 3
---```
---@return integer[]
function Tensor:shape() end

---The size of dimension `dim`; without one, the sizes of all, as `shape` gives them.
---
---```lua
---local t = tensor.zeros(2, 3)
---t:size(1), t:size(-1)  --> 2, 3
---t:size()               --> {2, 3}
---```
---@param dim integer
---@return integer
---@overload fun(self: Tensor): integer[]
function Tensor:size(dim) end

---The number of dimensions.
---
---```lua
---tensor.zeros(2, 3):dim()  --> 2
---```
---@return integer
function Tensor:dim() end

---The number of elements.
---
---```lua
---tensor.zeros(2, 3):numel()  --> 6
---```
---@return integer
function Tensor:numel() end

---What the elements are: "float32", "int64", ...
---
---```lua
---tensor.new{1, 2}:dtype(), tensor.new{true}:dtype()  --> "float32", "bool"
---tensor.randperm(5):dtype()                          --> "int64"
---```
---@return string
function Tensor:dtype() end

---How many elements apart neighbours along `dim` lie; without one, a list for all dimensions.
---
---```lua
---local t = tensor.zeros(2, 3)
---t:stride(), t:t():stride(1)  --> {3, 1}, 1
---```
---@param dim integer
---@return integer
---@overload fun(self: Tensor): integer[]
function Tensor:stride(dim) end

---Bytes of the elements: `numel()` times the size of one.
---
---```lua
---tensor.zeros(2, 3):nbytes(), tensor.zeros(2, 3, {dtype = "bfloat16"}):nbytes()  --> 24, 12
---```
---@return integer
function Tensor:nbytes() end

---Whether the elements lie one after the other in row-major order.
---
---```lua
---local t = tensor.zeros(2, 3)
---t:is_contiguous(), t:t():is_contiguous()  --> true, false
---```
---@return boolean
function Tensor:is_contiguous() end

---The only element as a Lua value: a boolean for bool, an integer for integer dtypes. An error when there are none or several.
---
---```lua
---tensor.new{1, 2, 3}:sum():item()     --> 6.0
---tensor.new{1, 2, 3}:argmax():item()  --> 3
---```
---@return number
function Tensor:item() end

---The elements as nested lists; a tensor without dimensions gives its element.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:totable()  --> {{1.0, 2.0}, {3.0, 4.0}}
---tensor.new{5, 6}:gt(5):totable()      --> {false, true}
---```
---@return any
function Tensor:totable() end

---The bytes of the elements in row-major order, as the machine stores them (little-endian). See `tensor.from_bytes`.
---
---```lua
---tensor.new({1, 258}, {dtype = "int16"}):tobytes()  --> "\1\0\2\1"
---```
---@return string
function Tensor:tobytes() end

---Iterates over the first dimension: positions, and views of what lies there (numbers when there is no other dimension).
---
---```lua
---local sums = {}
---for i, row in tensor.new{{1, 2}, {3, 4}}:rows() do sums[i] = row:sum():item() end
---sums  --> {3.0, 7.0}
---```
---@return function
function Tensor:rows() end

---Gives the tensor up now instead of when the collector finds it; using it afterwards is an error. Its memory returns when no view of it is left. `local t <close> = ...` does the same at the end of the block.
---
---```lua
---local big = tensor.zeros(1000)
---big:free()
---pcall(function() return big:sum() end)  --> false, Tensor:sum: ...closed...
---```
function Tensor:free() end

---The same elements in row-major order with another shape; one size may be -1: what is left. An error where that needs a copy.
---
---```lua
---local t = tensor.range(1, 6)
---t:view(2, -1)             --> [[1., 2., 3.], [4., 5., 6.]]
---t:view(2, 3)[{1, 1}] = 9
---t[1]                      --> 9.0
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:view(...) end

---`view`, or a copy where a view cannot do it.
---
---```lua
---local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
---t:reshape(3, 2)    --> [[1., 2.], [3., 4.], [5., 6.]]
---t:t():reshape(-1)  --> [1., 4., 2., 5., 3., 6.]
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:reshape(...) end

---Joins the dimensions from `first` to `last` into one; a copy where a view cannot do it.
---
---```lua
---local t = tensor.zeros(2, 3, 4)
---t:flatten():shape(), t:flatten(2):shape()  --> {24}, {2, 12}
---```
---@param first? integer default 1
---@param last? integer default -1
---@return Tensor
function Tensor:flatten(first, last) end

---Without dimension `dim` when its size is 1; without one, without all of size 1.
---
---```lua
---local t = tensor.zeros(1, 3, 1)
---t:squeeze():shape(), t:squeeze(1):shape(), t:squeeze(2):shape()  --> {3}, {3, 1}, {1, 3, 1}
---```
---@param dim? integer
---@return Tensor
function Tensor:squeeze(dim) end

---With a new dimension of size 1, which becomes `dim`.
---
---```lua
---local t = tensor.new{1, 2}
---t:unsqueeze(1), t:unsqueeze(-1)  --> [[1., 2.]], [[1.], [2.]]
---```
---@param dim integer
---@return Tensor
function Tensor:unsqueeze(dim) end

---With two dimensions swapped.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:transpose(1, 2)        --> [[1., 3.], [2., 4.]]
---tensor.zeros(8, 4, 20):transpose(-2, -1):shape()  --> {8, 20, 4}
---```
---@param dim1 integer
---@param dim2 integer
---@return Tensor
function Tensor:transpose(dim1, dim2) end

---A matrix with rows and columns swapped; vectors stay as they are.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:t()  --> [[1., 3.], [2., 4.]]
---```
---@return Tensor
function Tensor:t() end

---Dimension i of the result is dimension `order[i]` of this tensor; each is named once.
---
---```lua
---local heads = tensor.zeros(20, 4, 16)          -- T, H, d
---heads:permute(2, 1, 3):shape()                 --> {4, 20, 16}
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:permute(...) end

---Dimensions of size 1 repeated to the given sizes without copying; -1 keeps a size, new dimensions may stand in front.
---
---```lua
---tensor.new{{1}, {2}}:expand(-1, 3)     --> [[1., 1., 1.], [2., 2., 2.]]
---tensor.new{1, 2}:expand(4, 2):shape()  --> {4, 2}
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:expand(...) end

---`expand` to the shape of `other`.
---
---```lua
---tensor.new{1, 2}:expand_as(tensor.zeros(2, 2))  --> [[1., 2.], [1., 2.]]
---```
---@param other Tensor
---@return Tensor
function Tensor:expand_as(other) end

---Itself when its elements lie in row-major order, else a copy that does.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:t():contiguous():view(-1)  --> [1., 3., 2., 4.]
---```
---@return Tensor
function Tensor:contiguous() end

---`length` positions of `dim` from position `first` on.
---
---```lua
---tensor.range(1, 5):narrow(1, 2, 3)  --> [2., 3., 4.]
---tensor.range(1, 5)[{{2, 4}}]        --> [2., 3., 4.]
---```
---@param dim integer
---@param first integer
---@param length integer
---@return Tensor
function Tensor:narrow(dim, first, length) end

---Position `position` of `dim`, which disappears. Unlike `t[i]` it gives a tensor also for a vector.
---
---```lua
---local t = tensor.new{{1, 2}, {3, 4}}
---t:select(2, 1), t:select(1, -1)  --> [1., 3.], [3., 4.]
---```
---@param dim integer
---@param position integer
---@return Tensor
function Tensor:select(dim, position) end

---A list of parts of `size` positions of `dim`, the last may be smaller; or parts of the sizes listed, which must add up.
---
---```lua
---local parts = tensor.range(1, 5):split(2)
---#parts, parts[1], parts[3]  --> 3, [1., 2.], [5.]
---local q, k, v = table.unpack(tensor.zeros(20, 96):split({64, 16, 16}, 2))
---q:shape(), v:shape()  --> {20, 64}, {20, 16}
---```
---@param size integer|integer[]
---@param dim? integer default 1
---@return Tensor[]
function Tensor:split(size, dim) end

---A list of at most `count` parts of equal size along `dim`; the last may be smaller.
---
---```lua
---local left, right = table.unpack(tensor.new{{1, 2}, {3, 4}}:chunk(2, 2))
---left, right  --> [[1.], [3.]], [[2.], [4.]]
---```
---@param count integer
---@param dim? integer default 1
---@return Tensor[]
function Tensor:chunk(count, dim) end

---A copy with `before` and `after` positions of `value` added around dimension `dim`; negative counts cut off.
---
---```lua
---tensor.new{1, 2}:pad(1, 1, 2)        --> [0., 1., 2., 0., 0.]
---tensor.new{{1, 2}}:pad(1, 0, 1, -1)  --> [[ 1.,  2.], [-1., -1.]]
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
---tensor.new{{1, 2}, {3, 4}}:flip(1)  --> [[3., 4.], [1., 2.]]
---tensor.new{{1, 2}, {3, 4}}:flip()   --> [[4., 3.], [2., 1.]]
---```
---@param dim? integer|integer[]
---@return Tensor
function Tensor:flip(dim) end

---A copy repeated as often as said along each dimension, the last count being that of the last dimension.
---
---```lua
---tensor.new{1, 2}:tile(3)     --> [1., 2., 1., 2., 1., 2.]
---tensor.new{1, 2}:tile(2, 1)  --> [[1., 2.], [1., 2.]]
---```
---@param ... integer|integer[]
---@return Tensor
function Tensor:tile(...) end

---A copy with each position of `dim` repeated `count` times in a row, as heads of keys are for grouped queries.
---
---```lua
---tensor.new{1, 2}:repeat_interleave(2, 1)                 --> [1., 1., 2., 2.]
---tensor.zeros(2, 20, 16):repeat_interleave(4, 1):shape()  --> {8, 20, 16}
---```
---@param count integer
---@param dim integer
---@return Tensor
function Tensor:repeat_interleave(count, dim) end

---The given positions of `dim` (1-based), in their order: a copy.
---
---```lua
---tensor.new{10, 20, 30}:index_select(1, {3, 1})      --> [30., 10.]
---tensor.new{{1, 2}, {3, 4}}:index_select(2, {2, 2})  --> [[2., 2.], [4., 4.]]
---```
---@param dim integer
---@param positions Tensor|integer[]
---@return Tensor
function Tensor:index_select(dim, positions) end

---result[i][j] = t[positions[i][j]][j] for `dim` 1, and so on: the shape of `positions` (1-based), which has as many dimensions and is no larger in the others.
---
---```lua
---local logprobs, ids = tensor.new{{-1, -2}, {-3, -4}}, tensor.new{{0}, {1}}
---logprobs:gather(2, ids + 1)  --> [[-1.], [-4.]]
---```
---@param dim integer
---@param positions Tensor
---@return Tensor
function Tensor:gather(dim, positions) end

---t[positions[i][j]][j] = source[i][j] for `dim` 1, and so on (positions 1-based). Where they repeat, the last counts.
---
---```lua
---local ids = tensor.new{{2}, {0}}
---tensor.zeros(2, 3):scatter_(2, ids + 1, 1)  --> [[0., 0., 1.], [1., 0., 0.]]
---```
---@param dim integer
---@param positions Tensor
---@param source Tensor|number
---@return Tensor
function Tensor:scatter_(dim, positions, source) end

---`scatter_` that adds: t[positions[i][j]][j] += source[i][j] for `dim` 1 (positions 1-based); repeated positions add up.
---
---```lua
---local positions = tensor.new{1, 3, 1}
---tensor.zeros(3):scatter_add_(1, positions, tensor.ones(3))  --> [2., 0., 1.]
---```
---@param dim integer
---@param positions Tensor
---@param source Tensor
---@return Tensor
function Tensor:scatter_add_(dim, positions, source) end

---Adds position i of `source` along `dim` to position `positions[i]` (1-based); repeated positions add up.
---
---```lua
---tensor.zeros(2, 2):index_add_(1, {2, 2}, tensor.new{{1, 2}, {10, 20}})  --> [[ 0.,  0.], [11., 22.]]
---```
---@param dim integer
---@param positions Tensor|integer[]
---@param source Tensor
---@return Tensor
function Tensor:index_add_(dim, positions, source) end

---The elements where the bool `mask`, which broadcasts, is true: a vector.
---
---```lua
---local t = tensor.new{1, -2, 3}
---t:masked_select(t:gt(0))  --> [1., 3.]
---t[t:gt(0)]                --> [1., 3.]
---```
---@param mask Tensor
---@return Tensor
function Tensor:masked_select(mask) end

---A copy with `value` where the bool `mask`, which broadcasts, is true.
---
---```lua
---local scores = tensor.new{{1, 2}, {3, 4}}
---local future = tensor.ones(2, 2):triu(1):gt(0)
---scores:masked_fill(future, -math.huge):softmax()  --> [[1.0000, 0.0000], [0.2689, 0.7311]]
---```
---@param mask Tensor
---@param value number
---@return Tensor
function Tensor:masked_fill(mask, value) end

---Sets the elements where the bool `mask`, which broadcasts to this shape, is true.
---
---```lua
---local t = tensor.new{1, -2, 3}
---t:masked_fill_(t:lt(0), 0)
---t  --> [1., 0., 3.]
---```
---@param mask Tensor
---@param value number
---@return Tensor
function Tensor:masked_fill_(mask, value) end

---The positions (1-based) of the elements that are not zero, in row-major order: int64 [n, dimensions].
---
---```lua
---tensor.new{{0, 5}, {7, 0}}:nonzero()                   --> [[1, 2], [2, 1]]
---tensor.new{0.1, 0.9, 0.8}:gt(0.5):nonzero():flatten()  --> [2, 3]
---```
---@return Tensor
function Tensor:nonzero() end

---A copy of the last two dimensions with only what is on and below the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.
---
---```lua
---tensor.ones(2, 3):tril()   --> [[1., 0., 0.], [1., 1., 0.]]
---tensor.ones(2, 3):tril(1)  --> [[1., 1., 0.], [1., 1., 1.]]
---```
---@param diagonal? integer default 0
---@return Tensor
function Tensor:tril(diagonal) end

---A copy of the last two dimensions with only what is on and above the diagonal, zero elsewhere; `diagonal` counts from the main one, upwards.
---
---```lua
---tensor.ones(2, 3):triu()   --> [[1., 1., 1.], [0., 1., 1.]]
---tensor.ones(2, 3):triu(1)  --> [[0., 1., 1.], [0., 0., 1.]]
---```
---@param diagonal? integer default 0
---@return Tensor
function Tensor:triu(diagonal) end

---The same numbers as another dtype, or as that of a tensor; itself when it has that dtype. Floats become integers by truncation.
---
---```lua
---tensor.new{1.9, -1.9}:to("int32")          --> [ 1, -1]
---local codes = tensor.randint(0, 8, 3)
---tensor.new{0.5}:to(codes):dtype()          --> "int64"
---```
---@param dtype DType|Tensor
---@return Tensor
function Tensor:to(dtype) end

---A copy with memory of its own; gradients flow through it.
---
---```lua
---local a = tensor.new{1, 2}
---local b, alias = a:clone(), a
---a[1] = 9
---alias, b  --> [9., 2.], [1., 2.]
---```
---@return Tensor
function Tensor:clone() end

---Takes the elements of `source`, broadcast to this shape and converted to this dtype. `t[{}] = ...` writes lists and numbers too.
---
---```lua
---local t = tensor.zeros(2, 2)
---t:copy_(tensor.new{1, 2})
---t  --> [[1., 2.], [1., 2.]]
---```
---@param source Tensor
---@return Tensor
function Tensor:copy_(source) end

---Sets every element to `value`.
---
---```lua
---local t = tensor.empty(3)
---t:fill_(0.5)
---t  --> [0.5000, 0.5000, 0.5000]
---```
---@param value number|boolean
---@return Tensor
function Tensor:fill_(value) end

---Sets every element to 0.
---
---```lua
---local t = tensor.ones(3)
---t:zero_()
---t  --> [0., 0., 0.]
---```
---@return Tensor
function Tensor:zero_() end

---The product, elementwise; `matmul` multiplies matrices. Of bools: and.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:mul(tensor.new{{10}, {100}})  --> [[ 10.,  20.], [300., 400.]]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:mul(other) end

---The quotient, elementwise; of integers too a float.
---
---```lua
---tensor.new({3, 4}, {dtype = "int64"}):div(2)  --> [1.5000, 2.0000]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:div(other) end

---The power, elementwise. Integers to a negative integer power are refused.
---
---```lua
---tensor.new{1, 2, 3}:pow(2)  --> [1., 4., 9.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:pow(other) end

---a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.
---
---```lua
---tensor.new{7, -7}:remainder(3)  --> [1., 2.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:remainder(other) end

---The quotient rounded down, elementwise, as Lua's `//`; integers stay integers, and their division by zero is an error.
---
---```lua
---tensor.new{7, -7}:floor_divide(3)  --> [ 2., -3.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:floor_divide(other) end

---The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or. `alpha` multiplies `other` first.
---
---```lua
---tensor.new{{1, 2}, {3, 4}}:add(tensor.new{10, 20})  --> [[11., 22.], [13., 24.]]
---tensor.ones(2):add(tensor.ones(2), {alpha = 3})  --> [4., 4.]
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:add(other, opts) end

---The difference, elementwise; bools cannot be subtracted. `alpha` multiplies `other` first.
---
---```lua
---tensor.new{5, 6}:sub(tensor.new{1, 2})  --> [4., 4.]
---tensor.ones(2):sub(tensor.ones(2), {alpha = 3})  --> [-2., -2.]
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:sub(other, opts) end

---In place: The sum, elementwise; shapes broadcast, dtypes promote. Of bools: or. `alpha` multiplies `other` first.
---
---```lua
---local w, step = tensor.ones(2), tensor.new{1, 2}
---w:add_(step, {alpha = -0.5})
---w  --> [0.5000, 0.0000]
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:add_(other, opts) end

---In place: The difference, elementwise; bools cannot be subtracted. `alpha` multiplies `other` first.
---
---```lua
---local t = tensor.new{5, 6}
---t:sub_(1)
---t  --> [4., 5.]
---```
---@param other Tensor|number
---@param opts? {alpha?: number} defaults: alpha = 1
---@return Tensor
function Tensor:sub_(other, opts) end

---In place: The product, elementwise; `matmul` multiplies matrices. Of bools: and.
---
---```lua
---local samples = tensor.new{0.2, -0.4}
---samples:mul_(2)
---samples  --> [ 0.4000, -0.8000]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:mul_(other) end

---In place: The quotient, elementwise; of integers too a float. An integer tensor cannot hold that: an error.
---
---```lua
---local t = tensor.new{1, 3}
---t:div_(t:sum())
---t  --> [0.2500, 0.7500]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:div_(other) end

---In place: The power, elementwise. Integers to a negative integer power are refused.
---
---```lua
---local t = tensor.new{1, 2, 3}
---t:pow_(2)
---t  --> [1., 4., 9.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:pow_(other) end

---In place: a - b floor(a / b), elementwise: the sign of b, as Lua's `%`. An integer division by zero is an error.
---
---```lua
---local t = tensor.new{7, -7}
---t:remainder_(3)
---t  --> [1., 2.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:remainder_(other) end

---The larger of each pair; NaN where either is. `max` is the largest within one tensor.
---
---```lua
---tensor.new{1, 5}:maximum(tensor.new{4, 2})  --> [4., 5.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:maximum(other) end

---In place: The larger of each pair; NaN where either is. `max` is the largest within one tensor.
---
---```lua
---local t = tensor.new{1, 5}
---t:maximum_(tensor.new{4, 2})
---t  --> [4., 5.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:maximum_(other) end

---The smaller of each pair; NaN where either is. `min` is the smallest within one tensor.
---
---```lua
---tensor.new{1, 5}:minimum(tensor.new{4, 2})  --> [1., 2.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:minimum(other) end

---In place: The smaller of each pair; NaN where either is. `min` is the smallest within one tensor.
---
---```lua
---local t = tensor.new{1, 5}
---t:minimum_(tensor.new{4, 2})
---t  --> [1., 2.]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:minimum_(other) end

---Elements below `low` become `low`, those above `high` become `high`; nil sets no limit.
---
---```lua
---tensor.new{-5, 0.5, 5}:clamp(-1, 1)   --> [-1.0000,  0.5000,  1.0000]
---tensor.new{-5, 0.5, 5}:clamp(nil, 1)  --> [-5.0000,  0.5000,  1.0000]
---```
---@param low? number
---@param high? number
---@return Tensor
function Tensor:clamp(low, high) end

---`clamp` in place.
---
---```lua
---local samples = tensor.new{-1.5, 0.5}
---samples:clamp_(-1, 1)
---samples  --> [-1.0000,  0.5000]
---```
---@param low? number
---@param high? number
---@return Tensor
function Tensor:clamp_(low, high) end

---Of each element x: -x; bools have none.
---
---```lua
---tensor.new{1, -2}:neg()  --> [-1.,  2.]
---```
---@return Tensor
function Tensor:neg() end

---In place, of each element x: -x; bools have none.
---
---```lua
---local t = tensor.new{1, -2}
---t:neg_()
---t  --> [-1.,  2.]
---```
---@return Tensor
function Tensor:neg_() end

---Of each element x: |x|.
---
---```lua
---tensor.new{1, -2}:abs()  --> [1., 2.]
---```
---@return Tensor
function Tensor:abs() end

---In place, of each element x: |x|.
---
---```lua
---local t = tensor.new{1, -2}
---t:abs_()
---t  --> [1., 2.]
---```
---@return Tensor
function Tensor:abs_() end

---Of each element x: e^x.
---
---```lua
---tensor.new{0, 1}:exp()  --> [1.0000, 2.7183]
---```
---@return Tensor
function Tensor:exp() end

---In place, of each element x: e^x.
---
---```lua
---local t = tensor.new{0, 1}
---t:exp_()
---t  --> [1.0000, 2.7183]
---```
---@return Tensor
function Tensor:exp_() end

---Of each element x: The natural logarithm: -inf of 0, NaN below. `t:log() / math.log(10)` has base 10.
---
---```lua
---tensor.new{1, 10}:log()  --> [0.0000, 2.3026]
---```
---@return Tensor
function Tensor:log() end

---In place, of each element x: The natural logarithm: -inf of 0, NaN below. `t:log() / math.log(10)` has base 10.
---
---```lua
---local t = tensor.new{1, 10}
---t:log_()
---t  --> [0.0000, 2.3026]
---```
---@return Tensor
function Tensor:log_() end

---Of each element x: The square root: NaN below 0.
---
---```lua
---tensor.new{4, 9}:sqrt()  --> [2., 3.]
---```
---@return Tensor
function Tensor:sqrt() end

---In place, of each element x: The square root: NaN below 0.
---
---```lua
---local t = tensor.new{4, 9}
---t:sqrt_()
---t  --> [2., 3.]
---```
---@return Tensor
function Tensor:sqrt_() end

---Of each element x: 1 / sqrt(x): inf of 0, NaN below.
---
---```lua
---tensor.new{4, 16}:rsqrt()  --> [0.5000, 0.2500]
---```
---@return Tensor
function Tensor:rsqrt() end

---In place, of each element x: 1 / sqrt(x): inf of 0, NaN below.
---
---```lua
---local t = tensor.new{4, 16}
---t:rsqrt_()
---t  --> [0.5000, 0.2500]
---```
---@return Tensor
function Tensor:rsqrt_() end

---Of each element x: The hyperbolic tangent.
---
---```lua
---tensor.new{0, 1}:tanh()  --> [0.0000, 0.7616]
---```
---@return Tensor
function Tensor:tanh() end

---In place, of each element x: The hyperbolic tangent.
---
---```lua
---local t = tensor.new{0, 1}
---t:tanh_()
---t  --> [0.0000, 0.7616]
---```
---@return Tensor
function Tensor:tanh_() end

---Of each element x: 1 / (1 + e^-x).
---
---```lua
---tensor.new{0, 2}:sigmoid()  --> [0.5000, 0.8808]
---```
---@return Tensor
function Tensor:sigmoid() end

---In place, of each element x: 1 / (1 + e^-x).
---
---```lua
---local t = tensor.new{0, 2}
---t:sigmoid_()
---t  --> [0.5000, 0.8808]
---```
---@return Tensor
function Tensor:sigmoid_() end

---Of each element x: x sigmoid(x).
---
---```lua
---tensor.new{-1, 1}:silu()  --> [-0.2689,  0.7311]
---```
---@return Tensor
function Tensor:silu() end

---In place, of each element x: x sigmoid(x).
---
---```lua
---local t = tensor.new{-1, 1}
---t:silu_()
---t  --> [-0.2689,  0.7311]
---```
---@return Tensor
function Tensor:silu_() end

---Of each element x: x/2 (1 + erf(x / sqrt 2)), the exact one.
---
---```lua
---tensor.new{-1, 1}:gelu()  --> [-0.1587,  0.8413]
---```
---@return Tensor
function Tensor:gelu() end

---In place, of each element x: x/2 (1 + erf(x / sqrt 2)), the exact one.
---
---```lua
---local t = tensor.new{-1, 1}
---t:gelu_()
---t  --> [-0.1587,  0.8413]
---```
---@return Tensor
function Tensor:gelu_() end

---Of each element x: x where it is positive, else 0.
---
---```lua
---tensor.new{-1, 2}:relu()  --> [0., 2.]
---```
---@return Tensor
function Tensor:relu() end

---In place, of each element x: x where it is positive, else 0.
---
---```lua
---local t = tensor.new{-1, 2}
---t:relu_()
---t  --> [0., 2.]
---```
---@return Tensor
function Tensor:relu_() end

---Of each element x: The sine of x in radians.
---
---```lua
---tensor.new{0, math.pi / 2}:sin()  --> [0., 1.]
---```
---@return Tensor
function Tensor:sin() end

---In place, of each element x: The sine of x in radians.
---
---```lua
---local t = tensor.new{0, math.pi / 2}
---t:sin_()
---t  --> [0., 1.]
---```
---@return Tensor
function Tensor:sin_() end

---Of each element x: The cosine of x in radians.
---
---```lua
---tensor.new{0, math.pi}:cos()  --> [ 1., -1.]
---```
---@return Tensor
function Tensor:cos() end

---In place, of each element x: The cosine of x in radians.
---
---```lua
---local t = tensor.new{0, math.pi}
---t:cos_()
---t  --> [ 1., -1.]
---```
---@return Tensor
function Tensor:cos_() end

---Of each element x: The nearest integer; halves go to the even neighbour.
---
---```lua
---tensor.new{0.5, 1.5, 2.6}:round()  --> [0., 2., 3.]
---```
---@return Tensor
function Tensor:round() end

---In place, of each element x: The nearest integer; halves go to the even neighbour.
---
---```lua
---local t = tensor.new{0.5, 1.5, 2.6}
---t:round_()
---t  --> [0., 2., 3.]
---```
---@return Tensor
function Tensor:round_() end

---Of each element x: The next integer below.
---
---```lua
---tensor.new{1.7, -1.2}:floor()  --> [ 1., -2.]
---```
---@return Tensor
function Tensor:floor() end

---In place, of each element x: The next integer below.
---
---```lua
---local t = tensor.new{1.7, -1.2}
---t:floor_()
---t  --> [ 1., -2.]
---```
---@return Tensor
function Tensor:floor_() end

---Of each element x: The next integer above.
---
---```lua
---tensor.new{1.2, -1.7}:ceil()  --> [ 2., -1.]
---```
---@return Tensor
function Tensor:ceil() end

---In place, of each element x: The next integer above.
---
---```lua
---local t = tensor.new{1.2, -1.7}
---t:ceil_()
---t  --> [ 2., -1.]
---```
---@return Tensor
function Tensor:ceil_() end

---e^x / sum of e^x along `dim`, the last unless it is named, without overflow.
---
---```lua
---tensor.new{{1, 2}, {1000, 1000}}:softmax()  --> [[0.2689, 0.7311], [0.5000, 0.5000]]
---```
---@param dim? integer default -1
---@return Tensor
function Tensor:softmax(dim) end

---x - log(sum of e^x) along `dim`, the last unless it is named.
---
---```lua
---local logits = tensor.new{{2, 0, 0}}
---logits:log_softmax()                              --> [[-0.2395, -2.2395, -2.2395]]
----logits:log_softmax():gather(2, tensor.new{{1}})  --> [[0.2395]]
---```
---@param dim? integer default -1
---@return Tensor
function Tensor:log_softmax(dim) end

---Sums of the elements up to each along `dim`; integers and bools give int64.
---
---```lua
---tensor.new{1, 2, 3}:cumsum(1)         --> [1., 3., 6.]
---tensor.new{{1, 2}, {3, 4}}:cumsum(2)  --> [[1., 3.], [3., 7.]]
---```
---@param dim integer
---@return Tensor
function Tensor:cumsum(dim) end

---Of each element x: x^2.
---
---```lua
---tensor.new{1, -2}:square()  --> [1., 4.]
---```
---@return Tensor
function Tensor:square() end

---All products of two vectors: [m] and [n] give [m, n].
---
---```lua
---tensor.new{1, 2}:outer(tensor.new{3, 4})  --> [[3., 4.], [6., 8.]]
---```
---@param other Tensor
---@return Tensor
function Tensor:outer(other) end

---The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---
---```lua
---local a = tensor.new{{1, 2}, {3, 4}}
---a:matmul(tensor.eye(2) * 10)                            --> [[10., 20.], [30., 40.]]
---a:matmul(tensor.new{1, 1})                              --> [3., 7.]
---tensor.ones(8, 2, 3):matmul(tensor.ones(3, 5)):shape()  --> {8, 2, 5}
---```
---@param other Tensor
---@return Tensor
function Tensor:matmul(other) end

---Another name for `matmul`. The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---
---```lua
---tensor.new{{1, 2}}:mm(tensor.new{{3}, {4}})  --> [[11.]]
---```
---@param other Tensor
---@return Tensor
function Tensor:mm(other) end

---Another name for `matmul`. The matrix product: [m, k] x [k, n] is [m, n]; a vector counts as a row on the left and as a column on the right; two vectors give a tensor without dimensions; leading dimensions are batches that broadcast. Half types are multiplied in float32.
---
---```lua
---tensor.ones(8, 2, 3):bmm(tensor.ones(8, 3, 4)):shape()  --> {8, 2, 4}
---```
---@param other Tensor
---@return Tensor
function Tensor:bmm(other) end

---The sum of products of two vectors of equal length: a tensor without dimensions.
---
---```lua
---tensor.new{1, 2}:dot(tensor.new{3, 4}):item()  --> 11.0
---```
---@param other Tensor
---@return Tensor
function Tensor:dot(other) end

---t = beta t + alpha a b, for a [m, k] and b [k, n]; beta = 0 ignores what t holds.
---
---```lua
---local t = tensor.eye(2)
---t:addmm_(tensor.ones(2, 1), tensor.new{{1, 2}}, {alpha = 10})
---t  --> [[11., 20.], [10., 21.]]
---```
---@param a Tensor
---@param b Tensor
---@param opts? {alpha?: number, beta?: number} defaults: alpha = 1, beta = 1
---@return Tensor
function Tensor:addmm_(a, b, opts) end

---The sum over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. Integers and bools sum to int64.
---
---```lua
---local t = tensor.new{{1, 2}, {3, 4}}
---t:sum():item()                  --> 10.0
---t:sum(2)                        --> [3., 7.]
---t / t:sum(2, {keepdim = true})  --> [[0.3333, 0.6667], [0.4286, 0.5714]]
---```
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:sum(dim, opts) end

---The mean over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. Of integers and bools it is float32.
---
---```lua
---local t = tensor.new{{1, 2, 3}, {4, 5, 6}}
---t:mean():item()              --> 3.5
---t:mean(1)                    --> [2.5000, 3.5000, 4.5000]
---t:mean(2, {keepdim = true})  --> [[2.], [5.]]
---```
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:mean(dim, opts) end

---The variance, divided by n - `correction` (0 gives NumPy's), over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---
---```lua
---tensor.new{1, 2, 3}:var():item()                        --> 1.0
---tensor.new{{1, 3}, {5, 9}}:var(2, {correction = 0})  --> [1., 4.]
---```
---@param dim? integer|integer[]
---@param opts? {correction?: integer, keepdim?: boolean} defaults: correction = 1, keepdim = false
---@return Tensor
function Tensor:var(dim, opts) end

---The standard deviation: the root of the variance, which is divided by n - `correction` (0 gives NumPy's), over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---
---```lua
---tensor.new{{1, 3}, {5, 9}}:std(2, {correction = 0})  --> [1., 2.]
---```
---@param dim? integer|integer[]
---@param opts? {correction?: integer, keepdim?: boolean} defaults: correction = 1, keepdim = false
---@return Tensor
function Tensor:std(dim, opts) end

---The p-norm (sum of |x|^p)^(1/p) over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1. math.huge gives the largest |x|, 0 counts what is not zero.
---
---```lua
---tensor.new{3, 4}:norm():item()            --> 5.0
---tensor.new{{3, 4}, {6, 8}}:norm(2, 2)     --> [ 5., 10.]
---tensor.new{3, -4}:norm(math.huge):item()  --> 4.0
---```
---@param p? number default 2
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:norm(p, dim, opts) end

---log(sum of e^x), without overflow, over `dim`, one or a list; over all elements without. `keepdim` leaves them with size 1.
---
---```lua
---tensor.new{1000, 1000}:logsumexp():item() - 1000  --> 0.693...
---```
---@param dim? integer|integer[]
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:logsumexp(dim, opts) end

---The product along `dim`, or over all elements; integers and bools give int64.
---
---```lua
---local t = tensor.new{{1, 2}, {3, 4}}
---t:prod():item()  --> 24.0
---t:prod(1)        --> [3., 8.]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:prod(dim, opts) end

---The middle elements along `dim`, of two middle ones the lower, and their positions (1-based, int64); without `dim` only that of all. Where there is a NaN it is NaN. `quantile(0.5)` goes between the two.
---
---```lua
---tensor.new{7, 1, 5, 3}:median():item()    --> 3.0
---tensor.new{{9, 1, 5}, {2, 8, 4}}:median(2)  --> [5., 4.], [3, 3]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@return Tensor?
function Tensor:median(dim, opts) end

---The values below which the share `q` (0 to 1) of the elements lies, along `dim` or of all, linear between two elements. With a list or a tensor of shares the result has a first dimension for them. Where there is a NaN it is NaN; the tensor must be floating.
---
---```lua
---local t = tensor.new{1, 2, 3, 4}
---t:quantile(0.5):item()        --> 2.5
---t:quantile({0, 0.25, 1})      --> [1.0000, 1.7500, 4.0000]
---tensor.new{{1, 3}, {5, 9}}:quantile(0.5, 2)  --> [2., 7.]
---```
---@param q number|number[]|Tensor
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:quantile(q, dim, opts) end

---How many elements lie in each of `bins` steps of equal width from `min` to `max`, both included (the smallest and the largest element unless given). Others, and what is not finite, are not counted. `plot.histogram` draws it. Not differentiable.
---
---```lua
---tensor.new{1, 2, 2, 3, 9}:histc(4, {min = 1, max = 5})  --> [1., 2., 1., 0.]
---```
---@param bins? integer default 100
---@param opts? {min?: number, max?: number}
---@return Tensor
function Tensor:histc(bins, opts) end

---The largest elements along `dim`, and their positions (1-based, int64); without `dim` only the largest of all. NaN wins; of equal ones the first is chosen. `maximum` compares two tensors.
---
---```lua
---local t = tensor.new{{1, 9}, {8, 2}}
---t:max():item()  --> 9.0
---t:max(2)        --> [9., 8.], [2, 1]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@return Tensor?
function Tensor:max(dim, opts) end

---The positions (1-based, int64) of the largest elements along `dim`; without `dim` one position in row-major order over all.
---
---```lua
---tensor.new{4, 7, 5}:argmax():item()        --> 2
---tensor.new{{4, 7}, {6, 5}}:argmax(2)       --> [2, 1]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:argmax(dim, opts) end

---The smallest elements along `dim`, and their positions (1-based, int64); without `dim` only the smallest of all. NaN wins; of equal ones the first is chosen. `minimum` compares two tensors.
---
---```lua
---local t = tensor.new{{1, 9}, {8, 2}}
---t:min():item()  --> 1.0
---t:min(2)        --> [1., 2.], [1, 2]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@return Tensor?
function Tensor:min(dim, opts) end

---The positions (1-based, int64) of the smallest elements along `dim`; without `dim` one position in row-major order over all.
---
---```lua
---tensor.new{4, 7, 5}:argmin():item()        --> 1
---tensor.new{{4, 7}, {6, 5}}:argmin(2)       --> [1, 2]
---```
---@param dim? integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
function Tensor:argmin(dim, opts) end

---Whether any element is not zero: a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.
---
---```lua
---local loud = tensor.new{{0.1, 0.9}, {0.2, 0.3}}:gt(0.5)
---loud:any()   --> true
---loud:any(2)  --> [ true, false]
---```
---@param dim integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@overload fun(self: Tensor): boolean
function Tensor:any(dim, opts) end

---Whether no element is zero: a boolean, since in Lua every tensor counts as true; with `dim` a bool tensor.
---
---```lua
---local loud = tensor.new{{0.1, 0.9}, {0.2, 0.3}}:gt(0.5)
---loud:all()   --> false
---loud:all(2)  --> [false, false]
---```
---@param dim integer
---@param opts? {keepdim?: boolean} defaults: keepdim = false
---@return Tensor
---@overload fun(self: Tensor): boolean
function Tensor:all(dim, opts) end

---The elements along `dim` in order, and the positions (1-based, int64) they come from. Equal ones keep their order; NaN is the largest.
---
---```lua
---tensor.new{3, 1, 2}:sort()                         --> [1., 2., 3.], [2, 3, 1]
---tensor.new{3, 1, 2}:sort(-1, {descending = true})  --> [3., 2., 1.], [1, 3, 2]
---```
---@param dim? integer default -1
---@param opts? {descending?: boolean} defaults: descending = false
---@return Tensor
---@return Tensor
function Tensor:sort(dim, opts) end

---The positions (1-based, int64) that would sort the elements along `dim`.
---
---```lua
---local lengths = tensor.new{30, 10, 20}
---local order = lengths:argsort()
---order, lengths[order]  --> [2, 3, 1], [10., 20., 30.]
---```
---@param dim? integer default -1
---@param opts? {descending?: boolean} defaults: descending = false
---@return Tensor
function Tensor:argsort(dim, opts) end

---The `k` largest (or smallest) elements along `dim`, best first, and their positions (1-based, int64).
---
---```lua
---tensor.new{3, 9, 5}:topk(2)                         --> [9., 5.], [2, 3]
---tensor.new{3, 9, 5}:topk(1, -1, {largest = false})  --> [3.], [1]
---```
---@param k integer
---@param dim? integer default -1
---@param opts? {largest?: boolean} defaults: largest = true
---@return Tensor
---@return Tensor
function Tensor:topk(k, dim, opts) end

---Where a = b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:eq(2)  --> [false,  true, false]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:eq(other) end

---Where a differs from b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:ne(2)  --> [ true, false,  true]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:ne(other) end

---Where a < b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:lt(2)  --> [ true, false, false]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:lt(other) end

---Where a <= b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:le(2)  --> [ true,  true, false]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:le(other) end

---Where a > b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:gt(2)  --> [false, false,  true]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:gt(other) end

---Where a >= b, elementwise: a bool tensor; shapes broadcast. NaN equals nothing.
---
---```lua
---tensor.new{1, 2, 3}:ge(2)  --> [false,  true,  true]
---```
---@param other Tensor|number
---@return Tensor
function Tensor:ge(other) end

---Where both are not zero: a bool tensor, of any dtypes.
---
---```lua
---tensor.new{1, 2, 0}:logical_and(tensor.new{5, 0, 0})  --> [ true, false, false]
---```
---@param other Tensor
---@return Tensor
function Tensor:logical_and(other) end

---Where either is not zero: a bool tensor, of any dtypes.
---
---```lua
---tensor.new{1, 2, 0}:logical_or(tensor.new{5, 0, 0})  --> [ true,  true, false]
---```
---@param other Tensor
---@return Tensor
function Tensor:logical_or(other) end

---Where exactly one is not zero: a bool tensor, of any dtypes.
---
---```lua
---tensor.new{1, 2, 0}:logical_xor(tensor.new{5, 0, 0})  --> [false,  true, false]
---```
---@param other Tensor
---@return Tensor
function Tensor:logical_xor(other) end

---Where it is zero: a bool tensor.
---
---```lua
---tensor.new{1, 0, 0}:logical_not()  --> [false,  true,  true]
---```
---@return Tensor
function Tensor:logical_not() end

---Where it is not a number: a bool tensor.
---
---```lua
---tensor.new{1, 0 / 0}:isnan():any()  --> true
---```
---@return Tensor
function Tensor:isnan() end

---Where it is neither infinite nor NaN: a bool tensor.
---
---```lua
---tensor.new{1, math.huge, 0 / 0}:isfinite()  --> [ true, false, false]
---```
---@return Tensor
function Tensor:isfinite() end

---Whether both have the same shape and equal elements.
---
---```lua
---tensor.ones(2):equal(tensor.new{1, 1})   --> true
---tensor.ones(2):equal(tensor.ones(2, 1))  --> false
---```
---@param other Tensor
---@return boolean
function Tensor:equal(other) end

---Whether |a - b| <= atol + rtol |b| everywhere; shapes broadcast, infinities must be equal.
---
---```lua
---tensor.new{1}:allclose(tensor.new{1.000001})            --> true
---tensor.new{1}:allclose(tensor.new{1.01}, {rtol = 0.1})  --> true
---```
---@param other Tensor
---@param opts? {rtol?: number, atol?: number, equal_nan?: boolean} defaults: rtol = 1e-05, atol = 1e-08, equal_nan = false
---@return boolean
function Tensor:allclose(other, opts) end

---With `true` says that `backward` shall leave a gradient in `t.grad`, and gives the tensor; only floating tensors that no operation has made can. Without an argument asks.
---
---```lua
---local w = tensor.new{1, 2}:requires_grad(true)
---local loss = (w * w):sum()
---loss:backward()
---w.grad             --> [2., 4.]
---w:requires_grad()  --> true
---```
---@param on boolean
---@return Tensor
---@overload fun(self: Tensor): boolean
function Tensor:requires_grad(on) end

---Adds the gradients of this number to the `grad` of every leaf behind it. A tensor of several elements needs a `gradient` of its shape to start from. What the operations saved is given up, unless `retain_graph` keeps it for another pass.
---
---```lua
---local x, w = tensor.new{1, 2, 3}, tensor.zeros(3):requires_grad(true)
---local loss = (x:dot(w) - 14):square()
---loss:backward()
---w.grad  --> [-28., -56., -84.]
---```
---@param opts? {retain_graph?: boolean, gradient?: Tensor} defaults: retain_graph = false
function Tensor:backward(opts) end

---The same elements without their history: gradients stop here. It shares the memory; `detach():clone()` does not.
---
---```lua
---local w = tensor.ones(2):requires_grad(true)
---local target = (w * 2):detach()
---target:requires_grad()  --> false
---```
---@return Tensor
function Tensor:detach() end

---Whether the tensor was made by the user, not by a recorded operation.
---
---```lua
---local w = tensor.ones(2):requires_grad(true)
---w:is_leaf(), (w * 2):is_leaf()  --> true, false
---```
---@return boolean
function Tensor:is_leaf() end

---A stream of random numbers: what it gives depends only on its seed and on what was drawn before.
---@class Generator
local Generator = {}

---The seed of its stream.
---
---```lua
---tensor.generator(7):seed()  --> 7
---```
---@return integer
function Generator:seed() end

---Starts the stream `seed` from its beginning.
---
---```lua
---local g = tensor.generator(1)
---local a, b = g:uniform(), g:manual_seed(1):uniform()
---a == b  --> true
---```
---@param seed integer
---@return Generator
function Generator:manual_seed(seed) end

---Where the stream is: give it to `set_state` to continue there.
---
---```lua
---local g = tensor.generator(7)
---tensor.rand(3, {generator = g})
---g:state()  --> {offset = ..., seed = 7}
---```
---@return {seed: integer, offset: integer}
function Generator:state() end

---Continues where `state` was taken.
---
---```lua
---local g = tensor.generator(7)
---local state = g:state()
---local a = g:uniform()
---g:set_state(state)
---g:uniform() == a  --> true
---```
---@param state {seed: integer, offset: integer}
function Generator:set_state(state) end

---One number from 0 up to, not including, 1.
---
---```lua
---local g = tensor.generator(7)
---local coin = g:uniform() < 0.5 and "heads" or "tails"
---coin  --> "..."
---```
---@return number
function Generator:uniform() end

---One integer from `low` to `high`, both included. (`tensor.randint` leaves `high` out, as PyTorch's does.)
---
---```lua
---local g = tensor.generator(7)
---local pick = ({"a", "b", "c"})[g:integer(1, 3)]
---pick  --> "..."
---```
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
tensor.median = Tensor.median
tensor.quantile = Tensor.quantile
tensor.histc = Tensor.histc
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
