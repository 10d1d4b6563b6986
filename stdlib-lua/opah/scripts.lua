--- Which script a letter is of, by Unicode's blocks, for the scripts that speech corpora are written in.
local scripts = {}

-- { first, last, script }, in order.
local ranges = {
  { 0x41, 0x5A, "Latin" }, { 0x61, 0x7A, "Latin" }, { 0xAA, 0xAA, "Latin" }, { 0xBA, 0xBA, "Latin" },
    { 0xC0, 0xD6, "Latin" },
  { 0xD8, 0xF6, "Latin" }, { 0xF8, 0x24F, "Latin" }, { 0x250, 0x2AF, "IPA" }, { 0x370, 0x373, "Greek" },
    { 0x376, 0x377, "Greek" },
  { 0x37B, 0x3FF, "Greek" }, { 0x400, 0x52F, "Cyrillic" }, { 0x531, 0x587, "Armenian" }, { 0x5D0, 0x5F2, "Hebrew" },
  { 0x620, 0x64A, "Arabic" }, { 0x66E, 0x6D3, "Arabic" }, { 0x750, 0x77F, "Arabic" }, { 0x900, 0x97F, "Devanagari" },
  { 0x980, 0x9FF, "Bengali" }, { 0xB80, 0xBFF, "Tamil" }, { 0xC00, 0xC7F, "Telugu" }, { 0xE01, 0xE5B, "Thai" },
  { 0x10A0, 0x10FF, "Georgian" }, { 0x1100, 0x11FF, "Hangul" }, { 0x1E00, 0x1EFF, "Latin" },
    { 0x1F00, 0x1FFF, "Greek" },
  { 0x3005, 0x3007, "Han" }, { 0x3041, 0x309F, "Kana" }, { 0x30A1, 0x30FF, "Kana" }, { 0x3105, 0x312F, "Bopomofo" },
  { 0x3130, 0x318F, "Hangul" }, { 0x31F0, 0x31FF, "Kana" }, { 0x3400, 0x4DBF, "Han" }, { 0x4E00, 0x9FFF, "Han" },
  { 0xAC00, 0xD7A3, "Hangul" }, { 0xF900, 0xFAFF, "Han" }, { 0xFF21, 0xFF3A, "Latin" }, { 0xFF41, 0xFF5A, "Latin" },
  { 0xFF66, 0xFF9F, "Kana" }, { 0x20000, 0x323AF, "Han" },
}

local known = {}

--- The script of a letter, by its code; nil for all that is no letter of these.
---
---     scripts.of(0x41), scripts.of(0x6F22), scripts.of(0x2E)  --> "Latin", "Han", nil
---@param code integer
---@return string?
function scripts.of(code)
  local script = known[code]
  if script == nil then
    script = false
    local low, high = 1, #ranges
    while low <= high do
      local middle = (low + high) // 2
      local range = ranges[middle]
      if code < range[1] then high = middle - 1
      elseif code > range[2] then low = middle + 1
      else script = range[3] break end
    end
    known[code] = script
  end
  return script or nil
end

-- Scripts that one word is written in together.
local together = { Han = "Japanese", Kana = "Japanese" }

--- How many letters a text has, by script (Han and Kana under "Han" and "Kana"), and how many characters are spoken: letters and
--- digits.
---
---     scripts.count("7 Uhr")  --> {Latin = 3}, 4
---@param text string
---@return table<string, integer> counts
---@return integer letters
function scripts.count(text)
  local counts, letters = {}, 0
  for _, code in utf8.codes(text, true) do
    local script = scripts.of(code)
    if script then counts[script] = (counts[script] or 0) + 1 end
    if script or code >= 0x30 and code <= 0x39 or code >= 0xFF10 and code <= 0xFF19 then letters = letters + 1 end
  end
  return counts, letters
end

--- What most letters are of, Han and Kana as one ("Japanese" where there is any Kana); a fifth of Kana is enough among others,
--- such as foreign names. Nil without letters.
---
---     scripts.main({ Latin = 9, Kana = 3 }), scripts.main({ Han = 8 })  --> "Japanese", "Han"
---@param counts table<string, integer>
---@return string?
function scripts.main(counts)
  local sums, best, all = {}, nil, 0
  for script, count in pairs(counts) do
    local group = together[script] or script
    sums[group], all = (sums[group] or 0) + count, all + count
  end
  if (counts.Kana or 0) * 5 >= all and counts.Kana then return "Japanese" end
  for group, count in pairs(sums) do
    if not best or count > sums[best] or count == sums[best] and group < best then best = group end
  end
  if best == "Japanese" and not counts.Kana then best = "Han" end
  return best
end

--- A word with letters of two scripts that look alike (Latin, Greek, Cyrillic), and the two; nil when there is none.
---
---     select(2, scripts.mixed_word("the \u{430}pple"))  --> "Cyrillic and Latin"
---@param text string
---@return string? word
---@return string? scripts
function scripts.mixed_word(text)
  local alike = { Latin = true, Greek = true, Cyrillic = true }
  for word in text:gmatch("[%w\x80-\xFF]+") do
    local first
    if utf8.len(word) then
      for _, code in utf8.codes(word) do
        local script = scripts.of(code)
        if script and alike[script] then
          if first and first ~= script then return word, first .. " and " .. script end
          first = first or script
        end
      end
    end
  end
end

return scripts
