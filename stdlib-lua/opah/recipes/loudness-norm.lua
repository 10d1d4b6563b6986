--- Bring every clip of a folder to the same loudness (ITU-R BS.1770-4); labels travel along.
-- opah run loudness-norm data-raw data --clean
local audio, recipe, convert_folder = require "opah.audio", require "opah.recipe", require "opah.converting"
local planning = require "opah.planning"

return recipe {
  positionals = {
    { "input_dir", "folder", "clips, with their labels beside them" },
    { "output_dir", "path", "where the normalised clips go, under the same names" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "redo clips that are there already" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "peak", "number", -1.0, "peak before measuring, in dB", from = -100, to = 0 },
    -- Below -70 LUFS nothing is measured, and nothing is louder than full scale allows.
    { "loudness", "number", -23.0, "loudness to reach, in LUFS", from = -70, to = 0 },
    { "block-size", "number", 0.4, "length of the measuring blocks, in seconds", from = 0.01, to = 60 },
    { "max-gain", "number", 30.0, "the most that a clip is amplified, in dB; what needs more is noise", from = 0, to = 200 },
    require "opah.sharding".flag,
    { "num-workers", "integer", nil, "accepted for compatibility; all processors are used" },
  },
  plan = function(args) return planning.clip_by_clip(args, 4.2, planning.rewritten) end,
  run = function(args)
    return convert_folder("loudness-norm", args, "clips at " .. args.loudness .. " LUFS", function(clip, note)
      local samples, info = audio.load(clip.audio, { mono = false })
      local louder, report = audio.normalize_loudness(samples, info.sample_rate,
        { peak = args.peak, loudness = args.loudness, block_size = args.block_size, max_gain = args.max_gain })
      for _, text in ipairs(report.notes) do note(text) end
      return louder, info.sample_rate, info
    end)
  end,
}
