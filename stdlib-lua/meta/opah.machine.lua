---@meta opah.machine
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---This machine: its rates, memory, disk and time, and other programs run beside this one. Bytes and seconds.
---@class opah.machine
---@field program string The path of this program, for `machine.run`. `machine.program  --> "/..."`
local machine = {}

---What the machine does at best, measured now for about `seconds` with all threads: `{matrix_rate, square_product, layer_product, bfloat16_rate, read_bandwidth}`. FLOP/s of float32 products (of `size` x `size` matrices, and of `size` / 4 rows of 1024 with a weight [4096, 1024]; `matrix_rate` is the better one), of the better of these with bfloat16 factors where the processor multiplies such numbers (see `machine.engines`), and bytes/s of reading `buffer` bytes, more than any cache holds. Smaller sizes take less time and say less.
---
---```lua
---local rates = machine.rates(0.01, { size = 64, buffer = 1048576 })
---rates.matrix_rate > 1e8, rates.read_bandwidth > 1e8  --> true, true
---```
---@param seconds? number default 2
---@param opts? {size?: integer, buffer?: integer} defaults: size = 2048, buffer = 536870912
---@return Rates
function machine.rates(seconds, opts) end

---`{total, available}` of the machine, `{resident, peak}` of this process: what it holds now, mapped files included, and the most it has held since its start or `reset_peak`. `plannable` is what a plan may count on: `available`, or what the environment variable OPAH_MEMORY_LIMIT says when that is less (bytes, or as in 4GB).
---
---```lua
---local memory = machine.memory()
---memory.available <= memory.total, memory.resident <= memory.peak  --> true, true
---("%.1f GB may be planned"):format(memory.plannable / 1e9)         --> "... GB may be planned"
---```
---@return Memory
function machine.memory() end

---Lets `memory().peak` begin again from what the process holds now. False where the system cannot do that.
---
---```lua
---machine.reset_peak()
---local memory = machine.memory()
---memory.peak - memory.resident < 16e6  --> true
---```
---@return boolean
function machine.reset_peak() end

---Bytes that may still be written below a path, which need not exist yet; at most what the environment variable OPAH_DISK_LIMIT says, when that is set (bytes, or as in 4GB).
---
---```lua
---machine.free_disk("out/new") > 1e6  --> true
---```
---@param path string
---@return integer
function machine.free_disk(path) end

---Seconds since some moment in the past, never turned back: for measuring how long something takes.
---
---```lua
---local began = machine.now()
---tensor.randn(100, 100):matmul(tensor.randn(100, 100))
---("took %.1f ms"):format((machine.now() - began) * 1000)  --> "took ... ms"
---```
---@return number
function machine.now() end

---`{model, processors, threads, instruction_set}`: threads are those that kernels use, the instruction set is what this program was built for.
---
---```lua
---machine.cpu()  --> {instruction_set = ..., model = ..., processors = ..., threads = ...}
---```
---@return Processor
function machine.cpu() end

---What computes products with large matrices: `{float32, bfloat16, bfloat16_speed, fast_bfloat16, int8}`. `bfloat16` names what multiplies such numbers on this processor, or says why nothing does; `bfloat16_speed` is how many times as fast as float32 that is, measured once (nil where nothing does), and `fast_bfloat16` whether it is 1.2 or more, which `precision = "auto"` goes by; `int8` is whose instructions multiply 8-bit weights when such a model speaks.
---
---```lua
---machine.engines().float32  --> "OpenBLAS ..."
---```
---@return Engines
function machine.engines() end

---How many threads of all programs wanted to run, on average over the last minute; more than `cpu().processors` means that programs wait for each other.
---
---```lua
---machine.load_average() >= 0  --> true
---```
---@return number
function machine.load_average() end

---Runs a program, `arguments[1]`, to its end, in a process group of its own with nothing on its standard input: `{exit_code, seconds, processor_seconds, peak, output, errors, timed_out}`. `peak` is the most memory it held; a program that was killed has 128 + the signal as its exit code. After `timeout` seconds, and on Ctrl-C, it and what it started are asked to end, and killed five seconds later. `environment` is added to this program's own.
---
---```lua
---local result = machine.run({ "/bin/sh", "-c", "echo hello; exit 3" }, { timeout = 10 })
---result.exit_code, result.output:match("%a+"), result.timed_out  --> 3, "hello", false
---```
---@param arguments string[]
---@param opts? {timeout?: number, folder?: string, environment?: table<string, string>, output?: "captured"|"inherited"|"discarded", errors?: "captured"|"merged"|"inherited"|"discarded"} defaults: output = "captured", errors = "captured"
---@return Ended
function machine.run(arguments, opts) end

return machine
