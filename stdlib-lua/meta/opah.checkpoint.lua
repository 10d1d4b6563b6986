---@meta opah.checkpoint
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Checkpoints of any kind as nested tables of tensors, numbers and strings. Nothing in a file is ever run.
---@class opah.checkpoint
local checkpoint = {}

---A torch .pth or .ckpt (zip or older), a .safetensors file or a sharded index. Tensors are mapped, not copied, until they are written to. An object of another class than data is a table `{class, args, state, items, entries}` of what the file says about it; nothing of it is ever made or run. Files that name what only an attack needs (`os.system`, `eval`) are refused.
---
---```lua
---local weights = checkpoint.load(opah.home .. "/examples/checkpoints/tiny/model.pth")
---weights["norm.weight"]:dtype()  --> "..."
---local names = {}
---for name, t in pairs(weights) do if tensor.is_tensor(t) then names[#names + 1] = name end end
---#names > 10  --> true
---```
---@param path string
---
---- `verify`: all of it is read and held against the checksums of its entries; an error names the one that is damaged
---@param opts? {verify?: boolean} defaults: verify = false
---@return table
function checkpoint.load(path, opts) end

---Writes a .pth or .ckpt that torch opens with weights_only, or, for a name that ends in .safetensors, a flat table of tensors. Names come in order; lists stay lists; nothing but tables, tensors, numbers, strings and booleans can be written.
---
---```lua
---local w = tensor.eye(2)
---checkpoint.save("step10.ckpt", { state_dict = { w = w }, step = 10, lr = { 1e-4, 5e-5 } })
---local saved = checkpoint.load("step10.ckpt")
---saved.step, saved.lr, saved.state_dict.w:equal(w)  --> 10, {0.0001, 5e-05}, true
---```
---@param path string
---@param content table
function checkpoint.save(path, content) end

return checkpoint
