--- Cut long recordings at silences, by the level of each frame below the loudest.
-- opah run slice-audio data-raw data --max-duration 15
local recipe, options, planning = require "opah.recipe", require "opah.options", require "opah.planning"
local slice_folder = require "opah.slicing"

return recipe {
  positionals = {
    { "input_dir", "folder", "recordings" },
    { "output_dir", "path", "where the pieces go: one folder per recording" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "cut again what has been cut" },
    { "clean", "boolean", false, "empty the output folder first" },
    require "opah.sharding".flag,
    { "num-workers", "integer", nil, "accepted for compatibility" },
    { "min-duration", "number", 6.0, "pieces are at least this long, in seconds", from = 0, to = 86400 },
    { "max-duration", "number", 30.0, "pieces are at most this long, in seconds", above = 0, to = 86400 },
    { "pad-silence", "number", 0.4, "silence kept at both ends, in seconds", from = 0, to = 3600 },
    { "top-db", "number", 60, "how far below the loudest frame silence begins, in dB", above = 0, to = 1000 },
    { "frame-length", "integer", 2048, "samples of a frame", from = 1 },
    { "hop-length", "integer", 512, "samples from frame to frame", from = 1 },
  },
  plan = function(args) return planning.clip_by_clip(args, planning.cut, planning.wav) end,
  run = function(args)
    options.check {
      { args.min_duration <= args.max_duration,
        ("--min-duration (%s s) must not be above --max-duration (%s s)"):format(args.min_duration, args.max_duration) },
    }
    return slice_folder("slice-audio", args, {
      method = "top_db", min_duration = args.min_duration, max_duration = args.max_duration, pad_silence = args.pad_silence,
      top_db = args.top_db, frame_length = args.frame_length, hop_length = args.hop_length,
    })
  end,
}
