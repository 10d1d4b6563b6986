--- Runs a stock recipe or a Lua file with arguments, as `opah run` does, and returns its exit code.
--   local code = opah.run("extract-vq", { "data", "--batch-size", "8" })
local config = require "opah.config"

return function(name, arguments)
  local path = config.recipe_path(name)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  local before = arg
  arg = { [0] = path, table.unpack(arguments or {}) }
  local ok, result = pcall(chunk, table.unpack(arguments or {}))
  arg = before
  if ok then return math.tointeger(result) or 0 end
  if type(result) == "userdata" and result.kind == "exit" then return math.tointeger(tonumber(result.message)) end
  error(result, 0)
end
