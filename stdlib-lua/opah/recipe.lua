--- What a recipe's file ends with: a value that says what the recipe takes, what a run would take, and what it does.
--
--   return require "opah.recipe" { run = function(args) print "hello" end }
local config = require "opah.config"

--- A recipe of its declaration. `opah run` calls its `run` with the options as a table; `opah check` asks its `plan`;
--- `opah show`, `--help` and completion read the rest, and run nothing.
---
---     loud = recipe { flags = { { "gain", "integer", 3, "decibels" } }, run = function(args) return args.gain end }
---     loud:run({ [0] = "loud.lua", "--gain", "0" })  --> 0
---@param declaration { positionals?: table, flags?: table, overrides?: boolean, plan?: function, run: function }
---@return Recipe
return function(declaration) return config.recipe(declaration) end
