--- Stages that make one folder from all of their inputs: made again as a whole, and put in place as a whole.
local fs, progress, reasons = require "opah.fs", require "opah.progress", require "opah.graph.reasons"
local machine, took = require "opah.machine", require "opah.graph.took"

local whole = { settings = { inputs = true, params = true, resume = true } }

local function names_of(outputs)
  local names = {}
  for name in pairs(outputs) do names[#names + 1] = name end
  return names
end

--- Puts a finished folder in the place of an earlier one. Killed in between, the stage has no folder for a
-- moment, and is made again.
local function put_in_place(folder, path, aside)
  fs.remove(aside, { recursive = true })
  if fs.exists(path) then fs.move(path, aside) end
  fs.move(folder, path)
  fs.remove(aside, { recursive = true })
end

function whole.run(graph, stage)
  local before, key = graph:manifest(stage), graph:key(stage)
  local made = before.outputs or {}
  local now = graph.digests:of_all(stage.path, names_of(made))
  local why = reasons.key(before.key, key) or reasons.outputs(made, now)
  if not why then
    graph:found(stage, made)
    return { fresh = 1, made = 0, skipped = {} }
  end
  progress.log(("%-12s to make: %s%s"):format(stage.name, why, took.last_time(before.seconds)))
  local began = machine.now()
  local folder = graph:workshop(stage, stage.resume and key)
  stage.work(graph:inputs_of(stage), folder, stage.params)
  put_in_place(folder, stage.path, fs.join(graph.state, stage.name .. ".old"))
  local outputs = graph.digests:of_all(stage.path, graph.names_below(stage.path))
  local seconds = machine.now() - began
  graph:save_manifest(stage, { key = key, outputs = outputs, seconds = seconds })
  graph:clear_workshop(stage)
  graph:found(stage, outputs)
  return { fresh = 0, made = 1, skipped = {}, why = why, seconds = seconds }
end

function whole.describe(report) return report.made > 0 and "made" .. took.text(report.seconds) or "fresh" end

return whole
