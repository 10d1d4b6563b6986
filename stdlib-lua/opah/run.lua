--- Runs a stock recipe or a Lua file with arguments, as `opah run` does, and returns its exit code.
--
--   local code = opah.run("resample", { "data", "data-16k", "--sampling-rate", "16000" })
local config, fs = require "opah.config", require "opah.fs"

--- Runs a stock recipe or a Lua file with arguments, in this process, and returns its exit code (0; 3 when inputs were
--- skipped). What stops the recipe is raised here: an error of its own, wrong options, Ctrl-C.
---
---     code = run("resample", { "data/Alice", "Alice-16k", "--sampling-rate", "16000" })
---     code, audio.info("Alice-16k/0.00-2.10.mp3").sample_rate  --> 0, 16000
---@param name string A name that `opah ls` lists, or a file.
---@param arguments? string[]|string|number As on the command line: `{ "data", "--clean" }`; a single one needs no braces.
---@return integer code
return function(name, arguments)
  if type(arguments) == "string" or type(arguments) == "number" then arguments = { arguments } end
  if arguments ~= nil and type(arguments) ~= "table" then
    error(fs.error("argument", "run: arguments are a list of strings, not a " .. type(arguments), 'write run("length", { "data" })'), 0)
  end
  local words = {}
  for i, word in ipairs(arguments or {}) do
    if type(word) ~= "string" and type(word) ~= "number" then
      error(fs.error("argument", ("run: argument %d is a %s, and arguments are strings"):format(i, type(word))), 0)
    end
    words[i] = tostring(word)
  end
  for key in pairs(arguments or {}) do
    if not words[key] then
      error(fs.error("argument", ("run: arguments are a list, and %s is no place in it"):format(tostring(key)),
        'write options as on the command line: { "--sampling-rate", "16000" }'), 0)
    end
  end
  local path = config.recipe_path(name)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  local before = arg
  arg = { [0] = path, table.unpack(words) }
  local ok, result = pcall(function()
    local value = chunk(table.unpack(words))
    return config.is_recipe(value) and value:run(arg) or value
  end)
  arg = before
  if ok then return math.tointeger(result) or 0 end
  if type(result) == "userdata" and result.kind == "exit" then return result.code end
  error(result, 0)
end
