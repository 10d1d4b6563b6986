--- The bench as people read it: tables, and notes on how far they can be trusted.
local comparisons, page = require "opah.bench.comparisons", require "opah.bench.page"
local bytes, number = require "opah.progress".size, page.number

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

-- One row for each goal, the first with the figure.
local function figure_rows(rows, figure)
  local goals = {}
  for goal in (figure.goal .. ", "):gmatch("(.-), ") do goals[#goals + 1] = goal end
  rows[#rows + 1] = {
    figure.name, number(figure.median) .. " " .. figure.unit, page.spread(figure),
    figure.floor and number(figure.floor) or "", figure.fraction and ("%.2f"):format(figure.fraction) or "",
    bytes(figure.peak), page.met(figure.met), goals[1] or "",
  }
  for i = 2, #goals do rows[#rows + 1] = { "", "", "", "", "", "", "", goals[i] } end
end

-- `matrix products 210-220 GFLOP/s (bf16 380-400), reading memory 40.1-44.0 GB/s`
local function rate_line(report)
  local function range(name, form)
    local least, most = math.huge, 0
    for _, figure in ipairs(report.figures) do
      for _, rates in pairs(figure.rates or {}) do
        if rates[name] then least, most = math.min(least, rates[name]), math.max(most, rates[name]) end
      end
    end
    return most > 0 and (form .. "-" .. form):format(least / 1e9, most / 1e9) or nil
  end
  local products, half = range("matrix_rate", "%.0f"), range("bfloat16_rate", "%.0f")
  if not products then return nil end
  local with_half = half and (" (bf16 %s)"):format(half) or ""
  return ("matrix products %s GFLOP/s%s, reading memory %s GB/s"):format(products, with_half, range("read_bandwidth", "%.1f"))
end

-- What a figure is, and its further numbers.
local function about(figure)
  local details = {}
  for name, value in pairs(figure.details or {}) do
    details[#details + 1] = ("%s %s"):format(name, math.type(value) == "integer" and value or number(value))
  end
  table.sort(details)
  local text = figure.name .. ": " .. figure.what
  return #details > 0 and ("%s (%s)"):format(text, table.concat(details, ", ")) or text
end

--- Lines of text, how many figures failed, and how many comparisons were left out. Adds to the report's notes.
return function(report)
  local rows, failed = { { "figure", "measured", "spread", "floor", "fraction", "peak", "met", "goal" } }, 0
  for _, figure in ipairs(report.figures) do
    if figure.error then
      failed = failed + 1
      rows[#rows + 1] = { figure.name, "failed", "", "", "", "", "", "" }
      report.notes[#report.notes + 1] = figure.name .. " failed: " .. figure.error:gsub("%s+$", "")
    else
      figure_rows(rows, figure)
    end
  end
  quiet(report)
  local lines = {}
  local function add(more) table.move(more, 1, #more, #lines + 1, lines) end
  local machine = report.machine
  local quickly = report.quick and "; --quick: times mean nothing" or ""
  add { ("%s, %d threads, %s%s"):format(machine.model, machine.threads, machine.instruction_set, quickly) }
  add { rate_line(report) }
  add { "" }
  add(page.table(rows))
  local against, left_out = comparisons.against(report)
  for _, part in ipairs { against, comparisons.beside(report) } do
    if #part > 0 then
      add { "" }
      add(part)
    end
  end
  add { "" }
  for _, figure in ipairs(report.figures) do add(page.wrap(about(figure), "  ")) end
  for _, note in ipairs(report.notes) do add(page.wrap("note: " .. note, "  ")) end
  return lines, failed, left_out
end
