---@meta opah.json
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Reading and writing JSON. Arrays keep their order; null is `json.null`.
---@class opah.json
---@field null Null JSON's null, which a Lua table could not hold as nil. It counts as true in a condition. `json.decode('{"speaker": null}').speaker == json.null  --> true`
local json = {}

---The value that JSON text stands for. Numbers without a fraction become integers. Errors name line and column.
---
---```lua
---json.decode('{"loss": 2.5, "steps": [1, 2]}')                                           --> {loss = 2.5, steps = {1, 2}}
---json.decode(fs.read(opah.home .. "/examples/checkpoints/tiny/config.json")).model_type  --> "dual_ar"
---```
---@param text string
---@return any
function json.decode(text) end

---JSON text of nil, booleans, numbers, strings and tables. A table with positions 1..n is an array, names come in order, an empty table is an empty array; not-a-number and infinity are errors. `indent` puts each element on a line of its own, that many blanks in.
---
---```lua
---json.encode({ steps = { 1, 2 }, name = "Alice" })  --> "{\"name\": \"Alice\", \"steps\": [1, 2]}"
---json.encode(tensor.new{0.5, 1}:totable())          --> "[0.5, 1.0]"
---```
---@param value? any
---@param opts? {indent?: integer} defaults: indent = 0
---@return string
function json.encode(value, opts) end

---JSON's null; there is only one.
---@class Null
local Null = {}

return json
