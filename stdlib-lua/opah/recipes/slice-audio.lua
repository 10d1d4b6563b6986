--- Cut long recordings at silences, by the level of each frame below the loudest.
-- opah run slice-audio data-raw data --max-duration 15
local config, options, planning = require "opah.config", require "opah.options", require "opah.planning"
local slice_folder = require "opah.slicing"

local args = config.parse_args(arg, {
  positionals = {
    { "input_dir", "folder", "recordings" },
    { "output_dir", "path", "where the pieces go: one folder per recording" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "cut again what has been cut" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "num-workers", "integer", nil, "accepted for compatibility" },
    { "min-duration", "number", 6.0, "pieces are at least this long, in seconds" },
    { "max-duration", "number", 30.0, "pieces are at most this long, in seconds" },
    { "pad-silence", "number", 0.4, "silence kept at both ends, in seconds" },
    { "top-db", "number", 60, "how far below the loudest frame silence begins, in dB" },
    { "frame-length", "integer", 2048, "samples of a frame" },
    { "hop-length", "integer", 512, "samples from frame to frame" },
  },
  plan = function(args) return planning.clip_by_clip(args, planning.cut, planning.wav) end,
})
options.check {
  { args.min_duration >= 0, "--min-duration must not be negative, not " .. args.min_duration },
  { args.max_duration > 0, "--max-duration must be above 0 s, not " .. args.max_duration },
  { args.min_duration <= args.max_duration,
    ("--min-duration (%s s) must not be above --max-duration (%s s)"):format(args.min_duration, args.max_duration) },
  { args.pad_silence >= 0 and args.pad_silence <= 3600, "--pad-silence must be from 0 to 3600 s, not " .. args.pad_silence },
  { args.top_db > 0, "--top-db must be above 0 dB, not " .. args.top_db },
  { args.frame_length > 0, "--frame-length must be above 0 samples, not " .. args.frame_length },
  { args.hop_length > 0, "--hop-length must be above 0 samples, not " .. args.hop_length },
}
return slice_folder("slice-audio", args, {
  method = "top_db", min_duration = args.min_duration, max_duration = args.max_duration, pad_silence = args.pad_silence,
  top_db = args.top_db, frame_length = args.frame_length, hop_length = args.hop_length,
})
