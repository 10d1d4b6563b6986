--- A recipe as a graph of stages whose results are kept: a second run does nothing, and after a change only
-- what depends on it is made again.
--
--   local graph  = require "opah.graph" { folder = "out/my-voice" }
--   local clips  = graph:files("data", { extension = { ".wav", ".mp3", ".flac" } })
--   local labels = graph:files("data", { extension = ".lab" })
--   local function load_codec() return opah.embedded.codec() end
--   local codes  = graph:each("codes", { over = clips, prepare = load_codec }, function(input, output, params, codec)
--     tensor.save_npy(output .. ".npy", codec:encode(audio.load(input)))
--   end)
--   graph:stage("packs", { inputs = { codes = codes, labels = labels } }, function(inputs, output)
--     data.pack { input = graph:gather(inputs), output = output }
--   end)
--   return graph:run()                   -- prints what is fresh, what is made again, and why
--
-- A stage's files are in `<folder>/<stage>/`, completely or not at all. What is compared: the content of the inputs,
-- the params, the stage's own code and what it captures (see opah.graph.version), and the program's version.
-- Stopping is safe at any time; an error leaves what was made before. One process at a time works in a graph's folder:
-- a second one is refused, with who is at work there.
local fs, json, progress = require "opah.fs", require "opah.json", require "opah.progress"
local open_digests, version_of = require "opah.graph.digests", require "opah.graph.version"
local per_file, whole = require "opah.graph.per_file", require "opah.graph.whole"
local opah = require "opah"
local program = opah.version

---@class opah.graph.Node What stages work on: the result of `graph:files`, `graph:each` and `graph:stage`.
---@field path string The folder (or file) that the files lie in.

---@class opah.graph.Input What the work of a stage is handed.
---@field path string A folder.
---@field files string[] Names in it, sorted.

---@class opah.graph.Options
---@field folder string Where everything is kept.

---@class opah.graph.FilesOptions
---@field extension? string|string[] Keeps these suffixes only; all files unless given.
---@field recursive? boolean Enters the folders below; true unless given.

---@class opah.graph.StageSpec
---@field inputs? table<string, opah.graph.Node> What it is made from, by name.
---@field params? table Plain values that it depends on.
---@field resume? boolean The work can go on in a folder that it left unfinished, as train.fit can.

---@class opah.graph.EachSpec
---@field over opah.graph.Node The files to work on.
---@field inputs? table<string, opah.graph.Node> What every file needs besides.
---@field params? table Plain values that the results depend on.
---@field prepare? fun(inputs: table, params: table): any Called once, when there is something to do; its result is handed to the work.
---@field batch? integer How many files the work gets at a time, as lists; one, not as a list, unless given.

---@class opah.Graph
---@field folder string Where everything is kept.
---@field state string Its own files: digests, manifests, unfinished work.
---@field stages table[] In the order of their declaration.
---@field names table<string, table> Stages by name.
---@field digests table Of files, as remembered between runs; while it runs.
local Graph = {}
Graph.__index = Graph

local function refuse(text, hint) error(fs.error("argument", text, hint), 0) end

--- A graph that keeps everything below a folder; the folder is made by `graph:run`. Without one it is an error.
---
---     g = graph { folder = "out/voice" }
---     g.folder  --> "out/voice"
---@param options opah.graph.Options
---@return opah.Graph
local function new(options)
  local folder = type(options) == "table" and options.folder or refuse("a graph needs a folder", 'graph { folder = "out/my-voice" }')
  return setmetatable({ folder = folder, state = fs.join(folder, ".graph"), stages = {}, names = {} }, Graph)
end

-- Declaring ---------------------------------------------------------------------------------------------------

--- Files that the graph starts from: one file, or those below a folder. They are looked for when the graph runs; a
--- path that is not there is an error then.
---
---     g = graph { folder = "out/files" }
---     labels = g:files("data", { extension = ".lab" })
---     g:stage("count", { inputs = { labels = labels } }, function(inputs, output)
---       fs.write(output .. "/count", tostring(#inputs.labels.files))
---     end)
---     g:run()
---     fs.read("out/files/count/count")  --> "14"
---@param path string
---@param options? opah.graph.FilesOptions
---@return opah.graph.Node
function Graph.files(_, path, options)
  options = options or {}
  local recursive = options.recursive == nil or options.recursive
  return { path = path, find = function()
    local stat = fs.stat(path)
    if stat and stat.kind == "file" then return fs.dirname(path), { fs.basename(path) } end
    local names = fs.list(path, { recursive = recursive, extension = options.extension })
    for i, found in ipairs(names) do names[i] = fs.relative(found, path) end
    return path, names
  end }
end

local function is_node(value) return type(value) == "table" and type(value.path) == "string" end

local function declare(graph, kind, name, spec, work)
  local function wrong(text, hint) refuse(("stage %s: %s"):format(name, text), hint) end
  if not name:match("^[%w_-]+$") then wrong("a name is made of letters, digits, - and _") end
  if graph.names[name] then wrong("there are two of that name") end
  if type(work) ~= "function" then wrong("its last argument is the function that does the work") end
  for key in pairs(spec) do
    if not kind.settings[key] then wrong(("there is no setting %s"):format(key)) end
  end
  for input, node in pairs(spec.inputs or {}) do
    if type(input) ~= "string" or not is_node(node) then
      wrong("inputs are stages or graph:files(...), by name", "inputs = { codes = codes }")
    end
  end
  local stage = {
    kind = kind, name = name, path = fs.join(graph.folder, name), work = work, code = version_of(work, spec.prepare),
    over = spec.over, inputs = spec.inputs or {}, params = spec.params or {}, prepare = spec.prepare,
    resume = spec.resume, batch = spec.batch,
  }
  graph.names[name] = stage
  graph.stages[#graph.stages + 1] = stage
  return stage
end

--- A stage that makes a folder of files from all of its inputs: `work(inputs, output, params)`, where `inputs.x` is
--- `{ path, files }` (a folder and names in it) and `output` an empty folder, put in place as `<folder>/<name>` when
--- the work is done. Names are made of letters, digits, - and _; two stages of one name, and settings that there are
--- not, are errors. An error of the work ends the run; a stage that makes no file is one.
---
---     function voice(loudest)
---       g = graph { folder = "out/stage" }
---       g:stage("list", { inputs = { clips = g:files("data/Alice") }, params = { loudest = loudest } },
---         function(inputs, output, params) fs.write(output .. "/list", #inputs.clips.files .. " at " .. params.loudest) end)
---       return select(2, g:run())
---     end
---     voice(-23).list.made, voice(-23).list.made  --> 1, 0
---     voice(-20).list.why                         --> "loudest was -23 and is -20"
---@param name string
---@param spec opah.graph.StageSpec
---@param work fun(inputs: table<string, opah.graph.Input>, output: string, params: table)
---@return opah.graph.Node
function Graph:stage(name, spec, work) return declare(self, whole, name, spec, work) end

--- A stage that works on every file of `spec.over` for itself: `work(input, output, params, prepared)`, where
--- `input` is the file and `output` its place without suffix: write `output .. ".npy"` or the like. An error skips
--- that file and lists it, and `graph:run` returns 3. Two files whose names differ only in the suffix are an error.
---
--- With `spec.batch` the work gets lists of up to so many inputs and outputs at a time (also of one), for work that
--- several files make faster, as `codec:encode { ... }` with its threads. Each file is still kept, made again and
--- skipped for itself: when the work fails, the files of the batch are tried one by one. Changing `batch` makes nothing again.
---
---     g = graph { folder = "out/each" }
---     labels = g:files("data/Alice", { extension = ".lab" })
---     g:each("clean", { over = labels }, function(input, output)
---       label = text.read_label(input)
---       fs.write(output .. ".txt", text.clean(label))
---     end)
---     code, reports = g:run()
---     code, reports.clean.made, #fs.list("out/each/clean")  --> 0, 8, 8
---@param name string
---@param spec opah.graph.EachSpec
---@param work fun(input: any, output: any, params: table, prepared: any) Paths; lists of them with `spec.batch`.
---@return opah.graph.Node
function Graph:each(name, spec, work)
  if not is_node(type(spec) == "table" and spec.over) then
    refuse(("stage %s: over is the stage or the graph:files(...) whose files it works on"):format(name))
  end
  if spec.batch and (math.type(spec.batch) ~= "integer" or spec.batch < 1) then
    refuse(("stage %s: batch is a number of files, at least 1"):format(name))
  end
  return declare(self, per_file, name, spec, work)
end

-- What the two kinds of stages share ----------------------------------------------------------------------------

--- One temporary folder with the files of all inputs, for work that wants them side by side, as data.pack does. It
--- is gone after the run.
---
---     g = graph { folder = "out/gather" }
---     wavs, labels = g:files("data/Alice", { extension = ".wav" }), g:files("data/Alice", { extension = ".lab" })
---     g:stage("both", { inputs = { wavs = wavs, labels = labels } }, function(inputs, output)
---       fs.write(output .. "/both", tostring(#fs.list(g:gather(inputs))))
---     end)
---     g:run()
---     fs.read("out/gather/both/both")  --> "9"
---@param inputs table<string, opah.graph.Input> As the work of a stage is handed them.
---@return string folder
function Graph:gather(inputs)
  local together = fs.join(self.state, "together")
  fs.remove(together, { recursive = true })
  local group <close> = fs.group()
  for _, input in pairs(inputs) do
    for _, name in ipairs(input.files) do
      local target = fs.join(together, name)
      fs.mkdir(fs.dirname(target))
      group:add(target, function() fs.copy(fs.join(input.path, name), target) end)
    end
  end
  local failed = group:finish()[1]
  if failed then error(failed.problem, 0) end
  return together
end

-- A node's files as they are now: `{ path, files, digests }`, digests by name.
function Graph:look(node)
  if not node.found then
    local root, names = node.find()
    node.found = { path = root, files = names, digests = self.digests:of_all(root, names) }
  end
  return node.found
end

-- Tells the stages after it what a stage has made: digests by name.
function Graph.found(_, stage, outputs)
  local names = {}
  for name in pairs(outputs) do names[#names + 1] = name end
  table.sort(names)
  stage.found = { path = stage.path, files = names, digests = outputs }
end

-- What a stage's results depend on, in the form that it has when it is read back.
function Graph:key(stage)
  local inputs = {}
  for name, node in pairs(stage.inputs) do inputs[name] = self:look(node).digests end
  return json.decode(json.encode { params = stage.params, code = stage.code, program = program, inputs = inputs })
end

-- What a stage's work is handed as its inputs.
function Graph:inputs_of(stage)
  local inputs = {}
  for name, node in pairs(stage.inputs) do
    local found = self:look(node)
    inputs[name] = { path = found.path, files = found.files }
  end
  return inputs
end

-- What is known about a stage from earlier runs; empty when nothing is.
function Graph:manifest(stage)
  local path = fs.join(self.state, stage.name .. ".json")
  local ok, content = pcall(function() return json.decode(fs.read(path)) end)
  return ok and content or {}
end

function Graph:save_manifest(stage, content)
  fs.write(fs.join(self.state, stage.name .. ".json"), json.encode(content))
end

-- An empty folder to work in; with `key`, the one that work with the same key left unfinished.
function Graph:workshop(stage, key)
  local folder = fs.join(self.state, stage.name .. ".new")
  local note, text = folder .. ".json", key and json.encode(key)
  if not (text and fs.exists(note) and fs.read(note) == text) then fs.remove(folder, { recursive = true }) end
  fs.mkdir(folder)
  if text then fs.write(note, text) end
  return folder
end

-- Removes what `workshop` made, when it is of no more use.
function Graph:clear_workshop(stage)
  local folder = fs.join(self.state, stage.name .. ".new")
  fs.remove(folder, { recursive = true })
  if fs.exists(folder .. ".json") then fs.remove(folder .. ".json") end
end

-- The files below a folder, by their names in it.
function Graph.names_below(folder)
  local names = fs.exists(folder) and fs.list(folder, { recursive = true }) or {}
  for i, path in ipairs(names) do names[i] = fs.relative(path, folder) end
  return names
end

-- Running -------------------------------------------------------------------------------------------------------

local function tell(stage, report)
  progress.log(("%-12s %s"):format(stage.name, stage.kind.describe(report)))
  for _, item in ipairs(report.skipped) do
    progress.log(("  skipped %s: %s"):format(progress.name(item.path), (opah.error_text(item.problem))))
  end
  progress.event { event = "graph_stage", stage = stage.name, fresh = report.fresh, made = report.made, skipped = #report.skipped }
end

--- Brings every stage up to date, in the order of their declaration. Returns the exit code (3 when files were
--- skipped) and, by stage, `{ fresh, made, seconds, skipped = { { path, problem } }, why }`: how many results were kept
--- and how many made, and the reason for the first of those. An error of a stage ends the run and is raised; what was made
--- before is kept.
---
---     g = graph { folder = "out/run" }
---     labels = g:files("data/Alice", { extension = ".lab" })
---     g:each("copy", { over = labels }, function(input, output) fs.copy(input, output .. ".txt") end)
---     code, reports = g:run()
---     code, reports.copy.made, reports.copy.why  --> 0, 8, "not made yet"
---@return integer code
---@return table<string, table> reports
function Graph:run()
  local _ <close> = fs.lock(self.folder, "a graph")
  fs.mkdir(self.state)
  self.digests = open_digests(fs.join(self.state, "digests.json"))
  local reports, code = {}, 0
  for _, stage in ipairs(self.stages) do
    local ok, report = pcall(stage.kind.run, self, stage)
    self.digests:save()
    if not ok then
      progress.warn(("%s: stopped; what was made before is kept"):format(stage.name))
      error(report, 0)
    end
    tell(stage, report)
    if #report.skipped > 0 then code = 3 end
    if #stage.found.files == 0 then
      local hint = "see what was skipped, and what its inputs hold"
      error(fs.error("data", ("stage %s made no file"):format(stage.name), hint), 0)
    end
    reports[stage.name] = report
  end
  fs.remove(fs.join(self.state, "together"), { recursive = true })
  return code, reports
end

return new
