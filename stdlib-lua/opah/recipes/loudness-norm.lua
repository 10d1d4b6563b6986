--- Bring every clip of a folder to the same loudness (ITU-R BS.1770-4); labels travel along.
-- opah run loudness-norm data-raw data --clean
local audio, config, data, fs = require "opah.audio", require "opah.config", require "opah.data", require "opah.fs"
local outputs, stage_over = require "opah.outputs", require "opah.stage"

local args = config.parse_args(arg, {
  positionals = {
    { "input_dir", "folder", "clips, with their labels beside them" },
    { "output_dir", "path", "where the normalised clips go, under the same names" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "redo clips that are there already" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "peak", "number", -1.0, "peak before measuring, in dB" },
    { "loudness", "number", -23.0, "loudness to reach, in LUFS" },
    { "block-size", "number", 0.4, "length of the measuring blocks, in seconds" },
    { "num-workers", "integer", nil, "accepted for compatibility; all processors are used" },
  },
})

local clips, skipped = data.scan(args.input_dir, { recursive = args.recursive, audio = true })
outputs.prepare(args.input_dir, args.output_dir, args.clean)

local stage <close> = stage_over("loudness-norm", #clips)
stage:add_skipped(skipped)
for _, clip in ipairs(clips) do
  local target = outputs.path(clip.audio, args.input_dir, args.output_dir)
  stage:try(clip.audio, function()
    outputs.copy_labels(clip, args.input_dir, args.output_dir, args.overwrite)
    if fs.exists(target) and not args.overwrite then return end
    local samples, info = audio.load(clip.audio, { mono = false })
    local louder, report = audio.normalize_loudness(samples, info.sample_rate,
      { peak = args.peak, loudness = args.loudness, block_size = args.block_size })
    for _, note in ipairs(info.notes or {}) do stage:note(clip.audio, note) end
    for _, note in ipairs(report.notes or {}) do stage:note(clip.audio, note) end
    audio.save(target, louder, info.sample_rate, { subtype = outputs.subtype(info, target) })
  end)
end
return stage:finish("clips at " .. args.loudness .. " LUFS")
