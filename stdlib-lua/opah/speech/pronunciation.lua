--- How words are said that a model says wrongly: plain replacements from a file, and readings in kana that stand in the text.
--
-- A line is `written = spoken`, or both parted by a tab; # begins a comment. A written form in small letters means any case. Letters
-- and digits at its ends must be ends of a word, so that `cat` leaves `category` alone; kana and kanji have no such ends.
-- `漢字《かんじ》` and `｜漢字《かんじ》` in a text are read as かんじ.
local config, fs = require "opah.config", require "opah.fs"
local trim = require "opah.trim"

local pronunciation = {}

--- Whether a character is one of those that words with ends are made of: letters and digits, not kana, kanji or Hangul.
local function is_letter(character)
  if character == "" then return false end
  local code = utf8.codepoint(character)
  return character:find("^[%w_]$") ~= nil or code >= 0xC0 and code < 0x2000 and code ~= 0xD7 and code ~= 0xF7
end

local function characters(text)
  local list = {}
  for _, code in utf8.codes(text, true) do list[#list + 1] = utf8.char(code) end
  return list
end

--- The replacements of a file, longest first. Lines that are neither are told all at once.
function pronunciation.read(path)
  local content, entries, wrong, number, seen = fs.read(path):gsub("^\u{FEFF}", ""), {}, {}, 0, {}
  if not utf8.len(content) then config.usage_error(("--pronunciation: %s is not UTF-8 text"):format(path)) end
  for line in (content .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local said = trim(line)
    if said ~= "" and said:sub(1, 1) ~= "#" then
      local written, spoken = said:match("^([^\t]-)%s*\t%s*(.*)$")
      if not written then written, spoken = said:match("^(.-)%s*=%s*(.*)$") end
      if not written or written == "" then
        wrong[#wrong + 1] = ("line %d: %s"):format(number, said)
      elseif seen[written] and seen[written] ~= spoken then
        wrong[#wrong + 1] = ("line %d: %s was said otherwise before"):format(number, written)
      elseif not seen[written] then
        seen[written] = spoken
        entries[#entries + 1] = { written = characters(written), spoken = spoken, any_case = written == written:lower() and written:find("%a") ~= nil }
      end
    end
  end
  if #wrong > 0 then
    config.usage_error(("--pronunciation: %s: a line is `written = spoken`:\n%s"):format(path, table.concat(wrong, "\n")))
  end
  table.sort(entries, function(a, b)
    if #a.written ~= #b.written then return #a.written > #b.written end
    return table.concat(a.written) < table.concat(b.written)
  end)
  -- By their first character, so that a long list costs little.
  local by_first = {}
  for _, entry in ipairs(entries) do
    for _, first in ipairs(entry.any_case and { entry.written[1], entry.written[1]:upper() } or { entry.written[1] }) do
      by_first[first] = by_first[first] or {}
      if by_first[first][#by_first[first]] ~= entry then table.insert(by_first[first], entry) end
    end
  end
  return by_first
end

--- A text with its own readings taken: what stands before 《...》 from ｜ on, or the kanji just before it.
function pronunciation.readings(text)
  if not text:find("《", 1, true) then return text end
  local list, out, i, base = characters(text), {}, 1, nil
  local function is_kanji(c)
    local code = utf8.codepoint(c)
    return code >= 0x4E00 and code <= 0x9FFF or code >= 0x3400 and code <= 0x4DBF or c == "々" or c == "〆" or c == "ヶ"
  end
  while i <= #list do
    local c = list[i]
    local close
    if c == "《" then
      for j = i + 1, math.min(#list, i + 40) do
        if list[j] == "》" then close = j break end
      end
    end
    if c == "｜" then
      base = #out + 1
      i = i + 1
    elseif close and close > i + 1 and utf8.codepoint(list[i + 1]) >= 0x3041 and utf8.codepoint(list[i + 1]) <= 0x30FF then
      local from = base
      if not from then
        from = #out + 1
        while from > 1 and is_kanji(out[from - 1]) do from = from - 1 end
      end
      for _ = from, #out do out[#out] = nil end
      for j = i + 1, close - 1 do out[#out + 1] = list[j] end
      base, i = nil, close + 1
    else
      out[#out + 1] = c
      i = i + 1
    end
  end
  return table.concat(out)
end

--- A text as it is printed: with its readings left out.
function pronunciation.shown(text)
  return (text:gsub("《.-》", ""):gsub("｜", ""))
end

--- A text with replacements made, from left to right; what was put in is not looked at again.
function pronunciation.apply(by_first, text)
  if not by_first then return text end
  local list, out, i = characters(text), {}, 1
  local function matches(entry)
    for j, wanted in ipairs(entry.written) do
      local there = list[i + j - 1]
      if not there or there ~= wanted and not (entry.any_case and there:lower() == wanted) then return false end
    end
    local after = i + #entry.written
    if is_letter(entry.written[1]) and i > 1 and is_letter(list[i - 1]) then return false end
    return not (is_letter(entry.written[#entry.written]) and list[after] and is_letter(list[after]))
  end
  while i <= #list do
    local taken
    for _, entry in ipairs(by_first[list[i]] or {}) do
      if matches(entry) then taken = entry break end
    end
    if taken then
      out[#out + 1], i = taken.spoken, i + #taken.written
    else
      out[#out + 1], i = list[i], i + 1
    end
  end
  return table.concat(out)
end

return pronunciation
