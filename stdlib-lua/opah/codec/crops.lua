--- Random pieces of recordings, the same for the same seed and step: what a codec is trained on.
--
--   local source = require "opah.codec.crops".new(clips, { sample_rate = 16000, samples = 48000, seed = 1 })
--   local batch = source:batch(8, 1)      -- [8, 48000]: the batch of step 1
local audio, progress, tensor = require "opah.audio", require "opah.progress", require "opah.tensor"

---@class opah.codec.Crops
---@field clips { path: string, seconds: number }[]
---@field skipped table[] `{ path, reason, remedy }` of the clips that could not be read.
---@field seconds number Of sound in all.
---@field notes table[] `{ path, text }`: what reading said of clips, each once.
---@field noted table<string, true>
local Crops = {}
Crops.__index = Crops

---@class opah.codec.crops
local crops = {}

---@class opah.codec.CropSettings
---@field sample_rate integer Hz; clips of other rates are resampled.
---@field samples integer Length of a piece.
---@field seed integer
---@field notes? table[] A list that the notes are added to.

-- Keeps what reading a clip said; every piece of it says the same.
local function note(self, path, notes)
  for _, text in ipairs(notes) do
    local key = path .. "\0" .. text
    if not self.noted[key] then self.notes[#self.notes + 1] = { path = path, text = text } end
    self.noted[key] = true
  end
end

--- Looks at the headers of clips (their paths); those that cannot be read, or are no second long, are left out.
---
---     source = crops.new({ "data/Alice/0.00-2.10.mp3" }, { sample_rate = 16000, samples = 16000, seed = 1 })
---     source:batch(2, 1):shape(), source:batch(2, 1):equal(source:batch(2, 1))  --> {2, 16000}, true
---@param paths string[]
---@param settings opah.codec.CropSettings
---@return opah.codec.Crops
function crops.new(paths, settings)
  local self = setmetatable({ clips = {}, skipped = {}, seconds = 0, notes = settings.notes or {}, noted = {}, settings = settings }, Crops)
  for _, path in ipairs(paths) do
    local ok, info = pcall(audio.info, path)
    if not ok then
      ---@cast info Error
      if info.fatal then error(info, 0) end
      self.skipped[#self.skipped + 1] = { path = path, reason = info.message, remedy = info.hint }
    elseif info.duration < 1 then
      self.skipped[#self.skipped + 1] = { path = path, reason = "is shorter than a second", remedy = "leave it out, or join short clips" }
    else
      note(self, path, info.notes)
      self.clips[#self.clips + 1] = { path = path, seconds = info.duration }
      self.seconds = self.seconds + info.duration
    end
  end
  return self
end

-- A piece of one clip from `offset` seconds on, as long as wanted: silence follows what is too short.
function Crops:piece(clip, offset)
  local wanted, rate = self.settings.samples, self.settings.sample_rate
  local samples, info = audio.load(clip.path, { sample_rate = rate, offset = offset, duration = wanted / rate + 0.01 })
  note(self, clip.path, info.notes)
  local length = samples:size(1)
  if length >= wanted then return samples:narrow(1, 1, wanted) end
  return samples:pad(1, 0, wanted - length)
end

--- The pieces of a step: clips are drawn by their length, so that every second of sound is as likely as any other. A clip that
--- cannot be read after all is drawn no more.
---@param count integer
---@param step integer
---@return Tensor [count, samples]
function Crops:batch(count, step)
  local generator = tensor.generator(self.settings.seed * 1000003 + step)
  local function uniform() return tensor.rand(1, { generator = generator }):item() end
  local window, pieces = self.settings.samples / self.settings.sample_rate, {}
  while #pieces < count do
    local at, index = uniform() * self.seconds, 1
    while index < #self.clips and at > self.clips[index].seconds do at, index = at - self.clips[index].seconds, index + 1 end
    local clip = self.clips[index]
    local ok, piece = pcall(self.piece, self, clip, uniform() * math.max(clip.seconds - window, 0))
    if ok then
      pieces[#pieces + 1] = piece
    elseif type(piece) == "userdata" and piece.fatal then
      error(piece, 0)
    else
      progress.warn(("left out from now on: %s: %s"):format(progress.name(clip.path), tostring(piece)))
      table.remove(self.clips, index)
      self.seconds = self.seconds - clip.seconds
      if #self.clips == 0 then error(piece, 0) end
    end
  end
  return tensor.stack(pieces, 1)
end

return crops
