--- Tables of results: aligned text for a terminal, Markdown for notes, rows for opah.report.
--
--   local sweep = require "opah.tables" { "rank", "lr", "loss" }
--   sweep:add { 8, 1e-4, 3.217 }
--   print(sweep:text())                                  -- also sweep:markdown() and sweep:html()
--   report.html("sweep.html", { sweep:block() })         -- as a block of a report

local escape, progress = require "opah.html".escape, require "opah.progress"

---@class opah.tables.Options
---@field digits? integer Significant digits of fractions; 4 unless given.

---@class opah.Table
---@field header string[] The names of the columns.
---@field rows any[][] The cells as they were added.
---@field digits integer Significant digits of fractions.
local Table = {}
Table.__index = Table

--- An empty table with these column names.
---
---     losses = tables({ "step", "loss" }, { digits = 3 })
---     losses:add({ 100, 3.14159 }):block().table  --> {{"100", "3.14"}}
---@param header string[]
---@param options? opah.tables.Options
---@return opah.Table
local function new(header, options)
  return setmetatable({ header = header, rows = {}, digits = options and options.digits or 4 }, Table)
end

--- Adds a row, a cell for each column (another number of them is an error); returns the table, so that calls can follow.
---
---     losses = tables { "step", "loss" }
---     losses:add({ 100, 3.5 }):add({ 200, 3.25 })
---     #losses.rows  --> 2
---@param row any[]
---@return opah.Table
function Table:add(row)
  if #row ~= #self.header then
    error(("a row of %d cells for %d columns (%s)"):format(#row, #self.header, table.concat(self.header, ", ")), 2)
  end
  self.rows[#self.rows + 1] = row
  return self
end

--- Orders the rows by a column, given by its name (one that there is not is an error): smallest first, or largest with
--- `descending`. Returns the table.
---
---     losses = tables { "rank", "loss" }:add({ 8, 3.5 }):add({ 16, 3.25 })
---     losses:sort("loss").rows[1]        --> {16, 3.25}
---     losses:sort("loss", true).rows[1]  --> {8, 3.5}
---@param column string
---@param descending? boolean
---@return opah.Table
function Table:sort(column, descending)
  local index
  for i, name in ipairs(self.header) do if name == column then index = i end end
  if not index then error(("no column is called %s: %s"):format(column, table.concat(self.header, ", ")), 2) end
  table.sort(self.rows, function(a, b)
    if descending then a, b = b, a end
    return a[index] < b[index]
  end)
  return self
end

function Table:cell(value)
  if math.type(value) == "float" then return ("%." .. self.digits .. "g"):format(value) end
  return tostring(value)
end

--- A cell as a terminal may have it: a name in it neither clears the screen nor begins a line.
local function shown(text) return utf8.len(text) and progress.name(text, { output = true }) or text end

--- A cell of a text file, likewise.
local function written(text) return utf8.len(text) and progress.name(text) or text end

--- How many columns of a terminal a text takes; bytes where it is not UTF-8.
local function width(text) return utf8.len(text) and progress.columns(text) or #text end

--- All cells as text, which goes through `write` when it is given, the header first, with the width of each column and
--- whether it holds only numbers.
local function layout(self, write)
  write = write or function(text) return text end
  local lines, widths, numeric = { {} }, {}, {}
  for i, name in ipairs(self.header) do
    lines[1][i] = write(name)
    widths[i], numeric[i] = width(lines[1][i]), true
  end
  for _, row in ipairs(self.rows) do
    local line = {}
    for i, value in ipairs(row) do
      line[i] = write(self:cell(value))
      widths[i] = math.max(widths[i], width(line[i]))
      numeric[i] = numeric[i] and type(value) == "number"
    end
    lines[#lines + 1] = line
  end
  return lines, widths, numeric
end

local function padded(text, columns, right)
  local space = (" "):rep(columns - width(text))
  return right and space .. text or text .. space
end

--- Aligned columns for a terminal: numbers to the right, the rest to the left.
---
---     print(tables({ "voice", "loss" }):add({ "Alice", 3.5 }):add({ "花子", 12 }):text())
---@return string
function Table:text()
  local lines, widths, numeric = layout(self, shown)
  for n, line in ipairs(lines) do
    local cells = {}
    for i, cell in ipairs(line) do cells[i] = padded(cell, widths[i], numeric[i]) end
    lines[n] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- A Markdown table; `|` in cells is escaped.
---
---     losses = tables { "step", "loss" }:add { 100, 3.5 }
---     losses:markdown():match("[^\n]+")  --> "| step | loss |"
---@return string
function Table:markdown()
  local lines, widths, numeric = layout(self, written)
  local rule = {}
  for i, columns in ipairs(widths) do
    rule[i] = ("-"):rep(math.max(3, columns) - (numeric[i] and 1 or 0)) .. (numeric[i] and ":" or "")
  end
  for n, line in ipairs(lines) do
    local cells = {}
    for i, cell in ipairs(line) do cells[i] = padded(cell:gsub("|", "\\|"), math.max(3, widths[i]), numeric[i]) end
    lines[n] = "| " .. table.concat(cells, " | ") .. " |"
  end
  table.insert(lines, 2, "| " .. table.concat(rule, " | ") .. " |")
  return table.concat(lines, "\n")
end

--- An HTML table; what means something in HTML is escaped.
---
---     tables({ "step" }):add({ 100 }):html()  --> <table>...<td>100</td>...</table>
---@return string
function Table:html()
  local lines = layout(self)
  for n, line in ipairs(lines) do
    local form, cells = n == 1 and '<th scope="col">%s</th>' or "<td>%s</td>", {}
    for i, cell in ipairs(line) do cells[i] = form:format(escape(cell)) end
    lines[n] = "<tr>" .. table.concat(cells) .. "</tr>"
  end
  return "<table>\n" .. table.concat(lines, "\n") .. "\n</table>"
end

--- A block for opah.report, cells as `text` shows them.
---
---     losses = tables { "step", "loss" }:add { 100, 3.14159 }
---     losses:block()  --> {header = {"step", "loss"}, table = {{"100", "3.142"}}}
---     report.html("losses.html", { losses:block() })
---@return table
function Table:block()
  local lines = layout(self)
  return { header = table.remove(lines, 1), table = lines }
end

return new
