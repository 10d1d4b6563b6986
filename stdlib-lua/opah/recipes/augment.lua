--- Copies of clips that begin a few milliseconds later: a codec cuts them into other frames, so a few clips teach a model more.
-- opah run augment data data-augmented --shifts 10,20,30
local audio, fs, recipe = require "opah.audio", require "opah.fs", require "opah.recipe"
local origins, outputs, planning, stage_over = require "opah.origins", require "opah.outputs", require "opah.planning", require "opah.stage"

--- Milliseconds of a list as "10,20,30"; what makes no copy of its own is an error.
local function shifts_of(list)
  local shifts, seen = {}, {}
  local function refuse(why)
    error(fs.error("usage", ("--shifts %s: %s"):format(list, why), "write milliseconds with commas between, as 10,20,30"), 0)
  end
  for word in (list .. ","):gmatch("%s*(.-)%s*,") do
    local shift = word:match("^%d+%.?%d*$") and tonumber(word)
    if not shift or shift <= 0 or shift > 1000 then refuse(("'%s' is no number of milliseconds above 0, up to 1000"):format(word)) end
    if seen[shift] then refuse(("%s is there twice"):format(word)) end
    seen[shift], shifts[#shifts + 1] = true, { word = word, seconds = shift / 1000 }
  end
  return shifts
end

--- Removes what earlier runs made of this input and is not wanted any more: other shifts, clips that are gone. Their number.
local function drop_others(args, wanted, made)
  local dropped, from = 0, origins("augment")
  for _, path in ipairs(fs.list(args.output_dir, { recursive = true })) do
    local source = not wanted[path] and from:of(path)
    if source and fs.overlap(source, args.input_dir) and made:drop(path) then dropped = dropped + 1 end
  end
  return dropped
end

return recipe {
  positionals = {
    { "input_dir", "folder", "clips, with their labels beside them" },
    { "output_dir", "path", "where clips and copies go, each with its labels" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "overwrite", "boolean", false, "make copies again that are there already" },
    { "clean", "boolean", false, "empty the output folder first" },
    { "shifts", "string", "10,20,30", "how much later the copies of a clip begin, in milliseconds: parts of a codec's frame" },
  },
  plan = function(args)
    local copies = #shifts_of(args.shifts)
    return planning.clip_by_clip(args, 2, function(clip) return clip.bytes + copies * planning.wav(clip) end)
  end,
  run = function(args)
    local shifts = shifts_of(args.shifts)
    local clips, skipped, notes = require "opah.recordings".scan(args.input_dir, { recursive = args.recursive })
    local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean)
    local made <close> = fs.made("augment", {}, { overwrite = args.overwrite, grouped = true })
    local stage <close> = stage_over("augment", #clips)
    stage:add_skipped(skipped)
    stage:add_notes(notes)
    local wanted, copies = {}, {}
    local function path_of(file, ending)
      local path = outputs.path(file, args.input_dir, args.output_dir, ending)
      wanted[path] = true
      return path
    end
    -- A clip may have the name that another one's copy would get: copies of copies do.
    local taken = {}
    for _, clip in ipairs(clips) do taken[outputs.path(clip.audio, args.input_dir, args.output_dir, "")] = true end

    for _, clip in ipairs(clips) do
      local own, later = path_of(clip.audio), {}
      for _, label in pairs(clip.labels) do path_of(label) end
      for _, shift in ipairs(shifts) do
        local ending = "+" .. shift.word .. "ms"
        if taken[outputs.path(clip.audio, args.input_dir, args.output_dir, ending)] then
          stage:note(clip.audio, "has no copy " .. ending .. ": a clip of that name is there")
        else
          local copy = { path = path_of(clip.audio, ending .. ".wav"), shift = shift, labels = {} }
          for suffix, label in pairs(clip.labels) do copy.labels[path_of(label, ending .. suffix)] = label end
          later[#later + 1] = copy
        end
      end
      stage:try(clip.audio, function()
        local function copy_file(from, role, path)
          made:make(path, { [role] = from }, function() fs.copy(from, path) end, { copy = true, owner = clip.audio })
        end
        outputs.copy_labels(clip, args.input_dir, args.output_dir, made)
        copy_file(clip.audio, "sound", own)
        local duration, samples, info, count = audio.info(clip.audio).duration, nil, nil, 0
        for _, copy in ipairs(later) do
          if copy.shift.seconds >= duration / 2 then
            stage:note(clip.audio, "too short for a copy that begins " .. copy.shift.word .. " ms later")
          else
            made:make(copy.path, { sound = clip.audio }, function()
              if not samples then samples, info = audio.load(clip.audio) end
              for _, text in ipairs(info.notes) do stage:note(clip.audio, text) end
              local from = math.floor(copy.shift.seconds * info.sample_rate + 0.5)
              audio.save(copy.path, samples:narrow(-1, from + 1, samples:size(-1) - from), info.sample_rate, { like = info })
            end, { owner = clip.audio })
            for path, label in pairs(copy.labels) do copy_file(label, "label", path) end
            count = count + 1
          end
        end
        copies[clip.audio] = count
      end)
    end
    local dropped = drop_others(args, wanted, made)
    if dropped > 0 then stage:note(args.output_dir, dropped .. " files of an earlier run were removed: nothing asks for them any more") end
    return outputs.finish(stage, made, args, "clips", function(failures)
      return ("%d copies; train with train_dataset.val_by=text"):format(outputs.sum(copies, failures))
    end)
  end,
}
