--- The text of a list, table or label file as its writer meant it: UTF-8 with or without a mark, UTF-16 with one (Praat
-- writes that as soon as a text has an accent), lines ended by LF, CRLF or CR.
local fs, progress = require "opah.fs", require "opah.progress"

-- Larger ones are no text: a million rows take less.
local largest = 256 * 1024 * 1024

--- UTF-8 of UTF-16 bytes; `format` is string.unpack's, and a lone surrogate becomes U+FFFD.
local function from_utf16(bytes, format)
  local parts, buffer, high = {}, {}, nil
  for position = 1, #bytes - 1, 2 do
    local unit = string.unpack(format, bytes, position)
    if high and unit >= 0xDC00 and unit < 0xE000 then
      buffer[#buffer + 1] = utf8.char(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00))
      high = nil
    else
      if high then buffer[#buffer + 1] = "\u{FFFD}" end
      high = nil
      if unit >= 0xD800 and unit < 0xDC00 then high = unit
      elseif unit >= 0xDC00 and unit < 0xE000 then buffer[#buffer + 1] = "\u{FFFD}"
      else buffer[#buffer + 1] = utf8.char(unit) end
    end
    if #buffer >= 4096 then parts[#parts + 1], buffer = table.concat(buffer), {} end
  end
  parts[#parts + 1] = table.concat(buffer)
  return table.concat(parts) .. (high and "\u{FFFD}" or "")
end

--- The whole text, its lines ended by `\n`. What is neither UTF-8 nor UTF-16 with a mark is an error.
---
---     fs.write("list.txt", "\u{FEFF}a|Good morning.\r\n")
---     source_text("list.txt")  --> "a|Good morning.\n"
---@param path string
---@return string
return function(path)
  local stat = fs.stat(path)
  if stat and stat.size > largest then
    error(fs.error("text", ("%s: %d bytes are too many for a list"):format(progress.name(path), stat.size), "divide it"), 0)
  end
  local bytes = fs.read(path)
  if bytes:sub(1, 2) == "\xFF\xFE" then bytes = from_utf16(bytes:sub(3), "<I2")
  elseif bytes:sub(1, 2) == "\xFE\xFF" then bytes = from_utf16(bytes:sub(3), ">I2")
  elseif bytes:sub(1, 3) == "\xEF\xBB\xBF" then bytes = bytes:sub(4) end
  local _, bad = utf8.len(bytes)
  if bad then
    local _, breaks = bytes:sub(1, bad):gsub("\r?\n", "")
    error(fs.error("text", ("%s:%d: not UTF-8"):format(progress.name(path), breaks + 1),
      "convert it first, such as: iconv -f CP932 -t UTF-8 old.txt > new.txt"), 0)
  end
  return (bytes:gsub("\r\n", "\n"):gsub("\r", "\n"))
end
