--- Stages that work on every file for itself: only files that changed are worked on again, one that fails is
-- left out, and what was made of a file that is gone goes with it.
local fs, progress, reasons = require "opah.fs", require "opah.progress", require "opah.graph.reasons"
local machine, took = require "opah.machine", require "opah.graph.took"

local per_file = { settings = { over = true, inputs = true, params = true, prepare = true, batch = true } }

local function names_of(outputs)
  local names = {}
  for name in pairs(outputs) do names[#names + 1] = name end
  return names
end

local function remove_outputs(stage, outputs)
  for name in pairs(outputs) do
    local path = fs.join(stage.path, name)
    if fs.exists(path) then fs.remove(path) end
  end
end

--- What must be made again, with the reason; what is kept; what was made of files that are gone. Kept and gone
-- are `{ digest = of the input, outputs = { name = digest } }` by the input's name, as the manifest has them.
local function plan(graph, stage, before, key)
  local all, found = reasons.key(before.key, key), graph:look(stage.over)
  local todo, kept, gone, owners = {}, {}, before.items or {}, {}
  for _, name in ipairs(found.files) do
    local old, digest, stem = gone[name], found.digests[name], name:gsub("%.[^./]*$", "")
    if owners[stem] then
      error(fs.error("data", ("stage %s: %s and %s would be one result"):format(stage.name, progress.name(owners[stem]), progress.name(name)),
        "rename one of them, or leave one out with extension="), 0)
    end
    owners[stem], gone[name] = name, nil
    local made = old and old.outputs or {}
    local why = all or not old and name .. " is new" or old.digest ~= digest and name .. " changed"
      or reasons.outputs(made, graph.digests:of_all(stage.path, names_of(made)))
    if why then
      local path = fs.join(found.path, name)
      todo[#todo + 1] = { name = name, stem = stem, path = path, digest = digest, made = made, why = why }
      kept[name] = { digest = "", outputs = made }       -- of no input: to be made again also after a kill
    else
      kept[name] = old
    end
  end
  return todo, kept, gone
end

--- Hands files to the work, each with an empty folder of its own for what is made of it: those folders, or nil and
-- the error.
local function attempt(graph, stage, items, prepared)
  local folder, inputs, outputs, folders = graph:workshop(stage), {}, {}, {}
  for i, item in ipairs(items) do
    folders[i] = fs.join(folder, tostring(i))
    inputs[i], outputs[i] = item.path, fs.join(folders[i], item.stem)
    fs.mkdir(fs.dirname(outputs[i]))
  end
  if not stage.batch then inputs, outputs = inputs[1], outputs[1] end
  local ok, problem = pcall(stage.work, inputs, outputs, stage.params, prepared)
  if not ok and type(problem) == "userdata" and problem.fatal then error(problem, 0) end
  if ok then return folders end
  return nil, problem
end

--- Puts what was made of a file in its place.
local function put_in_place(graph, stage, item, folder)
  local names = graph.names_below(folder)
  for _, name in ipairs(names) do
    local target = fs.join(stage.path, name)
    fs.mkdir(fs.dirname(target))
    fs.move(fs.join(folder, name), target)
  end
  return { digest = item.digest, outputs = graph.digests:of_all(stage.path, names) }
end

--- Makes the results of some files in the place of their earlier ones, and tells `done` of each: `done(item, made)`,
-- or `done(item, nil, problem)`. Of a batch in which the work fails, each file is tried for itself.
local function make(graph, stage, items, prepared, done)
  local folders, problem = attempt(graph, stage, items, prepared)
  if not folders and #items > 1 then
    for _, item in ipairs(items) do make(graph, stage, { item }, prepared, done) end
    return
  end
  for i, item in ipairs(items) do
    remove_outputs(stage, item.made)
    done(item, folders and put_in_place(graph, stage, item, folders[i]), problem)
  end
end

--- Works through `todo`, keeping the manifest up to date: a kill costs two seconds of work, or one batch.
local function work_through(graph, stage, todo, kept, report, save)
  if #todo == 0 then return end
  local bar <close> = progress.bar(#todo, stage.name)
  local prepared = stage.prepare and stage.prepare(graph:inputs_of(stage), stage.params)
  local saved = os.time()
  local function done(item, made, problem)
    kept[item.name] = made
    if made then
      report.made = report.made + 1
    else
      report.skipped[#report.skipped + 1] = { path = item.path, problem = problem }
    end
    bar:step(1, { skipped = #report.skipped > 0 and #report.skipped or nil })
  end
  local size = stage.batch or 1
  for first = 1, #todo, size do
    make(graph, stage, table.move(todo, first, math.min(first + size - 1, #todo), 1, {}), prepared, done)
    if os.time() > saved + 2 then
      save()
      saved = os.time()
    end
  end
end

function per_file.run(graph, stage)
  local before, key = graph:manifest(stage), graph:key(stage)
  local todo, kept, gone = plan(graph, stage, before, key)
  local report = { fresh = #graph:look(stage.over).files - #todo, made = 0, skipped = {}, gone = 0 }
  local began = machine.now()
  report.why = todo[1] and todo[1].why
  local function save() graph:save_manifest(stage, { key = key, items = kept }) end
  if #todo > 0 or next(gone) then
    fs.mkdir(stage.path)
    for _, old in pairs(gone) do
      remove_outputs(stage, old.outputs)
      report.gone = report.gone + 1
    end
    save()
    local ok, problem = pcall(work_through, graph, stage, todo, kept, report, save)
    save()
    graph:clear_workshop(stage)
    if not ok then error(problem, 0) end
  end
  report.seconds = machine.now() - began
  local outputs = {}
  for _, item in pairs(kept) do
    for name, digest in pairs(item.outputs) do outputs[name] = digest end
  end
  graph:found(stage, outputs)
  return report
end

function per_file.describe(report)
  local parts = {}
  if report.fresh > 0 then parts[1] = report.fresh .. " fresh" end
  if report.made > 0 then parts[#parts + 1] = ("%d made (%s)"):format(report.made, report.why) end
  if report.gone > 0 then parts[#parts + 1] = report.gone .. " gone" end
  if #report.skipped > 0 then parts[#parts + 1] = #report.skipped .. " skipped" end
  return table.concat(parts, ", ") .. took.text(report.seconds, report.made)
end

return per_file
