--- Join short clips of each folder into longer ones, their texts included.
-- opah run merge-short data-raw data --max-duration 20
local audio, config, data, fs = require "opah.audio", require "opah.config", require "opah.data", require "opah.fs"
local outputs, stage_over, tensor = require "opah.outputs", require "opah.stage", require "opah.tensor"
local planning, text = require "opah.planning", require "opah.text"

local args = config.parse_args(arg, {
  positionals = {
    { "input_dir", "folder", "clips" },
    { "output_dir", "path", "where the joined clips go: 0.wav, 1.wav, ... for each folder" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "max-duration", "number", 20, "joined clips are at most this long, in seconds" },
    { "overwrite", "boolean", false, "write over clips that are there" },
    { "clean", "boolean", false, "empty the output folder first" },
  },
  plan = function(args) return planning.clip_by_clip(args, planning.cut, planning.wav) end,
})

local clips, skipped = data.scan(args.input_dir, { recursive = args.recursive, audio = true })
local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean)
local stage <close> = stage_over("merge-short", #clips)
stage:add_skipped(skipped)

local written = 0
local open = {}                     -- per folder: what is being joined
local function close(group)
  if not group or #group.parts == 0 then return end
  local base = fs.join(group.folder, tostring(group.count))
  if args.overwrite or not fs.exists(base .. ".wav") then
    audio.save(base .. ".wav", tensor.cat(group.parts, 1), group.rate, { subtype = "pcm16" })
    for suffix, lines in pairs(group.texts) do
      if #lines == #group.parts then fs.write(base .. suffix, table.concat(lines, " ")) end
    end
    written = written + 1
  end
  group.count, group.parts, group.texts, group.seconds = group.count + 1, {}, {}, 0
end

for _, clip in ipairs(clips) do
  stage:try(clip.audio, function()
    local samples, info = audio.load(clip.audio)
    local folder = fs.dirname(outputs.path(clip.audio, args.input_dir, args.output_dir))
    local group = open[folder]
    if not group then
      group = { folder = folder, count = 0, parts = {}, texts = {}, seconds = 0, rate = info.sample_rate }
      open[folder] = group
    end
    local seconds = #samples / info.sample_rate
    local is_full = group.seconds + seconds > args.max_duration or group.rate ~= info.sample_rate
    if #group.parts > 0 and is_full then close(group) end
    group.rate = info.sample_rate
    group.parts[#group.parts + 1] = samples
    group.seconds = group.seconds + seconds
    for suffix, label in pairs(clip.labels) do
      local lines = group.texts[suffix] or {}
      lines[#lines + 1] = (text.read_label(label))
      group.texts[suffix] = lines
    end
  end)
end
for _, group in pairs(open) do close(group) end
return stage:finish("clips joined", written .. " written")
