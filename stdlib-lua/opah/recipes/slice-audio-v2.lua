--- Cut long recordings where it is quiet for long enough.
-- opah run slice-audio-v2 data-raw data --min-silence-duration 0.3
local recipe, options, planning = require "opah.recipe", require "opah.options", require "opah.planning"
local slice_folder = require "opah.slicing"

return recipe {
  positionals = {
    { "input_dir", "folder", "recordings" },
    { "output_dir", "path", "where the pieces go" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "cut again what has been cut" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "num-workers", "integer", nil, "accepted for compatibility" },
    { "min-duration", "number", 5.0, "pieces are at least this long, in seconds", from = 0, to = 86400 },
    { "max-duration", "number", 30.0, "pieces are at most this long, in seconds", above = 0, to = 86400 },
    { "min-silence-duration", "number", 0.3, "only silences at least this long are cut at, in seconds", above = 0, to = 86400 },
    { "top-db", "number", -40, "what counts as silence, in dB of full scale", from = -1000, to = 0 },
    { "hop-length", "integer", 10, "from measurement to measurement, in milliseconds", from = 1, to = 60000 },
    { "max-silence-kept", "number", 0.5, "silence kept around pieces, in seconds", above = 0, to = 86400 },
    { "flat-layout", "boolean", false, "write OUT/name_0000.wav instead of OUT/name/0000.wav" },
    { "merge-short", "boolean", false, "join short pieces up to the longest duration" },
  },
  plan = function(args) return planning.clip_by_clip(args, planning.cut, planning.wav) end,
  run = function(args)
    local hop = args.hop_length / 1000       -- seconds
    options.check {
      { args.min_duration <= args.max_duration,
        ("--min-duration (%s s) must not be above --max-duration (%s s)"):format(args.min_duration, args.max_duration) },
      { args.min_silence_duration >= hop, ("--min-silence-duration must be at least --hop-length (%s s), not %s"):format(hop, args.min_silence_duration) },
      { args.min_duration >= args.min_silence_duration,
        ("--min-duration (%s s) must not be below --min-silence-duration (%s s)"):format(args.min_duration, args.min_silence_duration) },
      { args.max_silence_kept >= hop, ("--max-silence-kept must be at least --hop-length (%s s), not %s"):format(hop, args.max_silence_kept) },
    }
    return slice_folder("slice-audio-v2", args, {
      method = "silence", min_duration = args.min_duration, max_duration = args.max_duration,
      min_silence_duration = args.min_silence_duration, top_db = args.top_db, hop_milliseconds = args.hop_length,
      max_silence_kept = args.max_silence_kept, merge_short = args.merge_short,
    }, args.flat_layout)
  end,
}
