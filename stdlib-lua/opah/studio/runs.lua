--- Training runs below a folder, also those that appear later: their figures, checkpoints, and what auditions spoke at
-- them.
local fs, http, json = require "opah.fs", require "opah.http", require "opah.json"
local machine, plot = require "opah.machine", require "opah.plot"
local loop, metrics_file = require "opah.serving.loop", require "opah.studio.metrics_file"
local views = require "opah.studio.views"

local Runs = {}
Runs.__index = Runs

local runs = {}

-- Seconds from one walk through the folder to the next, and from one look at the files of figures to the next.
local walk_time, look_time = 3, 0.5
-- Runs that are followed, points of a curve, lines of a log, curves of a plot.
local most_runs, most_points, most_lines, most_curves = 200, 800, 200, 8

function runs.new(folder) return setmetatable({ folder = folder, by_name = {}, order = {}, files = {},
  walked = -math.huge, looked = -math.huge, version = 0 }, Runs) end

--- Names of a walk by what they are: runs with their checkpoints and auditions. The files of auditions are remembered,
--- since nothing else is ever sent.
local function walk(self)
  local found, order, files = {}, {}, {}
  local root = fs.resolve(self.folder)
  local function run_of(name)
    if not found[name] and #order < most_runs then
      found[name] = { name = name, checkpoints = {} }
      order[#order + 1] = name
    end
    return found[name]
  end
  if fs.stat(self.folder) and fs.stat(self.folder).kind == "folder" then
    for _, path in ipairs(fs.list(self.folder, { recursive = true, extension = { ".jsonl", ".ckpt", ".json", ".wav",
      ".png" } })) do
      local below = fs.relative(path, self.folder)
      -- The folder may itself be that of a run.
      local where, rest = ("./" .. below):match("^(.*)/(metrics%.jsonl)$")
      if not where then where, rest = ("./" .. below):match("^(.*)/(checkpoints/step_%d+%.ckpt)$") end
      if not where then where, rest = ("./" .. below):match("^(.*)/(audition/.*)$") end
      local inside = where and fs.resolve(path):sub(1, #root + 1) == (root == "/" and "/" or root .. "/")
      local run = inside and run_of(where == "." and fs.basename(root) or where:sub(3))
      if run then
        local step = rest:match("^checkpoints/step_(%d+)%.ckpt$")
        if rest == "metrics.jsonl" then run.metrics = path
        elseif rest == "audition/audition.json" then run.audition, run.audition_stamp = below, fs.stamp(path) or ""
        elseif step then table.insert(run.checkpoints, math.tointeger(tonumber(step)))
        elseif rest:match("%.wav$") or rest:match("%.png$") then files[below] = true end
      end
    end
  end
  table.sort(order)
  return found, order, files
end

--- Looks for what is new, when the last look is long enough ago; `version` counts what changed.
function Runs:look()
  local now = machine.now()
  if now - self.walked >= walk_time then
    local found, order, files = walk(self)
    for _, name in ipairs(order) do
      local run, known = found[name], self.by_name[name]
      run.file = known and known.file and known.file.path == run.metrics and known.file or run.metrics
        and metrics_file.new(run.metrics)
      table.sort(run.checkpoints)
      local said = json.encode { run.checkpoints, run.audition_stamp or "", run.metrics or "" }
      if not known or known.said ~= said then self.version = self.version + 1 end
      run.said = said
    end
    for name in pairs(self.by_name) do if not found[name] then self.version = self.version + 1 end end
    self.by_name, self.order, self.files, self.walked = found, order, files, machine.now()
  end
  if now - self.looked >= look_time then
    for _, name in ipairs(self.order) do
      local file = self.by_name[name].file
      if file then file:look() end
    end
    self.looked = machine.now()
  end
end

--- The run that a request names, looked up among those that were found.
local function run_of(context, studio)
  studio.runs:look()
  return studio.runs.by_name[context.request.query.run or ""] or loop.fail(404, "there is no such run below "
    .. studio.runs.folder, { param = "run" })
end

local function text_of(value) return type(value) == "string" and #value <= 2000 and value or nil end
local function number_of(value) return type(value) == "number" and value or nil end

--- The auditions of a run as the page has them: sentences, each with what was spoken at every checkpoint. The file is
--- read as a stranger's: only sounds and pictures that were found on a walk are named.
local function audition(self, run)
  local bytes = run.audition and http.file(self.folder, run.audition)
  local ok, value = pcall(json.decode, bytes or "")
  if not ok or type(value) ~= "table" or type(value.checkpoints) ~= "table" then return {} end
  local sentences, by = {}, {}
  for _, checkpoint in ipairs(value.checkpoints) do
    if type(checkpoint) == "table" and math.type(checkpoint.step) == "integer"
      and type(checkpoint.spoken) == "table" then
      for _, spoken in ipairs(checkpoint.spoken) do
        local line = type(spoken) == "table" and text_of(spoken.text)
        if line then
          local seed = number_of(spoken.seed) or 0
          local key = seed .. "\0" .. line
          if not by[key] then
            by[key] = { text = line, seed = seed, takes = {} }
            sentences[#sentences + 1] = by[key]
          end
          local base = fs.join(fs.dirname(run.audition), tostring(checkpoint.folder))
          local function known(name)
            local path = type(name) == "string" and fs.join(base, name)
            return path and self.files[path] and path or nil
          end
          table.insert(by[key].takes, { step = checkpoint.step, seconds = number_of(spoken.seconds),
            ended = spoken.ended ~= false,
            distance = number_of(spoken.distance), sound = known(spoken.sound), picture = known(spoken.picture) })
        end
      end
    end
  end
  return sentences
end

--- GET /api/runs: what there is.
function runs.list(context, studio)
  local self = studio.runs
  self:look()
  local list = {}
  for i, name in ipairs(self.order) do
    local run = self.by_name[name]
    list[i] = { name = name, checkpoints = run.checkpoints, entries = run.file and #run.file.entries or 0,
      audition = run.audition ~= nil }
  end
  context:json(200, { folder = self.folder, runs = list })
end

--- GET /api/run?run=NAME: figures that can be drawn, checkpoints with held-out losses, what auditions spoke.
function runs.one(context, studio)
  local run = run_of(context, studio)
  local figures, known, losses, list = {}, {}, {}, {}
  for _, entry in ipairs(run.file and run.file.entries or {}) do
    for name, value in pairs(entry) do
      if type(value) == "number" and name ~= "step" and not known[name] then
        known[name] = true
        figures[#figures + 1] = name
      end
    end
    if entry.stage == "val" and entry.step then losses[entry.step] = entry.loss end
  end
  table.sort(figures)
  for i, step in ipairs(run.checkpoints) do list[i] = { step = step, loss = number_of(losses[step]) } end
  context:json(200, { name = run.name, figures = figures, checkpoints = list, sentences = audition(studio.runs, run) })
end

--- GET /api/curve?run=NAME&figure=loss: the curves of a figure as a picture.
function runs.curve(context, studio)
  local run, figure = run_of(context, studio), context.request.query.figure or "loss"
  local curves = run.file and run.file:curves(figure, most_points) or {}
  local names = {}
  for name in pairs(curves) do names[#names + 1] = name end
  table.sort(names)
  local shown, any = {}, false
  for i = 1, math.min(#names, most_curves) do
    shown[names[i] == "val" and "held out" or names[i]] = curves[names[i]]
    any = true
  end
  if not any then loop.fail(404, "this run has no " .. figure .. " yet", { param = "figure" }) end
  views.answer(context, plot.line(shown, { title = figure, x = "step" }))
end

--- GET /api/take?file=NAME: a sound or a picture of an audition, of those that were found.
function runs.take(context, studio)
  local name = context.request.query.file or ""
  if not studio.runs.files[name] then
    studio.runs:look()
    if not studio.runs.files[name] then loop.fail(404, "no audition has such a file", { param = "file" }) end
  end
  local bytes, media_type = http.file(studio.runs.folder, name)
  if not bytes then loop.fail(404, "the file is not there any more", { param = "file" }) end
  context:bytes(200, media_type, bytes)
end

--- What is new for a page that knows `seen` (by name: generation and entries), which is brought up to date: a list of
--- `{ run, anew, entries, count }`, the last lines of what it has missed.
function Runs:news(seen)
  local list = {}
  for _, name in ipairs(self.order) do
    local file = self.by_name[name].file
    local known = seen[name] or { generation = 0, count = 0 }
    if file and (known.file ~= file or known.generation ~= file.generation or known.count ~= #file.entries) then
      local anew = known.file ~= file or known.generation ~= file.generation
      local from = math.max(anew and 1 or known.count + 1, #file.entries - most_lines + 1)
      list[#list + 1] = { run = name, anew = anew, count = #file.entries,
        entries = table.move(file.entries, from, #file.entries, 1, {}) }
      seen[name] = { file = file, generation = file.generation, count = #file.entries }
    end
  end
  return list
end

return runs
