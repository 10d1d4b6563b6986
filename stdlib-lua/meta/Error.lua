---@meta _
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---@alias DType "float32"|"float64"|"float16"|"bfloat16"|"int64"|"int32"|"int16"|"int8"|"uint8"|"bool"

---What went wrong, of which kind, and what to do next.
---@class Error
---@field kind string argument, shape, dtype, index, file, format, checkpoint, config, interrupted, lua, ...
---@field message string What, where and why, in one line.
---@field hint string? What to do next.
---@field traceback string The Lua functions that were running, innermost first, one per line.
---@operator concat(any): string
