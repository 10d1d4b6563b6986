--- What the two slicing recipes share: every clip of a folder is cut, and its pieces are written under
-- its own name. A clip's text belongs to the whole clip, so pieces have none unless there is only one.
local audio, fs = require "opah.audio", require "opah.fs"
local outputs, sharding, stage_over = require "opah.outputs", require "opah.sharding", require "opah.stage"

-- The label of 0000.wav is recorded beside the folder of pieces: a record in each of those is more files than a process may
-- have open. There this stands for "/0000", and no recording has it in its name.
local mark <const> = "\u{2215}0000"

--- Labels that somebody wrote for the pieces of an earlier cut: they would not fit those of another one. Names in words, or
--- nil. `own` holds the suffixes of labels that this stage copies, to a piece that is all there is.
local function foreign_labels(target, own)
  local whole = not fs.exists(target(1, ".wav"))
  for index = 0, math.huge do
    local wav = target(index, ".wav")
    if not fs.exists(wav) then return nil end
    for _, suffix in ipairs { ".lab", ".txt" } do
      local label = target(index, suffix)
      if fs.exists(label) and not (whole and own[suffix]) then return label .. " was written for a piece of it" end
    end
  end
end

--- Cuts the clips below `args.input_dir`: `options` go to audio.slice; `flat` writes OUT/name_0000.wav instead of
--- OUT/name/0000.wav. Pieces are 16-bit mono wav. Returns the recipe's exit code.
---
---     args = { input_dir = "data/Alice", output_dir = "Alice-pieces" }
---     slicing("cut", args, { min_duration = 0.5, max_duration = 1 })  --> 0
---     fs.exists("Alice-pieces/0.00-2.10/0000.wav")                    --> true
---@param name string As messages name the stage.
---@param args { input_dir: string, output_dir: string, recursive?: boolean, overwrite?: boolean, clean?: boolean, shard?: string }
---@param options? table
---@param flat? boolean
---@return integer code
return function(name, args, options, flat)
  local clips, skipped, notes, shard = sharding.scan(args.input_dir, { recursive = args.recursive }, args.shard)
  local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean, shard)
  local made <close> = fs.made(name, options, { overwrite = args.overwrite, grouped = true })
  local stage <close> = stage_over(name, #clips):share(args.shard == nil)
  stage:add_skipped(skipped)
  stage:add_notes(notes)
  local pieces = {}
  for _, clip in ipairs(clips) do
    stage:try(clip.audio, function()
      local base = outputs.path(clip.audio, args.input_dir, args.output_dir, "")
      local function target(index, suffix) return (flat and "%s_%04d%s" or "%s/%04d%s"):format(base, index, suffix) end
      local count
      local function cut_clip()
        local samples, info = audio.load(clip.audio)
        for _, text in ipairs(info.notes) do stage:note(clip.audio, text) end
        local cut, written = audio.slice(samples, info.sample_rate, options), {}
        if not flat then fs.mkdir(base) end
        outputs.several(clip.audio, #cut, function(write)
          for index, piece in ipairs(cut) do
            written[index] = target(index - 1, ".wav")
            write(function() audio.save(written[index], piece, info.sample_rate, { subtype = "pcm16" }) end)
          end
        end)
        -- A longer cut that was killed may have left more than any record says.
        for index = #cut, math.huge do
          if not fs.exists(target(index, ".wav")) then break end
          fs.remove(target(index, ".wav"))
        end
        if #cut > 1 and next(clip.labels) then
          stage:note(clip.audio, ("cut into %d pieces, which need labels of their own"):format(#cut))
        end
        count, pieces[clip.audio] = #cut, #cut
        return written
      end
      -- Older programs, and the original, left pieces without a record of what they were cut from.
      local present = fs.exists(target(0, ".wav")) or fs.exists(target(1, ".wav")) or fs.exists(flat and base .. ".pieces" or base .. "/.pieces")
      made:make(base, { sound = clip.audio }, cut_clip, {
        present = present, owner = clip.audio, unless = function() return foreign_labels(target, clip.labels) end,
      })
      -- Pieces that were cut now may still wait for their names.
      local whole = count == 1 or not count and fs.exists(target(0, ".wav")) and not fs.exists(target(1, ".wav"))
      local is_beside = not flat and not fs.exists(base .. "/.opah-made.jsonl")   -- older programs wrote one there
      for suffix, label in pairs(clip.labels) do
        local copy = target(0, suffix)
        local key = is_beside and base .. mark .. suffix or copy
        if whole then
          made:make(key, { label = label }, function()
            fs.copy(label, copy)
            return { copy }
          end, { copy = true, present = fs.exists(copy) or nil, owner = clip.audio })
        else
          made:drop(key)
        end
      end
    end)
  end
  return outputs.finish(stage, made, args, "clips cut", function(failures)
    return stage:total_of(outputs.sum(pieces, failures)) .. " pieces written"
  end, function(text) return (text:gsub(mark, "/0000")) end)
end
