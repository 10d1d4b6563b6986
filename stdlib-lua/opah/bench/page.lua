--- How the bench's results are set: tables with columns as wide as they need to be, and lines that stay within a page.
local page = {}

page.width = 100

--- Three significant digits or so, as text.
function page.number(value)
  if value == 0 then return "0" end
  local size = math.abs(value)
  local form = size >= 100 and "%.0f" or size >= 10 and "%.1f" or size >= 1 and "%.2f" or size >= 0.01 and "%.3f" or "%.2g"
  return form:format(value)
end

--- The least and the most of several values; nothing for a single one.
function page.spread(measured)
  return #measured.values > 1 and page.number(measured.least) .. "-" .. page.number(measured.most) or ""
end

--- Whether a goal is met, as a cell.
function page.met(met) return met == nil and "" or met and "yes" or "NO" end

--- Lines of a table: the first column and the last are text, the others are set to the right. Columns stand closer where
-- the lines would not stay within a page otherwise.
function page.table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell)) end
  end
  local total = -2
  for _, width in ipairs(widths) do total = total + width + 2 end
  local gap, lines = total > page.width and " " or "  ", {}
  for r, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local space = (" "):rep(widths[i] - utf8.len(cell))
      cells[i] = (i == 1 or i == #row) and cell .. space or space .. cell
    end
    lines[r] = (table.concat(cells, gap):gsub("%s+$", ""))
  end
  return lines
end

--- A text as lines of at most `page.width`, broken between words; those after the first are indented.
function page.wrap(text, indent)
  local lines, line = {}, nil
  for word in text:gmatch("%S+") do
    if not line then
      line = word
    elseif #line + 1 + #word > page.width then
      lines[#lines + 1], line = line, indent .. word
    else
      line = line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

return page
