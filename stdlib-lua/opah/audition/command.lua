--- A person's own command over a sound file, such as a recogniser: `CMD {wav}` as a list of arguments. No shell ever sees it,
-- so that no name of a file and no text can become a command; it has a limit of time, and what it prints is read as text.
local config, fs, machine = require "opah.config", require "opah.fs", require "opah.machine"
local trim = require "opah.trim"

local command = {}

-- What a recogniser says of a sentence is shorter than this by far.
local longest_output = 65536

--- The words of a command line: blanks part them, quotes and backslashes keep them together, and nothing else means anything.
local function words(line)
  local list, word, quote, i = {}, nil, nil, 1
  while i <= #line do
    local c = line:sub(i, i)
    if c == "\\" and quote ~= "'" and i < #line then
      i = i + 1
      word = (word or "") .. line:sub(i, i)
    elseif c == quote then
      quote = nil
    elseif not quote and (c == "'" or c == '"') then
      quote, word = c, word or ""
    elseif not quote and c:find("%s") then
      if word then list[#list + 1] = word end
      word = nil
    else
      word = (word or "") .. c
    end
    i = i + 1
  end
  if quote then return nil, "a quote " .. quote .. " has no end" end
  if word then list[#list + 1] = word end
  return list
end

--- Whether a program of this name can be started.
local function found(program)
  if program:find("/", 1, true) then return fs.exists(program) end
  for folder in (os.getenv("PATH") or "/usr/bin:/bin"):gmatch("[^:]+") do
    if fs.exists(fs.join(folder, program)) then return true end
  end
  return false
end

--- Reads what the option `option` was given; anything wrong with it ends the recipe before any work is done.
function command.parse(option, line)
  local list, problem = words(line)
  if not list then config.usage_error(("%s: %s"):format(option, problem)) end
  if #list == 0 then config.usage_error(option .. " is empty: give a command such as 'whisper-cli -f {wav}'") end
  local names_sound = false
  for i = 2, #list do names_sound = names_sound or list[i]:find("{wav}", 1, true) ~= nil end
  if not names_sound then
    config.usage_error(("%s: %s does not say where the sound file goes: write {wav} there"):format(option, line))
  end
  if not found(list[1]) then
    config.usage_error(("%s: there is no program %s"):format(option, list[1]))
  end
  return { line = line, words = list, option = option }
end

--- The argument list for one sound file. Its path is absolute, so that it never looks like an option.
function command.arguments(parsed, wav)
  local list, path = {}, fs.resolve(wav)
  for i, word in ipairs(parsed.words) do
    list[i] = i == 1 and word or (word:gsub("{wav}", function() return path end))
  end
  return list
end

--- Runs it on a sound file and gives what it printed, without blanks around it. An error says what went wrong.
function command.run(parsed, wav, seconds)
  local ended = machine.run(command.arguments(parsed, wav), { timeout = seconds })
  local function fail(reason) error(fs.error("data", ("%s: %s"):format(parsed.option, reason)), 0) end
  if ended.timed_out then fail(("it had not ended after %g s (--timeout)"):format(seconds)) end
  if ended.exit_code ~= 0 then
    local said = (ended.errors:match("([^\n]*%S)%s*$") or ""):sub(1, 300)
    fail(("it ended with code %d%s"):format(ended.exit_code, utf8.len(said) and said ~= "" and ": " .. said or ""))
  end
  if #ended.output > longest_output then fail(("it printed %d bytes"):format(#ended.output)) end
  if not utf8.len(ended.output) or ended.output:find("\0", 1, true) then fail("what it printed is not UTF-8 text") end
  return trim(ended.output)
end

--- The first number that stands by itself on the last line of a scorer's output which has one: `4.1`, `MOS: 4.1`,
--- `{"mos": 4.1}`. Digits within a name, such as that of the sound file, are no number. An error when there is none.
---
---     command.number({}, "loading 3 models\nout/step_10/a-1.wav\t4.1 of 5")  --> 4.1
---@return number
function command.number(parsed, output)
  local value
  for line in output:gmatch("[^\r\n]+") do
    for word in line:gmatch("[^%s=:,;|(){}%[%]\"']+") do
      local number = word:find("^[-+]?%.?%d") and not word:find("^[-+]?0[xX]") and tonumber(word)
      if number and math.abs(number) < math.huge then
        value = number
        break
      end
    end
  end
  if not value then
    error(fs.error("data", ("%s: it printed no number: %s"):format(parsed.option, output:sub(1, 100))), 0)
  end
  return value + 0.0
end

return command
