---@meta opah.prompt
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---What the interactive prompt makes global besides the modules. All of it prints. The prompt has commands of its own as well: `?name`, `??word`, `%time code`, `%timeit code`, `!command`.
---@class opah.prompt
local prompt = {}

---Prints what a name, function, object or module is. Without an argument, the modules and the commands of the prompt. `?name` at the prompt does the same; `??word` goes through all help.
---
---```lua
---prompt.help("fs.join")
---```
---@param what? any
function prompt.help(what) end

---Prints the global variables that are neither Lua's nor Opah's: name, type, what it holds, and the memory of tensors.
---
---```lua
---losses = { 3.1, 2.7 }
---prompt.who()  -- losses  table  2 entries
---```
function prompt.who() end

---Runs a Lua module's file again and returns what it gives; a global that held the old module holds the new one. When the file fails, the old module stays.
---
---```lua
---fs.write("mine.lua", "return { answer = 41 }")
---require "mine"
---fs.write("mine.lua", "return { answer = 42 }")
---prompt.reload("mine").answer  --> 42
---```
---@param name string
---@return any
function prompt.reload(name) end

---Calls `body` often enough to tell how long it takes, for about a second; prints mean and spread and returns the mean in seconds. `%timeit expression` at the prompt does the same.
---
---```lua
---seconds = prompt.timeit(function() return tensor.ones(1000):sum() end)
---seconds < 0.01  --> true
---```
---@param body function
---@return number
function prompt.timeit(body) end

return prompt
