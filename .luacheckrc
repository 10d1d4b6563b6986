-- luacheck stdlib-lua examples Tests
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
-- Lua of the Swift tests: LuaFixture and TensorTestCase give these; what runs before a test makes globals for it, and paragraphs
-- of tensor tests are chunks by themselves.
for _, target in ipairs { "BindingsTests", "opahTests" } do
  files["Tests/" .. target .. "/Lua"] = {
    allow_defined = true, ignore = { "411", "131" },
    globals = {
      "opah", "audio", "checkpoint", "config", "data", "dist", "fs", "json", "lm", "lora", "machine", "nn", "progress", "tensor", "text",
      "train", "vq", "folder", "checkout", "tiny", "fails", "same",
    },
  }
end
files["Tests/BindingsTests/Lua/TensorFuzz"] = { read_globals = { "methods", "modules", "names" } }
files["Tests/opahTests/Lua/StrangersFile"] = { globals = { "files" } }
-- What people write at the head of their recipes, used or not.
files["Tests/opahTests/Lua/StrangersFile/mine.lua"] = { ignore = { "211" } }
