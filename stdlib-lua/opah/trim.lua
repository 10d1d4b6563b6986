--- A text without white space around it, in time that grows with its length alone: with `^%s*(.-)%s*$`, as it is often
-- written, a hundred thousand blanks inside a line take minutes.
---
---     require "opah.trim" "  a b\n"  --> "a b"
---@param text string
---@return string
local function trim(text)
  local from = text:match("^%s*()")
  return from > #text and "" or text:match(".*%S", from)
end

return trim
