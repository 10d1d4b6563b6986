--- What can be wrong with the words of a clip, told from the text alone.
local scripts, text = require "opah.scripts", require "opah.text"
local labels = {}

--- The first character of private use, which no reader knows; what is invisible or lost the label's reader tells.
local function odd(line)
  for _, code in utf8.codes(line) do
    if code >= 0xE000 and code <= 0xF8FF then return ("has U+%04X, of private use"):format(code) end
  end
end

-- Han, and the mark that repeats it.
local function is_han(code) return scripts.of(code) == "Han" end

--- A word in Han with its reading in brackets behind it: 漢字（かんじ）, 漢字《かんじ》, 漢字(かんじ).
local function reading_behind(line)
  local open = { [0x28] = true, [0xFF08] = true, [0x300A] = true, [0x3014] = true, [0xFF5F] = true, [0x5B] = true }
  local close = { [0x29] = true, [0xFF09] = true, [0x300B] = true, [0x3015] = true, [0xFF60] = true, [0x5D] = true }
  local word, reading = {}, nil
  for _, code in utf8.codes(line) do
    local char = utf8.char(code)
    if reading then
      if scripts.of(code) == "Kana" or code == 0x30FC then reading[#reading + 1] = char
      elseif close[code] and #reading > 0 then return table.concat(word) .. " " .. table.concat(reading)
      else word, reading = {}, nil end
    elseif is_han(code) then word[#word + 1] = char
    elseif open[code] and #word > 0 then reading = {}
    else word = {} end
  end
end

--- Runs of Han in a text that no listed word covers: the longest words first, as a reader would.
---@param line string
---@param readings { longest: integer, words: table<string, string> }
---@return string[]
function labels.without_reading(line, readings)
  local chars, missing, run = {}, {}, {}
  for _, code in utf8.codes(line) do chars[#chars + 1] = utf8.char(code) end
  local i = 1
  while i <= #chars do
    local taken
    for length = math.min(readings.longest, #chars - i + 1), 1, -1 do
      if readings.words[table.concat(chars, "", i, i + length - 1)] then taken = length break end
    end
    if not taken and is_han(utf8.codepoint(chars[i])) then run[#run + 1] = chars[i]
    elseif #run > 0 then missing[#missing + 1], run = table.concat(run), {} end
    i = i + (taken or 1)
  end
  if #run > 0 then missing[#missing + 1] = table.concat(run) end
  return missing
end

--- Characters of a text that the tokenizer has no token for, and writes in several; `known` remembers what it said of
--- each.
---@param line string
---@param tokenizer Tokenizer
---@param known table<string, boolean>
---@return string[]
function labels.split_characters(line, tokenizer, known)
  local found, seen = {}, {}
  for _, code in utf8.codes(line) do
    local char = utf8.char(code)
    if code > 0x7F and not seen[char] then
      seen[char] = true
      if known[char] == nil then known[char] = #tokenizer:encode(char, { allow_special = false }) > 1 end
      if known[char] then found[#found + 1] = char end
    end
  end
  return found
end

--- Adds the faults of one label: `line` as text.read_label gives it, and what the options of the recipe know.
---@param file string
---@param line string
---@param found opah.doctor.Faults
---@param with { tokenizer?: Tokenizer, readings?: table, known: table }
function labels.check(file, line, found, with)
  local token = line:match("<|[%w_]+|>")
  if token then found:add("control-token", file, "its label has the control token " .. token) end
  local character = odd(line)
  if character then found:add("odd-character", file, "its label " .. character) end
  local mark = line:match("</?%a[^<>|]*>") or line:match("{\\[^}]*}") or line:match("&%a+;")
    or line:match("https?://%S+")
  if mark then found:add("markup", file, "its label has the mark " .. mark) end
  local word, both = scripts.mixed_word(line)
  if word then found:add("mixed-script", file, ("one word has letters of %s: %s"):format(both, word)) end
  local twice = reading_behind(line)
  if twice then found:add("reading-twice", file, "a word and its reading follow each other: " .. twice) end
  local cleaned = text.clean(line)
  if with.tokenizer then
    local split = labels.split_characters(cleaned, with.tokenizer, with.known)
    if #split > 0 then
      found:add("byte-split", file, ("the tokenizer has no token for %s"):format(table.concat(split, " ", 1,
        math.min(#split, 12))
        .. (#split > 12 and (" and %d more"):format(#split - 12) or "")))
    end
  end
  if with.readings and scripts.main((scripts.count(line))) == "Japanese" then
    local missing = labels.without_reading(cleaned, with.readings)
    if #missing > 0 then
      found:add("no-reading", file, "no reading is listed for "
        .. table.concat(missing, ", ", 1, math.min(#missing, 8)))
    end
  end
end

--- A file of readings: `word<TAB>reading` a line, `#` begins a remark.
---@param path string
---@return { longest: integer, words: table<string, string> }
function labels.readings(path)
  local readings = { longest = 1, words = {} }
  for line in (require "opah.import.source_text"(path) .. "\n"):gmatch("(.-)\n") do
    local word, reading = line:match("^%s*([^#\t][^\t]*)\t%s*(%S+)")
    if word then
      readings.words[word] = reading
      readings.longest = math.max(readings.longest, utf8.len(word))
    end
  end
  return readings
end

return labels
