--- The bench as people read it: a table, and notes on how far it can be trusted.
local bytes = require "opah.progress".size

local function number(value)
  if value == 0 then return "0" end
  local size = math.abs(value)
  return (size >= 100 and "%.0f" or size >= 10 and "%.1f" or size >= 1 and "%.2f" or size >= 0.01 and "%.3f" or "%.2g"):format(value)
end

-- Columns as wide as they need to be; the first is text, the others are set to the right.
local function layout(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(cell)) end
  end
  local lines = {}
  for r, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local space = (" "):rep(widths[i] - utf8.len(cell))
      cells[i] = (i == 1 or i == #row) and cell .. space or space .. cell
    end
    lines[r] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return lines
end

-- Rates that differ by more than a tenth, or programs that ran beside the bench, spoil figures.
local function quiet(report)
  local notes, uneven = report.notes, {}
  if report.load_average > 0.5 then
    notes[#notes + 1] = ("other programs were running when the bench began (load average %.1f)"):format(report.load_average)
  end
  for _, figure in ipairs(report.figures) do
    if figure.rates then
      local a, b = figure.rates.before, figure.rates.after
      for _, name in ipairs { "matrix_rate", "read_bandwidth" } do
        if math.abs(a[name] - b[name]) > 0.1 * math.max(a[name], b[name]) then uneven[#uneven + 1] = figure.name break end
      end
    end
  end
  if #uneven > 0 then
    notes[#notes + 1] = "the machine's rates changed by more than a tenth around " .. table.concat(uneven, ", ") .. ": measure these again when it is quiet"
  end
end

--- Lines of text, and how many figures failed. Adds to the report's notes.
return function(report)
  local rows, failed, rate, bandwidth = { { "figure", "measured", "spread", "floor", "fraction", "peak", "met", "goal", "what" } }, 0, {}, {}
  for _, figure in ipairs(report.figures) do
    if figure.error then
      failed = failed + 1
      rows[#rows + 1] = { figure.name, "failed", "", "", "", "", "", "", figure.what }
      report.notes[#report.notes + 1] = figure.name .. " failed: " .. figure.error:gsub("%s+$", "")
    else
      for _, when in pairs(figure.rates) do
        rate[#rate + 1], bandwidth[#bandwidth + 1] = when.matrix_rate, when.read_bandwidth
      end
      rows[#rows + 1] = {
        figure.name, number(figure.median) .. " " .. figure.unit, #figure.values > 1 and number(figure.least) .. "-" .. number(figure.most) or "",
        figure.floor and number(figure.floor) or "", figure.fraction and ("%.2f"):format(figure.fraction) or "", bytes(figure.peak),
        figure.met == nil and "" or figure.met and "yes" or "NO", figure.goal, figure.what,
      }
    end
  end
  quiet(report)
  local lines = { ("%s, %d threads, %s%s"):format(report.machine.model, report.machine.threads, report.machine.instruction_set, report.quick and "; --quick: times mean nothing" or "") }
  if #rate > 0 then
    lines[#lines + 1] = ("matrix products %.0f-%.0f GFLOP/s, reading memory %.1f-%.1f GB/s"):format(math.min(table.unpack(rate)) / 1e9, math.max(table.unpack(rate)) / 1e9,
      math.min(table.unpack(bandwidth)) / 1e9, math.max(table.unpack(bandwidth)) / 1e9)
  end
  lines[#lines + 1] = ""
  for _, line in ipairs(layout(rows)) do lines[#lines + 1] = line end
  for _, figure in ipairs(report.figures) do
    local details = {}
    for name, value in pairs(figure.details or {}) do details[#details + 1] = ("%s %s"):format(name, math.type(value) == "integer" and value or number(value)) end
    table.sort(details)
    if #details > 0 then lines[#lines + 1] = ("  %s: %s"):format(figure.name, table.concat(details, ", ")) end
  end
  for _, note in ipairs(report.notes) do lines[#lines + 1] = "note: " .. note end
  return lines, failed
end
