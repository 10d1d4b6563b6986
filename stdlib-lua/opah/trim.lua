--- Texts without the white space around them.

--- In time that grows with the text's length alone: with `^%s*(.-)%s*$`, as it is often written, a hundred thousand blanks
--- inside a line take minutes.
---
---     require "opah.trim" "  a b\n"  --> "a b"
---@param text string
---@return string
local function trim(text)
  local from = text:match("^%s*()")
  return from > #text and "" or text:match(".*%S", from)
end

return trim
