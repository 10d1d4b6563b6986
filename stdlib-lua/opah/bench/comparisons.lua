--- What the bench compares, as people read it: Opah beside PyTorch, and beside a competitor. Lists of lines, empty
-- where nothing was compared, and how many comparisons were left out.
local bytes, page = require "opah.progress".size, require "opah.bench.page"
local number, met = page.number, page.met

local comparisons = {}

local function goal(value) return value and (">= %.3g"):format(value) or "" end

--- Opah's figures beside those of PyTorch; adds to the report's notes what could not be compared.
function comparisons.against(report)
  local about, notes = report.against, report.notes
  if not about then return {}, 0 end
  if about.error then
    notes[#notes + 1] = ("nothing was compared with PyTorch: %s %s"):format(about.program, about.error)
    return {}, 1
  end
  local rows, missing = { { "figure", "Opah", "PyTorch", "spread", "peak", "ratio", "goal", "met", "in PyTorch" } }, 0
  for _, figure in ipairs(report.figures) do
    for _, other in ipairs(figure.against or {}) do
      if other.error then
        missing = missing + 1
        local note = "%s was not compared with PyTorch (%s): it %s"
        notes[#notes + 1] = note:format(figure.name, other.name, other.error)
      else
        rows[#rows + 1] = {
          figure.name, figure.median and number(figure.median) or "failed", number(other.median) .. " " .. figure.unit,
          page.spread(other), bytes(other.peak), other.ratio and number(other.ratio) .. " x" or "", goal(other.goal),
          met(other.met), other.name,
        }
      end
    end
  end
  if #rows == 1 then return {}, missing end
  local lines = page.table(rows)
  local title = "PyTorch %s, %s threads; the ratio is how many times as fast Opah is"
  table.insert(lines, 1, title:format(about.torch, about.threads))
  return lines, missing
end

--- Figures beside a competitor.
function comparisons.beside(report)
  if not report.beside then return {} end
  local rows = { { "figure", "quiet", "beside", "share", "goal", "met", "one thread", "all/one", "met" } }
  for _, figure in ipairs(report.figures) do
    local busy = figure.beside
    if busy then
      local one = busy.one_thread
      rows[#rows + 1] = {
        figure.name, number(figure.median), number(busy.median) .. " " .. figure.unit, ("%.2f"):format(busy.share),
        goal(busy.goal), met(busy.met), one and number(one.median) or "", one and ("%.2f"):format(one.ratio) or "",
        one and met(one.met) or "",
      }
    end
  end
  if #rows == 1 then return {} end
  local lines = page.table(rows)
  local title = "beside a process that computes on processor %d; shares are of the quiet speed, pair by pair"
  table.insert(lines, 1, title:format(report.beside.processor))
  return lines
end

return comparisons
