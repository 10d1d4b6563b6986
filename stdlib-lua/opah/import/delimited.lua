--- Rows of a table in a text file, each with the line it begins on.
local trim = require "opah.trim"

---@class opah.import.delimited
local delimited = {}

--- Rows of lines that are cut at each `delimiter`, quotes meaning nothing: `{ line, fields... }`. Empty lines are
--- passed over.
---
---     delimited.plain("a|one\n\nb|\"two\"", "|")  --> {{"a", "one", line = 1}, {"b", "\"two\"", line = 3}}
---@param text string
---@param delimiter string One character.
---@return table[]
function delimited.plain(text, delimiter)
  local rows, number = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if line:find("%S") then
      local row = { line = number }
      for field in (line .. delimiter):gmatch("(.-)%" .. delimiter) do row[#row + 1] = field end
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- A field of a table whose quotes mean nothing, where a spreadsheet wrote it all the same: quotes around it, and each one in
--- it twice. Only what such a writer would have written is read so.
---
---     delimited.unquoted '"He said: ""no"""', delimited.unquoted '"No", he said.'  --> 'He said: "no"', '"No", he said.'
---@param field string
---@return string
function delimited.unquoted(field)
  local inner = field:match('^"(.*)"$')
  if not inner or not inner:find('""', 1, true) or inner:gsub('""', ""):find('"', 1, true) then return field end
  return (inner:gsub('""', '"'))
end

--- Rows of CSV (RFC 4180): a field in quotes may hold delimiters, line ends, and quotes written twice. A quote that runs over
--- lines and does not close where its field ends would take the rows in between with it: its row has a `problem`.
---
---     delimited.quoted('a,"one, ""two"""\n', ",")  --> {{"a", "one, \"two\"", line = 1}}
---     delimited.quoted('a,"one\nb,two\n', ",")[1].problem  --> "the quote that opens in line 1 never closes..."
---@param text string
---@param delimiter string One character.
---@return table[]
function delimited.quoted(text, delimiter)
  local rows, row, position, line = {}, nil, 1, 1
  local bare = "^([^\n%" .. delimiter .. "]*)"
  while position <= #text do
    row = row or { line = line }
    local field
    if text:sub(position, position) == '"' then
      local parts, from, quote = {}, position + 1
      while true do
        quote = text:find('"', from, true)
        parts[#parts + 1] = text:sub(from, (quote or #text + 1) - 1)
        position = (quote or #text) + 1
        if not quote or text:sub(position, position) ~= '"' then break end
        parts[#parts + 1], from = '"', position + 1
      end
      field = table.concat(parts)
      local _, breaks = field:gsub("\n", "")
      line = line + breaks
      -- What follows the closing quote belongs to the field, as other readers take it.
      local rest = text:match(bare, position)
      if not quote then
        row.problem = ("the quote that opens in line %d never closes, and takes what follows with it"):format(line - breaks)
      elseif rest ~= "" and breaks > 0 then
        row.problem = ("the quote that opens in line %d closes within a field of line %d"):format(line - breaks, line)
      end
      field, position = field .. rest, position + #rest
    else
      field = text:match(bare, position)
      position = position + #field
    end
    row[#row + 1] = field
    local ended = text:sub(position, position)
    position = position + 1
    if ended == delimiter then
      if position > #text then row[#row + 1] = "" end
    else
      line = line + 1
      if #row > 1 or row[1] ~= "" then rows[#rows + 1] = row end
      row = nil
    end
  end
  if row then rows[#rows + 1] = row end
  return rows
end

--- Where the columns of a header are, by lower-case name; second, the names that it has twice, where the first is meant.
---
---     delimited.columns { "File_Name", " text" }  --> {file_name = 1, text = 2}, {}
---@param header string[]
---@return table<string, integer>
---@return table<string, true>
function delimited.columns(header)
  local columns, twice = {}, {}
  for i, name in ipairs(header) do
    name = trim(name:lower())
    if columns[name] then twice[name] = true else columns[name] = i end
  end
  return columns, twice
end

--- What is wrong with a row under a header of `count` columns, of which it needs the first `needed`; nil when nothing is. A
--- row with more columns has its texts in pieces: what parts the columns stands in one of them.
---
---     delimited.problem({ "a.wav", "Yes", " I do" }, 2, 2)  --> "3 columns, and the header has 2: ..."
---@param row table
---@param count integer
---@param needed integer
---@return string?
function delimited.problem(row, count, needed)
  if row.problem then return row.problem end
  if #row < needed then return "the line has too few columns" end
  for i = count + 1, #row do
    if row[i]:find("%S") then
      return ("%d columns, and the header has %d: is there one that parts columns in a text?"):format(#row, count)
    end
  end
end

return delimited
