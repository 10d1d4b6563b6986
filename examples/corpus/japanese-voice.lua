--- Speaks Japanese text with pyopenjtalk-plus, a Python package of PyPI that carries its dictionary and its voice, Mei:
--
--   local speak = dofile("japanese-voice.lua")(environment)     -- a folder of Python packages, made when it is missing
--   local answer = speak { { hidden = "a.wav", text = "ふるい ほん です。" } }
--   answer()     -- nil when a.wav is written, else what went wrong; then the same for the next one of the list
--
-- The list may be long: it is worked off while its answers are fetched.
local fs, progress, tensor = require "opah.fs", require "opah.progress", require "opah.tensor"

local packages = "pyopenjtalk-plus==0.4.1.post10 numpy==2.4.6"
local script = fs.join(fs.dirname(debug.getinfo(1, "S").source:sub(2)), "speak-japanese.py")

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function must(command, what, hint)
  if os.execute(command) ~= true then error(fs.error("file", what, hint), 0) end
end

return function(environment)
  local python, complete = fs.join(environment, "bin/python"), fs.join(environment, "complete")
  if not fs.exists(complete) or fs.read(complete) ~= packages then
    progress.log(("installing %s from PyPI into %s"):format(packages, environment))
    must("command -v python3 >/dev/null", "Python is not installed", "sudo apt install python3-venv")
    must(("python3 -m venv %s >&2"):format(quoted(environment)), "Python could not make an environment", "sudo apt install python3-venv")
    must(("%s -m pip install --quiet %s >&2"):format(quoted(python), packages), "pip could not install " .. packages,
      "pip's message is above; it needs a way to PyPI, and Python 3.11 or later")
    fs.write(complete, packages)
  end

  return function(list)
    local pipes, paths, next_one = {}, {}, 0
    -- As many processes as threads take turns.
    local count = math.min(tensor.threads(), #list)
    for p = 1, count do
      local lines = {}
      for i = p, #list, count do lines[#lines + 1] = ("%s\t%s\n"):format(list[i].hidden, list[i].text) end
      paths[p] = os.tmpname()
      fs.write(paths[p], table.concat(lines))
      pipes[p] = assert(io.popen(("%s %s <%s"):format(quoted(python), quoted(script), quoted(paths[p]))))
    end
    return function()
      next_one = next_one + 1
      local p = (next_one - 1) % count + 1
      local problem = pipes[p]:read("l")
      if next_one > #list - count then
        pipes[p]:close()
        fs.remove(paths[p])
      end
      if problem == nil then return "Python ended before its last clip; its message is above" end
      return problem ~= "" and problem or nil
    end
  end
end
