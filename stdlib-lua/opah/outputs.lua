--- Where a stage writes: the same tree below another folder, never over its own input.
local fs = require "opah.fs"
local outputs = {}

--- Makes the output folder; with `clean`, empties it first. Refuses folders that overlap the input,
-- links resolved, before anything is touched. Returns the lock of the folder: another run into it would leave a mixture.
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

--- The path below `output` that `path` has below `input`; its folder is made.
function outputs.path(path, input, output, suffix)
  local below = fs.relative(path, input)
  if suffix then below = below:gsub("%.[^./]*$", "") .. suffix end
  local target = fs.join(output, below)
  fs.mkdir(fs.dirname(target))
  return target
end

--- Takes a clip's labels along.
function outputs.copy_labels(clip, input, output, overwrite)
  for _, label in pairs(clip.labels) do
    local target = outputs.path(label, input, output)
    if overwrite or not fs.exists(target) then fs.copy(label, target) end
  end
end

--- Keeps the depth of the samples where the format can: 24-bit stays 24-bit, float stays float.
function outputs.subtype(info, path)
  local kind = info.subtype
  if path:lower():match("%.flac$") and kind == "float" then return "pcm24" end
  return kind
end

return outputs
