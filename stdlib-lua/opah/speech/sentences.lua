--- A paragraph as sentences: cut after . ! ? … and 。！？ with the quotes and brackets that close there, but not after abbreviations,
-- initials and numbers.
local trim = require "opah.trim"
local sentences = {}

local abbreviations = {}
for word in ("mr mrs ms dr prof st sr jr vs etc e.g i.e no vol fig al ca bzw z.b d.h usw nr bd hr fr abb art dept inc ltd col gen capt lt sgt mt"):gmatch("%S+") do
  abbreviations[word] = true
end

local closers = { ["\u{201D}"] = true, ["\u{2019}"] = true, ["\u{00BB}"] = true, ["\u{300D}"] = true, ["\u{300F}"] = true,
  ["\u{FF09}"] = true, ["\u{3011}"] = true, [")"] = true, ["]"] = true, ['"'] = true, ["'"] = true }
-- These end a sentence wherever they stand; the others need a blank behind them.
local strong = { ["。"] = true, ["！"] = true, ["？"] = true }
local weak = { ["."] = true, ["!"] = true, ["?"] = true, ["…"] = true }

--- Fewer letters than this are spoken together with what follows: a word alone is hard to say for a model.
local shortest = 12

local function letters(text)
  local count = 0
  for _, code in utf8.codes(text, true) do
    -- A character of CJK says as much as three letters.
    count = count + (code >= 0x3000 and 3 or code > 0x2F and 1 or 0)
  end
  return count
end

--- Whether the full stop after `before` ends no sentence.
local function is_abbreviation(before, after)
  local word = before:match("([%a%.]+)$")
  if word and (abbreviations[word:lower()] or word:find("^%u$") or word:find("%.%a$")) then return true end
  return before:find("^%s*%d+$") ~= nil or after:find("^%s*%l") ~= nil
end

--- Two texts as one: between characters of languages that are written without blanks there is none.
function sentences.join(a, b)
  local last, first = utf8.codepoint(a, utf8.offset(a, -1)), utf8.codepoint(b)
  local function wide(code) return code >= 0x3000 and code < 0xAC00 or code >= 0xFF00 and code < 0xFFF0 end
  return wide(last) and wide(first) and a .. b or a .. " " .. b
end

--- The sentences of a paragraph, in order, without blanks around them.
function sentences.split(paragraph)
  local characters = {}
  for _, code in utf8.codes(paragraph, true) do characters[#characters + 1] = utf8.char(code) end
  -- A sentence is characters from `first` to before `i`: it is put together once, however long it is.
  local list, first, i = {}, 1, 1
  local function finish()
    local sentence = trim(table.concat(characters, "", first, i - 1))
    if sentence ~= "" then list[#list + 1] = sentence end
    first = i
  end
  while i <= #characters do
    local c = characters[i]
    if strong[c] or weak[c] then
      -- No abbreviation is longer.
      local before, all_weak = table.concat(characters, "", math.max(first, i - 100), i - 1), true
      while i <= #characters and (strong[characters[i]] or weak[characters[i]]) do
        all_weak = all_weak and weak[characters[i]] ~= nil
        i = i + 1
      end
      local closed = closers[characters[i]]
      while i <= #characters and closers[characters[i]] do i = i + 1 end
      local after = table.concat(characters, "", i, math.min(#characters, i + 8))
      -- What follows a closing quote at once, as 「はい。」と does, belongs to the sentence, unless another quote begins.
      local opens = after:sub(1, 3) == "\u{300C}" or after:sub(1, 3) == "\u{300E}"
      local ends = after == "" or after:find("^%s") ~= nil or not all_weak and (not closed or opens)
      if ends and c == "." and all_weak and after ~= "" and is_abbreviation(before, after) then ends = false end
      if ends then finish() end
    else
      i = i + 1
    end
  end
  finish()
  -- Short ones join the next, the last of a paragraph the one before.
  local joined, waiting = {}, nil
  for _, sentence in ipairs(list) do
    if waiting then sentence = sentences.join(waiting, sentence) end
    -- Signs without letters do not wait for ever.
    waiting = #sentence < 500 and letters(sentence) < shortest and sentence or nil
    if not waiting then joined[#joined + 1] = sentence end
  end
  if waiting then
    if #joined > 0 then joined[#joined] = sentences.join(joined[#joined], waiting) else joined[1] = waiting end
  end
  return joined
end

return sentences
