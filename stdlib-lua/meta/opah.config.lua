---@meta opah.config
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Settings: stock configurations, Lua and YAML files, overrides, and a recipe's command line.
---@class opah.config
local config = {}

---A configuration with its overrides applied and every `${a.b}` resolved, and notes for people. `name` is a stock configuration, a Lua table file or a YAML file. Unknown keys and values of another type are errors (kind `usage`) that say what to write, all at once; settings that mean nothing here are noted. A Lua file returns its table and, where wanted, `{types = {["a.b"] = {is = "integer", from = 1}}, ignored = {"c.*"}, advice = {["d"] = "why"}, options = {"train.fit"}}`: the last names functions whose options have settings of their own, with types and values of their declaration.
---
---```lua
---local settings, notes = config.load("text2semantic_finetune", { "project=alice", "trainer.max_steps=200" })
---settings.project, settings.trainer.max_steps  --> "alice", 200
---```
---@param name string
---@param overrides? string[]
---@return table
---@return string[]
function config.load(name, overrides) end

---The options of a function (`train.fit`, `data.dataset`) as `settings` have them: each at the place that its declaration says, those that are not set left out.
---
---```lua
---local settings = config.load("text2semantic_finetune", { "project=alice", "data.batch_size=2" })
---local options = config.options_of("train.fit", settings)
---options.batch_size, options.max_steps, options.seed  --> 2, 1000, 42
---```
---@param name string
---@param settings table
---@return table
function config.options_of(name, settings) end

---A recipe's command line as a table: positionals and flags by name (dashes as underscores), `overrides` as a list of strings. `options` declares `positionals = {{name, type, help}}`, `flags = {{name, type, default, help, short=, multiple=, required=, choices=, from=, to=, above=, below=}}` (the last four bound a number) and `overrides = true`. Types are boolean, integer, number, string, file and folder (which must exist), path, and output: a folder to write to, in a batch by default the run's own. All that is wrong is reported at once, with exit code 2. `plan = function(args)` returns what a run would take, `{seconds=, memory=, disk=, folder=, lines={}, memory_advice=, disk_advice=}`, from names, sizes and headers: `opah check` asks it, prints it beside what there is (OPAH_MEMORY_LIMIT and OPAH_DISK_LIMIT set less), and refuses what cannot fit.
---
---```lua
---local arguments = { [0] = "loud.lua", "data", "--gain", "-3" }      -- in a recipe: `arg`
---local args = config.parse_args(arguments, {
---  positionals = { { "folder", "path", "folder of clips" } },
---  flags = { { "gain", "number", 0, "decibels to add" }, { "clean", "boolean", false, "empty the output folder first" } },
---})
---args  --> {clean = false, folder = "data", gain = -3...}
---```
---@param arguments table
---@param options table
---@return table
function config.parse_args(arguments, options) end

---A recipe as a value, for a file to end with: `return recipe { positionals = ..., flags = ..., overrides = ..., plan = ..., run = function(args) ... end }` (`local recipe = require "opah.recipe"`). `positionals`, `flags`, `overrides` and `plan` are those of `parse_args`; `run` gets what that returns, and returns the exit code (nothing is 0). Whoever only asks what the recipe takes runs nothing of it.
---
---```lua
---local loud = config.recipe {
---  positionals = { { "folder", "path", "folder of clips" } },
---  flags = { { "gain", "number", 0, "decibels to add" } },
---  run = function(args) print(args.folder, args.gain) end,
---}
---loud:run({ [0] = "loud.lua", "data", "--gain", "-3" })  --> 0
---```
---@param declaration table
---@return Recipe
function config.recipe(declaration) end

---Whether a value is a recipe, as a recipe's file returns it.
---
---```lua
---config.is_recipe({ run = print })  --> false
---```
---@param value? any
---@return boolean
function config.is_recipe(value) end

---The folder that this run writes to, made if need be: in a batch the run's own (OPAH_OUT), else `default`. For recipes without an option of type output.
---
---```lua
---local folder = config.output_folder("results/spectrograms")
---fs.stat(folder).kind  --> "folder"
---```
---@param default string
---@return string
function config.output_folder(default) end

---The file of a stock recipe, or the Lua file of that name; one that does not exist is an error that names the nearest.
---
---```lua
---fs.basename(config.recipe_path("extract-vq"))  --> "extract-vq.lua"
---```
---@param name string
---@return string
function config.recipe_path(name) end

---Ends the recipe with exit code 2 and this message: for arguments that do not fit each other.
---
---```lua
---local ok, problem = pcall(config.usage_error, "--speaker and --prompt-text exclude each other")
---problem.kind, problem.message  --> "usage", "--speaker and --prompt-text exclude each other"
---```
---@param message string
function config.usage_error(message) end

---A table of settings as the text of a Lua file that returns it; names come in order.
---
---```lua
---local text = config.to_lua({ project = "alice", betas = { 0.9, 0.95 } })
---text          --> return {...betas = { 0.9, 0.95 },...project = "alice",...}
---load(text)()  --> {betas = {0.9, 0.95}, project = "alice"}
---```
---@param value? any
---@return string
function config.to_lua(value) end

---What a recipe's file returns.
---@class Recipe
local Recipe = {}

---Runs it with a command line, a list of strings with the recipe's file at 0 (as in `arg`), and returns its exit code: what its function `run` returned, else 0.
---
---```lua
---local hello = config.recipe {
---  positionals = { { "name", "string", "whom to greet" } },
---  run = function(args) print("hello " .. args.name) end,
---}
---hello:run({ [0] = "hello.lua", "moon" })  --> 0
---```
---@param arguments table
---@return integer
function Recipe:run(arguments) end

return config
