--- Runs a stock recipe or a Lua file with arguments, as `opah run` does, and returns its exit code.
--
--   local code = opah.run("resample", { "data", "data-16k", "--sampling-rate", "16000" })
local config = require "opah.config"

--- Runs a stock recipe or a Lua file with arguments, in this process, and returns its exit code (0; 3 when inputs were
--- skipped). What stops the recipe is raised here: an error of its own, wrong options, Ctrl-C.
---
---     code = run("resample", { "data/Alice", "Alice-16k", "--sampling-rate", "16000" })
---     code, audio.info("Alice-16k/0.00-2.10.mp3").sample_rate  --> 0, 16000
---@param name string A name that `opah ls` lists, or a file.
---@param arguments? string[] As on the command line.
---@return integer code
return function(name, arguments)
  local path = config.recipe_path(name)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  local before = arg
  arg = { [0] = path, table.unpack(arguments or {}) }
  local ok, result = pcall(chunk, table.unpack(arguments or {}))
  arg = before
  if ok then return math.tointeger(result) or 0 end
  if type(result) == "userdata" and result.kind == "exit" then return math.tointeger(tonumber(result.message)) or 1 end
  error(result, 0)
end
