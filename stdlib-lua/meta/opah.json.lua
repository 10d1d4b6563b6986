---@meta opah.json
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Reading and writing JSON. Arrays keep their order; null is `json.null`.
---@class opah.json
---@field null Null JSON's null, which a Lua table could not hold as nil.
local json = {}

---The value that JSON text stands for. Numbers without a fraction become integers. Errors name line and column.
---
---```lua
---assert(json.decode('{"a": [1, 2.5, null]}').a[2] == 2.5)
---```
---@param text string
---@return any
function json.decode(text) end

---JSON text of nil, booleans, numbers, strings and tables. A table with positions 1..n is an array, names come in order; not-a-number and infinity are errors.
---
---```lua
---assert(json.encode { 1, 2 } == "[1, 2]")
---```
---@param value? any
---@param opts? {indent?: integer} defaults: indent = 0
---@return string
function json.encode(value, opts) end

---JSON's null; there is only one.
---@class Null
local Null = {}

return json
