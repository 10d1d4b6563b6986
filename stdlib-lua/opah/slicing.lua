--- What the two slicing recipes share: every clip of a folder is cut, and its pieces are written under
-- its own name. A clip's text belongs to the whole clip, so pieces have none unless there is only one.
local audio, data, fs = require "opah.audio", require "opah.data", require "opah.fs"
local outputs, stage_over = require "opah.outputs", require "opah.stage"

--- Cuts the clips below `args.input_dir`: `options` go to audio.slice; `flat` writes OUT/name_0000.wav instead of
--- OUT/name/0000.wav. Pieces are 16-bit mono wav. Returns the recipe's exit code.
---
---     args = { input_dir = "data/Alice", output_dir = "Alice-pieces" }
---     slicing("cut", args, { min_duration = 0.5, max_duration = 1 })  --> 0
---     fs.exists("Alice-pieces/0.00-2.10/0000.wav")                    --> true
---@param name string As messages name the stage.
---@param args { input_dir: string, output_dir: string, recursive?: boolean, overwrite?: boolean, clean?: boolean }
---@param options? table
---@param flat? boolean
---@return integer code
return function(name, args, options, flat)
  local clips, skipped = data.scan(args.input_dir, { recursive = args.recursive, audio = true })
  local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean)
  local stage <close> = stage_over(name, #clips)
  stage:add_skipped(skipped)
  local pieces = 0
  for _, clip in ipairs(clips) do
    stage:try(clip.audio, function()
      local base = outputs.path(clip.audio, args.input_dir, args.output_dir, "")
      local function target(index, suffix) return (flat and "%s_%04d%s" or "%s/%04d%s"):format(base, index, suffix) end
      -- A file that says how many pieces there are is written last: without it the clip is cut again.
      local mark = flat and base .. ".pieces" or base .. "/.pieces"
      if fs.exists(mark) and not args.overwrite then return end
      local samples, info = audio.load(clip.audio)
      local cut = audio.slice(samples, info.sample_rate, options)
      if not flat then fs.mkdir(base) end
      for index, piece in ipairs(cut) do
        audio.save(target(index - 1, ".wav"), piece, info.sample_rate, { subtype = "pcm16" })
      end
      if #cut == 1 then
        for suffix, label in pairs(clip.labels) do fs.copy(label, target(0, suffix)) end
      elseif next(clip.labels) then
        stage:note(clip.audio, ("cut into %d pieces, which need labels of their own"):format(#cut))
      end
      fs.write(mark, #cut .. "\n")
      pieces = pieces + #cut
    end)
  end
  return stage:finish("clips cut", pieces .. " pieces written")
end
