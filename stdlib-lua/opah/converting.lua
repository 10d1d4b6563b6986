--- What recipes that make one clip of each clip share: the same tree below the output folder, labels
-- carried along, what is there already left alone.
local audio, data, fs = require "opah.audio", require "opah.data", require "opah.fs"
local outputs, stage_over = require "opah.outputs", require "opah.stage"

--- `convert(clip, note)` returns samples, their rate, and what the input's header said.
-- Returns the recipe's exit code.
return function(name, args, verb, convert)
  local clips, skipped = data.scan(args.input_dir, { recursive = args.recursive, audio = true })
  local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean)
  local stage <close> = stage_over(name, #clips)
  stage:add_skipped(skipped)
  for _, clip in ipairs(clips) do
    local target = outputs.path(clip.audio, args.input_dir, args.output_dir)
    stage:try(clip.audio, function()
      outputs.copy_labels(clip, args.input_dir, args.output_dir, args.overwrite)
      if fs.exists(target) and not args.overwrite then return end
      local function note(text) stage:note(clip.audio, text) end
      local samples, rate, info = convert(clip, note)
      for _, text in ipairs(info.notes or {}) do note(text) end
      local saved = audio.save(target, samples, rate, { subtype = outputs.subtype(info, target) })
      for _, text in ipairs(saved) do note(text) end
    end)
  end
  return stage:finish(verb)
end
