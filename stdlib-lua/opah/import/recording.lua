--- Samples of a long recording by position, decoded in stretches of whole seconds: an hour never lies in memory at
-- once, and neighbouring pieces decode nothing twice.
local audio, tensor = require "opah.audio", require "opah.tensor"

---@class opah.import.Recording
---@field path string
---@field info table As audio.info gives it.
---@field notes string[] What audio.load said of the stretches that were decoded; the same may be there several times.
local Recording = {}
Recording.__index = Recording

-- Bytes of a stretch, about, as float32. Every load looks through the file once for what it holds, a quarter of a second for an hour
-- of FLAC, so stretches are long.
local size = 32e6

--- Opens a recording.
---
---     recording(opah.embedded.speech .. "/Alice/4.80-7.20.wav"):samples(100, 250):shape()  --> {1, 150}
---@param path string
---@return opah.import.Recording
local function new(path)
  local info = audio.info(path)
  -- A whole number of seconds is a whole number of samples at any rate.
  local stretch = math.max(10, size // (4 * info.channels * info.sample_rate))
  return setmetatable({ path = path, info = info, stretch = math.tointeger(stretch), kept = {}, notes = {} }, Recording)
end

--- The stretch with that number, from 0; the last two are kept.
local function decoded(self, number)
  for _, one in ipairs(self.kept) do if one.number == number then return one.samples end end
  local samples, info = audio.load(self.path, { mono = false, offset = number * self.stretch, duration = self.stretch })
  table.move(info.notes, 1, #info.notes, #self.notes + 1, self.notes)
  if samples:dim() == 1 then samples = samples:unsqueeze(1) end
  table.insert(self.kept, 1, { number = number, samples = samples })
  self.kept[3] = nil
  return samples
end

--- Samples [channels, T] from `from` (counted from 0) up to and without `to`.
---@param from integer
---@param to integer
---@return Tensor
function Recording:samples(from, to)
  local length, parts = self.stretch * self.info.sample_rate, {}
  while from < to do
    local number = from // length
    local samples, start = decoded(self, number), from - number * length
    local count = math.min(to - from, samples:size(2) - start)
    if count <= 0 then break end
    parts[#parts + 1] = samples:narrow(2, start + 1, count)
    from = from + count
  end
  return #parts == 1 and parts[1] or tensor.cat(parts, 2)
end

return new
