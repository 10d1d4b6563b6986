--- What recipes' plans share: how much sound a folder holds and how much a stage will write, told from headers.
local audio, data, fs, machine = require "opah.audio", require "opah.data", require "opah.fs", require "opah.machine"
local duration = require "opah.progress".duration

---@class opah.planning.SoundOptions
---@field filelist? string A list of clips, in place of the folder.
---@field recursive? boolean Enters the folders below; true unless given.

---@class opah.planning
local planning = {}

--- Bytes of resident memory of the program itself, with its modules loaded.
planning.program = 35e6

--- Rates of this machine, measured once, in half a second: as `machine.rates` gives them.
---
---     planning.rates().matrix_rate > 1e9  --> true
---@return table
function planning.rates()
  planning.measured = planning.measured or machine.rates(0.5)
  return planning.measured
end

--- The clips of a folder (or of `options.filelist`) by their headers: `{count, seconds, longest, largest, clips, unreadable, lines}`:
--- longest in seconds, largest in samples of all channels; each of clips is `{path, bytes, info, clip}`, `lines` say it in
--- words. Clips whose header cannot be read are counted, and take nothing.
---
---     planning.sound("data").lines  --> {"14 clips, 41.8 s of sound, the longest 3.87 s"}
---@param folder? string
---@param options? opah.planning.SoundOptions
---@return table
function planning.sound(folder, options)
  options = options or {}
  local found
  if options.filelist then found = data.filelist(options.filelist) else found = data.scan(folder --[[@as string]], { recursive = options.recursive ~= false, audio = true }) end
  local sound = { count = 0, seconds = 0, longest = 0, largest = 0, clips = {}, unreadable = 0 }
  for _, clip in ipairs(found) do
    local ok, info = pcall(audio.info, clip.audio)
    if ok then
      sound.count, sound.seconds = sound.count + 1, sound.seconds + info.duration
      sound.longest, sound.largest = math.max(sound.longest, info.duration), math.max(sound.largest, info.frames * info.channels)
      sound.clips[sound.count] = { path = clip.audio, bytes = fs.stat(clip.audio).size, info = info, clip = clip }
    else
      ---@cast info Error
      if info.kind == "interrupted" then error(info, 0) end
      sound.unreadable = sound.unreadable + 1
    end
  end
  sound.lines = { ("%d clips, %s of sound, the longest %s"):format(sound.count, duration(sound.seconds), duration(sound.longest)) }
  if sound.unreadable > 0 then sound.lines[2] = ("%d more cannot be read and will be skipped"):format(sound.unreadable) end
  return sound
end

local widths = { PCM_S8 = 1, PCM_U8 = 1, PCM_16 = 2, PCM_24 = 3, PCM_32 = 4, FLOAT = 4, DOUBLE = 8 }

--- Bytes of a clip written again under its own name with other samples: `rate` (Hz) and `channels` where they change.
--- Packed formats (mp3, ogg, flac) take as much per sample as they did.
---
---     clip = planning.sound("data/Alice").clips[6]
---     clip.path, planning.rewritten(clip, 44100)  --> "data/Alice/4.80-7.20.wav", ...
---@param clip table Of the clips that `sound` gives.
---@param rate? integer
---@param channels? integer
---@return number bytes
function planning.rewritten(clip, rate, channels)
  local info = clip.info
  local share = (rate or info.sample_rate) / info.sample_rate * (channels or info.channels) / info.channels
  local width = widths[info.subtype]
  if info.format ~= "FLAC" and width then return 64 + info.frames * info.channels * width * share end
  return clip.bytes * share
end

--- Bytes of a clip as 16-bit mono wav at its own rate.
---
---     planning.wav(planning.sound("data/Alice").clips[6])  --> 93144
---@param clip table Of the clips that `sound` gives.
---@return integer bytes
function planning.wav(clip) return 64 + 2 * clip.info.frames end

--- A plan of a stage that makes sound of sound, one clip at a time, as a recipe has it: `held(info)` is how many
--- samples (float32) of a clip are in memory at once, or a number: how often the whole clip; `size(clip)` is how many bytes
--- are written for it.
---
---     plan = planning.clip_by_clip({ input_dir = "data", output_dir = "out-wav" }, 4, planning.wav)
---     plan.disk, plan.folder  --> ..., "out-wav"
---@param args table With `input_dir`, `output_dir` and, where there are, `filelist` and `recursive`.
---@param held number|fun(info: table): number
---@param size fun(clip: table): number
---@return table plan `{ memory, disk, folder, lines, memory_advice, disk_advice }`, bytes.
function planning.clip_by_clip(args, held, size)
  local sound = planning.sound(args.input_dir, args)
  local disk, most, copies = 0, 0, tonumber(held)
  if copies then held = function(info) return copies * info.frames * info.channels end end
  for _, clip in ipairs(sound.clips) do disk, most = disk + size(clip), math.max(most, held(clip.info)) end
  return {
    memory = planning.program + 4 * most, disk = disk, folder = args.output_dir, lines = sound.lines,
    memory_advice = "cut the longest recordings first: opah run slice-audio", disk_advice = "free some space, or write to another disk",
  }
end

--- How many samples cutting a recording holds: mixed to one channel, its pieces, and one of the two on its way out.
---
---     planning.cut { frames = 1000 }  --> 3400.0
---@param info table As audio.info gives it.
---@return number samples
function planning.cut(info) return 3.4 * info.frames end

--- The file of a model folder's weights (the folder, when they are in several), and their size in bytes.
---
---     select(2, planning.weights(opah.embedded.model)) > 100e3  --> true
---@param folder string
---@return string path
---@return integer bytes
function planning.weights(folder)
  for _, name in ipairs { "model.pth", "model.safetensors", "pytorch_model.bin" } do
    local found = fs.stat(fs.join(folder, name))
    if found then return fs.join(folder, name), found.size end
  end
  local bytes = 0
  for _, path in ipairs(fs.list(folder, { extension = ".safetensors" })) do bytes = bytes + fs.stat(path).size end
  return folder, bytes
end

return planning
