--- What a recipe's file ends with: `return recipe { positionals = ..., flags = ..., plan = ..., run = function(args) ... end }`.
--
--   local recipe = require "opah.recipe"
--   return recipe { flags = { { "loud", "boolean", false, "shout" } }, run = function(args) print(args.loud) end }
return require "opah.config".recipe
