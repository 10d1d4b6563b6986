--- How far what was heard is from what was to be said: word and character error rates.
local errors = {}

--- Letters, digits and marks of a text in lower case (of ASCII and Latin-1), everything else as blanks.
local function plain(text)
  local out = {}
  for _, code in utf8.codes(text, true) do
    -- Full-width forms are those of ASCII, and capitals of Latin-1 lie 32 below their small letters.
    if code >= 0xFF01 and code <= 0xFF5E then code = code - 0xFEE0 end
    if code >= 0x41 and code <= 0x5A or code >= 0xC0 and code <= 0xDE and code ~= 0xD7 then code = code + 32 end
    if code >= 0x0410 and code <= 0x042F then code = code + 32 end
    local is_mark = code < 0x30 or code > 0x39 and code < 0x61 or code > 0x7A and code < 0xC0
      or code >= 0x2000 and code <= 0x206F or code >= 0x3000 and code <= 0x3004 or code >= 0x3008 and code <= 0x303F
      or code == 0x30FB or code >= 0xFF5F and code <= 0xFF65
    -- Apostrophes stand inside words.
    if code ~= 0x27 and code ~= 0x2019 then out[#out + 1] = is_mark and " " or utf8.char(code) end
  end
  return (table.concat(out):gsub("%s+", " "):match("^ ?(.-) ?$"))
end

--- The least number of items to put in, take out or exchange: Levenshtein's distance of two lists.
local function edits(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal, item = row[0], a[i]
    row[0] = i
    for j = 1, #b do
      local kept = diagonal
      if item ~= b[j] then kept = kept + 1 end
      diagonal = row[j]
      local best = diagonal + 1
      if row[j - 1] + 1 < best then best = row[j - 1] + 1 end
      row[j] = kept < best and kept or best
    end
  end
  return row[#b]
end

local function split(text, pattern)
  local list = {}
  for item in text:gmatch(pattern) do list[#list + 1] = item end
  return list
end

--- Whether a text is in kana or Han, which know no blanks between words.
local function has_no_words(text)
  for _, code in utf8.codes(text, true) do if code >= 0x3041 and code <= 0x9FFF then return true end end
  return false
end

--- `{ words, characters }`, shares of what was to be said; above 1 when more was heard than that. Words are nil for Japanese and
--- Chinese. What was heard counts up to ten times the length.
function errors.rates(wanted, heard)
  wanted, heard = plain(wanted), plain(heard)
  if wanted == "" then return {} end
  local cut = utf8.offset(heard, 10 * utf8.len(wanted) + 100)
  if cut then heard = heard:sub(1, cut - 1) end
  local letters = "[%z\1-\127\194-\244][\128-\191]*"
  local a, b = split((wanted:gsub(" ", "")), letters), split((heard:gsub(" ", "")), letters)
  local rates = { characters = edits(a, b) / #a }
  local words = split(wanted, "%S+")
  if not has_no_words(wanted) then rates.words = edits(words, split(heard, "%S+")) / #words end
  return rates
end

return errors
