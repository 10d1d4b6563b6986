--- Where a stage writes: the same tree below another folder, never over its own input.
local fs = require "opah.fs"
---@class opah.outputs
local outputs = {}

--- Makes the output folder; with `clean`, empties it first. Refuses folders that overlap the input,
--- links resolved, before anything is touched. Returns the lock of
--- the folder, to be held `<close>`: another run into it would leave a mixture, and is refused.
---
---     lock = outputs.prepare("data", "out-clips")
---     fs.exists("out-clips"), pcall(outputs.prepare, "data", "data/cleaned")  --> true, false, ...data and data/cleaned overlap...
---@param input string
---@param output string
---@param clean? boolean
---@return table lock
function outputs.prepare(input, output, clean)
  if fs.overlap(input, output) then
    local message = ("%s and %s overlap: one is, or lies in, the other"):format(input, output)
    local hint = clean and "--clean would delete the input: choose a folder of its own"
    error(fs.error("argument", message, hint or "choose an output folder of its own"), 0)
  end
  local lock = fs.lock(output, "writing clips")
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

--- Takes a clip's labels along. One that is there stays, unless `overwrite`.
---
---     outputs.copy_labels(data.scan("data/Alice")[1], "data", "out-labels")
---     fs.exists("out-labels/Alice/0.00-2.10.lab")  --> true
---@param clip table As data.scan gives it.
---@param input string
---@param output string
---@param overwrite? boolean
function outputs.copy_labels(clip, input, output, overwrite)
  for _, label in pairs(clip.labels) do
    local target = outputs.path(label, input, output)
    if overwrite or not fs.exists(target) then fs.copy(label, target) end
  end
end

--- What audio.save should write, so that the depth of the samples stays where the format can: 24-bit stays 24-bit,
--- float stays float.
---
---     outputs.subtype(audio.info("data/Alice/4.80-7.20.wav"), "out.wav")  --> "PCM_16"
---@param info table As audio.info gives it.
---@param path string
---@return string subtype
function outputs.subtype(info, path)
  local kind = info.subtype
  if path:lower():match("%.flac$") and kind == "float" then return "pcm24" end
  return kind
end

return outputs
