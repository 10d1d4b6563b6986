--- Give every clip of a folder one sample rate; labels travel along.
-- opah run resample data-raw data --sampling-rate 44100
local audio, config, data, fs = require "opah.audio", require "opah.config", require "opah.data", require "opah.fs"
local outputs, stage_over = require "opah.outputs", require "opah.stage"

local args = config.parse_args(arg, {
  positionals = {
    { "input_dir", "folder", "clips, with their labels beside them" },
    { "output_dir", "path", "where the resampled clips go, under the same names" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "redo clips that are there already" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "num-workers", "integer", nil, "accepted for compatibility; all processors are used" },
    { "sampling-rate", "integer", 44100, "the sample rate to reach, in Hz", short = "sr" },
    { "mono", "boolean", true, "mix all channels into one" },
  },
})

local clips, skipped = data.scan(args.input_dir, { recursive = args.recursive, audio = true })
outputs.prepare(args.input_dir, args.output_dir, args.clean)

local stage <close> = stage_over("resample", #clips)
stage:add_skipped(skipped)
for _, clip in ipairs(clips) do
  local target = outputs.path(clip.audio, args.input_dir, args.output_dir)
  stage:try(clip.audio, function()
    outputs.copy_labels(clip, args.input_dir, args.output_dir, args.overwrite)
    if fs.exists(target) and not args.overwrite then return end
    local samples, info = audio.load(clip.audio, { sample_rate = args.sampling_rate, mono = args.mono })
    for _, note in ipairs(info.notes or {}) do stage:note(clip.audio, note) end
    audio.save(target, samples, args.sampling_rate, { subtype = outputs.subtype(info, target) })
  end)
end
return stage:finish("clips at " .. args.sampling_rate .. " Hz")
