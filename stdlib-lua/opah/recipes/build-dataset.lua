--- Pack codes and texts into .protos shards, the form that training reads.
-- opah run build-dataset --input data --output data/protos --text-extension .lab --num-workers 16
local config, data = require "opah.config", require "opah.data"
local stage_over = require "opah.stage"

local args = config.parse_args(arg, {
  flags = {
    { "input", "path", nil, "a folder of clips with codes, or a filelist; may be given several times",
      multiple = true, required = true },
    { "output", "path", "data/quantized-dataset-ft", "the folder for the shards" },
    { "num-workers", "integer", 16, "accepted for compatibility; the shards are the same" },
    { "text-extension", "string", { ".txt" }, "suffix of the text files; may be given several times", multiple = true },
    { "shard-size", "integer", 10, "a new shard is begun above this many MiB" },
    { "label-encoding", "string", nil, "how labels that are not UTF-8 are encoded, such as SHIFT_JIS" },
  },
})

local stage <close> = stage_over("build-dataset", 0)
local report = data.pack {
  input = args.input, output = args.output, text_extension = args.text_extension, num_workers = args.num_workers,
  shard_size = args.shard_size, label_encoding = args.label_encoding,
  on_progress = function(done, total) stage.bar:at(done, total) end,
}
stage.done = report.sentences
stage:add_skipped(report.skipped)
stage:add_notes(report.notes)
local detail = "%d speakers, %d frames, %d shards in %s"
return stage:finish("sentences packed", detail:format(report.groups, report.frames, #report.shards, args.output))
