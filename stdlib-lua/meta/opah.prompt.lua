---@meta opah.prompt
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---What the interactive prompt makes global besides the modules. All of it prints.
---@class opah.prompt
local prompt = {}

---Prints what a name, function, object or module is. Without an argument, the modules. `?name` at the prompt does the same.
---@param what? any
function prompt.help(what) end

---Prints the global variables that are neither Lua's nor Opah's: name, type, what it holds, and the memory of tensors.
function prompt.who() end

---Runs a Lua module's file again and returns what it gives; a global that held the old module holds the new one. When the file fails, the old module stays.
---@param name string
---@return any
function prompt.reload(name) end

---Calls `body` often enough to tell how long it takes; prints mean and spread and returns the mean in seconds. `%timeit expression` at the prompt does the same.
---@param body function
---@return number
function prompt.timeit(body) end

return prompt
