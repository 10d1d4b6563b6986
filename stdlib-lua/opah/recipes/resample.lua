--- Give every clip of a folder one sample rate; labels travel along.
-- opah run resample data-raw data --sampling-rate 44100
local audio, recipe, convert_folder = require "opah.audio", require "opah.recipe", require "opah.converting"
local planning = require "opah.planning"

return recipe {
  positionals = {
    { "input_dir", "folder", "clips, with their labels beside them" },
    { "output_dir", "path", "where the resampled clips go, under the same names" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "redo clips that are there already" },
    { "clean", "boolean", false, "empty the output folder first" },
    require "opah.sharding".flag,
    { "num-workers", "integer", nil, "accepted for compatibility; all processors are used" },
    { "sampling-rate", "integer", 44100, "the sample rate to reach, in Hz", short = "sr", from = 1000, to = 768000 },
    { "mono", "boolean", true, "mix all channels into one" },
  },
  plan = function(args)
    return planning.clip_by_clip(args, 4, function(clip)
      return planning.rewritten(clip, args.sampling_rate, args.mono and 1 or nil)
    end)
  end,
  run = function(args)
    return convert_folder("resample", args, "clips at " .. args.sampling_rate .. " Hz", function(clip)
      local samples, info = audio.load(clip.audio, { sample_rate = args.sampling_rate, mono = args.mono })
      return samples, args.sampling_rate, info
    end)
  end,
}
