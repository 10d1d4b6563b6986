---@meta opah.checkpoint
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Checkpoints of any kind as nested tables of tensors, numbers and strings. Nothing in a file is ever run.
---@class opah.checkpoint
local checkpoint = {}

---A torch .pth or .ckpt (zip or older), a .safetensors file or a sharded index. Tensors are mapped, not copied, until they are written to. Other objects than data are refused by name.
---@param path string
---@return table
function checkpoint.load(path) end

---Writes a .pth or .ckpt that torch opens with weights_only, or, for a name that ends in .safetensors, a flat table of tensors. Names come in order.
---@param path string
---@param content table
function checkpoint.save(path, content) end

return checkpoint
