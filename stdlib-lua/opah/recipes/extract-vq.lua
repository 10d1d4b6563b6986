--- Turn every clip into codes: one .npy of int32 [codebooks, frames] beside each recording.
-- opah run extract-vq data --num-workers 1 --batch-size 16 --config-name firefly_gan_vq --checkpoint-path F
local config, vq = require "opah.config", require "opah.vq"
local stage_over = require "opah.stage"

local args = config.parse_args(arg, {
  positionals = { { "folder", "folder", "clips, one folder per speaker" } },
  flags = {
    { "num-workers", "integer", 1, "how many clips are worked on at a time; the codes are the same" },
    { "config-name", "string", "firefly_gan_vq", "the codec's configuration: a stock name, a Lua table file or a YAML file" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4/firefly-gan-vq-fsq-8x1024-21hz-generator.pth", "the codec's weights" },
    { "batch-size", "integer", 64, "how many clips are read ahead; the codes are the same" },
    { "filelist", "path", nil, "take the clips from a list of path|speaker|language|text instead" },
    { "overwrite", "boolean", false, "extract again what has codes already" },
  },
})

local codec = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
local stage <close> = stage_over("extract-vq", 0)
local report = vq.extract {
  input = not args.filelist and args.folder or nil, filelist = args.filelist, codec = codec,
  batch_size = args.batch_size, num_workers = args.num_workers, overwrite = args.overwrite,
  on_progress = function(done, total, seconds) stage.bar:at(done, total, { audio_seconds = seconds }) end,
}
stage.done = report.extracted + report.present
stage:add_skipped(report.skipped)
stage:add_notes(report.notes)
return stage:finish("clips have codes", ("%d of them new, %.1f s of audio"):format(report.extracted, report.audio_seconds))
