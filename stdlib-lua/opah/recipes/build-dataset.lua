--- Pack codes and texts into .protos shards, the form that training reads.
-- opah run build-dataset --input data --output data/protos --text-extension .lab --num-workers 16
local recipe, data = require "opah.recipe", require "opah.data"
local fs, planning, stage_over = require "opah.fs", require "opah.planning", require "opah.stage"

return recipe {
  flags = {
    { "input", "path", nil, "a folder of clips with codes, or a filelist; may be given several times",
      multiple = true, required = true },
    { "output", "path", "data/quantized-dataset-ft", "the folder for the shards" },
    { "num-workers", "integer", 16, "accepted for compatibility; the shards are the same", from = 0 },
    { "text-extension", "string", { ".txt" }, "suffix of the text files; may be given several times", multiple = true },
    { "shard-size", "integer", 10, "a new shard is begun above this many MiB", from = 1 },
    { "allow-missing-labels", "boolean", false, "go on when more than half of the clips have no label" },
    { "label-encoding", "string", nil, "how labels that are not UTF-8 are encoded, such as SHIFT_JIS" },
  },
  plan = function(args)
    local clips, disk, wanted = 0, 0, {}
    for _, suffix in ipairs(args.text_extension) do wanted[suffix:lower()] = true end
    for _, input in ipairs(args.input) do
      local found = fs.stat(input) and fs.stat(input).kind == "folder" and data.scan(input) or data.filelist(input)
      for _, clip in ipairs(found) do
        if clip.codes then
          clips = clips + 1
          -- A code of four bytes takes two in a pack at most; a header of 128 bytes makes room for the rest.
          disk = disk + fs.stat(clip.codes).size / 2
          for suffix, label in pairs(clip.labels) do
            if wanted[suffix:lower()] then disk = disk + fs.stat(label).size end
          end
          if clip.text then disk = disk + #clip.text end
        end
      end
    end
    return {
      seconds = clips / 20000, memory = planning.program + 3e6 * math.min(args.shard_size, disk / 1e6), disk = disk, folder = args.output,
      lines = { ("%d clips with codes"):format(clips) },
    }
  end,
  run = function(args)
    local stage <close> = stage_over("build-dataset", 0)
    local report = data.pack {
      input = args.input, output = args.output, text_extension = args.text_extension, num_workers = args.num_workers,
      shard_size = args.shard_size, label_encoding = args.label_encoding, allow_missing_labels = args.allow_missing_labels,
      on_skipped = function(skipped) stage:add_skipped(skipped) end,
      on_progress = function(done, total) stage.bar:at(done, total) end,
    }
    stage.done = report.sentences
    stage:add_skipped(report.skipped)
    stage:add_notes(report.notes)
    require "opah.progress".result { groups = report.groups, frames = report.frames, shards = report.shards }
    local detail = "%d speakers, %d frames, %d shards in %s"
    return stage:finish("sentences packed", detail:format(report.speakers, report.frames, #report.shards, args.output))
  end,
}
