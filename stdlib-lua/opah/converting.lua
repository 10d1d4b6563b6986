--- What recipes that make one clip of each clip share: the same tree below the output folder, labels carried along, and
-- what is there already left alone as long as clip, label and settings are what it was made from.
local audio, fs = require "opah.audio", require "opah.fs"
local outputs, sharding, stage_over = require "opah.outputs", require "opah.sharding", require "opah.stage"

-- Options that do not change what a clip becomes.
local common = { input_dir = true, output_dir = true, recursive = true, overwrite = true, clean = true, num_workers = true, shard = true }

--- Goes through the clips below `args.input_dir`: `convert(clip, note)` returns samples, their rate in Hz, and what the
--- input's header said (the info table of audio.load); `note(text)` lists a note. All other options in `args` count as
--- settings: when one changes, everything is made again. Returns the recipe's exit code.
---
---     args = { input_dir = "data/Alice", output_dir = "Alice-quiet", recursive = true }
---     code = converting("quieter", args, "clips made quieter", function(clip)
---       samples, info = audio.load(clip.audio)
---       return samples / 2, info.sample_rate, info
---     end)
---     code, fs.exists("Alice-quiet/0.00-2.10.lab")  --> 0, true
---@param name string As messages name the stage.
---@param args { input_dir: string, output_dir: string, recursive?: boolean, overwrite?: boolean, clean?: boolean, shard?: string }
---@param verb string What was done, after the number of clips.
---@param convert fun(clip: table, note: fun(text: string)): Tensor, integer, table
---@return integer code
return function(name, args, verb, convert)
  local settings = {}
  for key, value in pairs(args) do
    if not common[key] then settings[key] = value end
  end
  local clips, skipped, notes, shard = sharding.scan(args.input_dir, { recursive = args.recursive }, args.shard)
  local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean, shard)
  local made <close> = fs.made(name, settings, { overwrite = args.overwrite, grouped = true })
  local stage <close> = stage_over(name, #clips):share(args.shard == nil)
  stage:add_skipped(skipped)
  stage:add_notes(notes)
  for _, clip in ipairs(clips) do
    local suffix = not audio.can_write(clip.audio) and ".wav" or nil
    local target = outputs.path(clip.audio, args.input_dir, args.output_dir, suffix)
    stage:try(clip.audio, function()
      outputs.copy_labels(clip, args.input_dir, args.output_dir, made)
      made:make(target, { sound = clip.audio }, function()
        local function note(text) stage:note(clip.audio, text) end
        local samples, rate, info = convert(clip, note)
        for _, text in ipairs(info.notes or {}) do note(text) end
        if suffix then note("written as .wav, since its own kind cannot be written") end
        local saved = audio.save(target, samples, rate, { like = info })
        for _, text in ipairs(saved) do note(text) end
      end, { owner = clip.audio })
    end)
  end
  return outputs.finish(stage, made, args, verb)
end
