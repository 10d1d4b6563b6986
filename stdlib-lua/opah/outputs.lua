--- Where a stage writes: the same tree below another folder, never over its own input.
local fs, part_lock = require "opah.fs", require "opah.part_lock"
---@class opah.outputs
local outputs = {}

--- Makes the output folder; with `clean`, empties it first. Refuses folders that overlap the input,
--- links resolved, before anything is touched. Returns the lock of
--- the folder, to be held `<close>`: another run into it would leave a mixture, and is refused (see opah.part_lock).
---
---     lock = outputs.prepare("data", "out-clips")
---     fs.exists("out-clips"), pcall(outputs.prepare, "data", "data/cleaned")  --> true, false, ...data and data/cleaned overlap...
---@param input string
---@param output string
---@param clean? boolean
---@param shard? Shard Of several processes that write into it, which part this one does.
---@return table lock
function outputs.prepare(input, output, clean, shard)
  if fs.overlap(input, output) then
    local message = ("%s and %s overlap: one is, or lies in, the other"):format(input, output)
    local hint = clean and "--clean would delete the input: choose a folder of its own"
    error(fs.error("argument", message, hint or "choose an output folder of its own"), 0)
  end
  if clean and shard and shard.count > 1 then
    error(fs.error("usage", "--clean would remove what the other parts have written", "empty the folder before they begin"), 0)
  end
  local lock = part_lock.take(output, "writing clips", shard)
  if clean then fs.remove(output, { recursive = true, keep = ".lock" }) end
  return lock
end

--- The path below `output` that `path` has below `input`, with another suffix when one is given; its folder is made.
---
---     outputs.path("data/Alice/4.80-7.20.wav", "data", "out-codes", ".npy")  --> "out-codes/Alice/4.80-7.20.npy"
---@param path string
---@param input string
---@param output string
---@param suffix? string With its dot.
---@return string path
function outputs.path(path, input, output, suffix)
  local below = fs.relative(path, input)
  if suffix then below = below:gsub("%.[^./]*$", "") .. suffix end
  local target = fs.join(output, below)
  fs.mkdir(fs.dirname(target))
  return target
end

--- Takes a clip's labels along, and again when they were corrected.
---
---     local made <close> = fs.made("copy")
---     outputs.copy_labels(data.scan("data/Alice")[1], "data", "out-labels", made)
---     fs.exists("out-labels/Alice/0.00-2.10.lab")  --> true
---@param clip table As data.scan gives it.
---@param input string
---@param output string
---@param made MadeFiles
function outputs.copy_labels(clip, input, output, made)
  for _, label in pairs(clip.labels) do
    local target = outputs.path(label, input, output)
    made:make(target, { label = label }, function() fs.copy(label, target) end, { copy = true, owner = clip.audio })
  end
end

--- Writes the files of one input, of which there are at most about `count`. `work(write)` makes them, each within `write(save)`.
--- In a grouped stage few of them wait for their names with those of other inputs, and are not there for `work` yet. Many get
--- theirs before this returns, some at a time: each that waits is an open file.
---
---     outputs.several("a.wav", 200, function(write)
---       for i = 1, 200 do write(function() fs.write("piece " .. i, "") end) end
---     end)
---     fs.exists("piece 200")  --> true
---@param owner string The input.
---@param count integer
---@param work fun(write: fun(save: fun(): any)): any
---@return any result
function outputs.several(owner, count, work)
  if count <= 64 then return work(function(save) return save() end) end
  local group <close> = fs.group()
  local result = work(function(save) return group:add(owner, save) end)
  for _, failed in ipairs(group:finish()) do error(failed.problem, 0) end
  return result
end

--- Gives files that waited their names. Inputs of which one could not be given its are skipped, and are not done. Their set.
---
---     local made <close> = fs.made("copy", {}, { grouped = true })
---     local copying <close> = require "opah.stage" ("copy", 1)
---     long = ("x"):rep(256)
---     copying:try("a.lab", function() made:make(long, {}, function() fs.write(long, "") end, { owner = "a.lab" }) end)
---     outputs.bring_out(copying, made)["a.lab"], copying.done, copying.skipped[1].path  --> true, 0, "a.lab"
---@param stage opah.Stage
---@param made MadeFiles
---@param inputs_of? table<string, integer> How many inputs an owner stands for; 1 unless given.
---@return table<string, true>
function outputs.bring_out(stage, made, inputs_of)
  local failures = {}
  for _, failed in ipairs(made:bring_out()) do
    if failed.problem.fatal then error(failed.problem, 0) end
    failures[failed.owner] = true
    stage.done = stage.done - (inputs_of and inputs_of[failed.owner] or 1)
    stage:skip(failed.owner, failed.problem)
  end
  return failures
end

--- The sum of what inputs gave, of those that did not fail.
---
---     outputs.sum({ ["a.wav"] = 3, ["b.wav"] = 2 }, { ["b.wav"] = true })  --> 3
---@param counts table<string, integer> By input.
---@param failures table<string, true>
---@return integer
function outputs.sum(counts, failures)
  local sum = 0
  for input, count in pairs(counts) do
    if not failures[input] then sum = sum + count end
  end
  return sum
end

--- Ends a stage over the clips of a folder: files that waited get their names, and inputs of which one could not are skipped;
--- notes on what was kept, why outputs were made again, and the exit code.
---
---     local made <close> = fs.made("copy")
---     local copying <close> = require "opah.stage" ("copy", 1)
---     copying:try("data/Alice/0.00-2.10.lab", function() outputs.path("data/Alice/0.00-2.10.lab", "data", "out") end)
---     outputs.finish(copying, made, { input_dir = "data", output_dir = "out" }, "clips copied")  --> 0
---@param stage opah.Stage
---@param made MadeFiles
---@param args { input_dir: string, output_dir: string }
---@param verb string What was done, after the number of clips.
---@param detail? string|fun(failures: table<string, true>): string More for the summary; a function is asked when all is done, with
--- the inputs that failed at the end.
---@param told? fun(text: string): string Names files in a note or a reason where their record has another name for them.
---@return integer code
function outputs.finish(stage, made, args, verb, detail, told)
  local failures = outputs.bring_out(stage, made)
  stage:add_notes(made:notes("files", args.output_dir))
  if type(detail) == "function" then detail = detail(failures) end
  if made.remade then detail = detail and detail .. ", " .. made.remade or made.remade end
  if told then
    for _, item in ipairs(stage.skipped) do item.reason = told(item.reason) end
    for _, item in ipairs(stage.notes) do item.text = told(item.text) end
  end
  return stage:finish(verb, detail)
end

return outputs
