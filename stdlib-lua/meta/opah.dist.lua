---@meta opah.dist
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Several processes, on one machine or many, that run the same program: under mpirun, srun --mpi=pmix or `opah launch`. Alone, and in a function that `first` or a callback of `train.fit` runs, nothing here waits for anybody.
---@class opah.dist
local dist = {}

---Which of the processes this is, from 1.
---
---```lua
---dist.rank()  --> 1
---```
---@return integer
function dist.rank() end

---How many processes there are.
---
---```lua
---dist.size()  --> 1
---```
---@return integer
function dist.size() end

---The machine of each rank.
---
---```lua
---#dist.hosts()  --> 1
---```
---@return string[]
function dist.hosts() end

---Returns when all processes have come here.
---
---```lua
---dist.barrier()
---```
function dist.barrier() end

---Every process's tensors become, in place, the sum, mean or maximum of all of them, element by element. float32; the same shapes everywhere. Added in the order of ranks, so the bits are the same on all and in every run.
---
---```lua
---gradient = tensor.new { 1, 2 }
---dist.all_reduce(gradient, { op = "mean" })
---gradient  --> [1., 2.]
---```
---@param tensors Tensor|Tensor[]
---@param opts? {op?: "sum"|"mean"|"max"} defaults: op = "sum"
function dist.all_reduce(tensors, opts) end

---The value of rank `from`, on all: a float32 tensor in place, or a copy of plain data (numbers, strings, booleans, tables of them).
---
---```lua
---dist.broadcast({ seed = 7 })  --> {seed = 7}
---```
---@param value? any
---@param opts? {from?: integer} defaults: from = 1
---@return any
function dist.broadcast(value, opts) end

---Everybody's plain value, in the order of ranks, on all.
---
---```lua
---dist.gather(dist.rank())  --> {1}
---```
---@param value? any
---@return any[]
function dist.gather(value) end

---This rank's part of a list that is the same everywhere: item i belongs to rank (i - 1) % size + 1.
---
---```lua
---dist.share { "a", "b", "c" }  --> {"a", "b", "c"}
---```
---@param list any[]
---@return any[]
function dist.share(list) end

---A part of many inputs, by their names: lists need not be the same everywhere. "3/16" is the third of sixteen, for jobs that do not know of each other; without a text it is this rank's part, or this task's of a SLURM step, and alone all of it.
---
---```lua
---one, other = dist.shard("1/2"), dist.shard("2/2")
---one:owns("Alice/1.wav") ~= other:owns("Alice/1.wav"), dist.shard():owns("Alice/1.wav")  --> true, true
---```
---@param text? string
---@return Shard
function dist.shard(text) end

---Runs `fn` on rank 1 alone. What it returns (plain data) is returned on all; what it raises is raised on all.
---
---```lua
---dist.first(function(a, b) return a + b end, 2, 3)  --> 5
---```
---@param fn function
---@param ... any
---@return any ...
function dist.first(fn, ...) end

---A part of many inputs, by their names.
---@class Shard
---@field count integer How many parts there are. `dist.shard("3/16").count  --> 16`
---@field index integer Which of them it is, from 1. `dist.shard("3/16").index  --> 3`
local Shard = {}

---Whether an input belongs to it. Names are as all see them: paths below the folder that is worked through.
---
---```lua
---dist.shard("1/1"):owns("Alice/1.wav")  --> true
---```
---@param name string
---@return boolean
function Shard:owns(name) end

return dist
