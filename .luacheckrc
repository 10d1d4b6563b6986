-- luacheck stdlib-lua examples Tests/Lua
std = "lua54"
max_line_length = 200
ignore = {
  "212/self",       -- methods that need not know their object
  "211/remover",    -- variables that are there to be closed
}
-- Running a recipe from a recipe gives it an `arg` of its own.
files["stdlib-lua/opah/run.lua"] = { globals = { "arg" } }
-- Declarations for editors: nothing in them is used.
files["stdlib-lua/meta"] = { ignore = { "211", "212", "231", "241", "431", "432" }, max_line_length = false }
-- busted's words.
files["Tests/Lua"] = { std = "lua54+busted" }
