--- Join short clips of each folder into longer ones, their texts included.
-- opah run merge-short data-raw data --max-duration 20
local audio, recipe, fs = require "opah.audio", require "opah.recipe", require "opah.fs"
local outputs, recordings, stage_over = require "opah.outputs", require "opah.recordings", require "opah.stage"
local planning, tensor, text = require "opah.planning", require "opah.tensor", require "opah.text"

return recipe {
  positionals = {
    { "input_dir", "folder", "clips" },
    { "output_dir", "path", "where the joined clips go: 0.wav, 1.wav, ... for each folder" },
  },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "max-duration", "number", 20, "joined clips are at most this long, in seconds", above = 0, to = 86400 },
    { "overwrite", "boolean", false, "write over clips that are there" },
    { "clean", "boolean", false, "empty the output folder first" },
  },
  plan = function(args) return planning.clip_by_clip(args, planning.cut, planning.wav) end,
  run = function(args)
    local clips, skipped, notes = recordings.scan(args.input_dir, { recursive = args.recursive })
    local _ <close> = outputs.prepare(args.input_dir, args.output_dir, args.clean)
    local made <close> = fs.made("merge-short", { max_duration = args.max_duration }, { overwrite = args.overwrite, grouped = true })
    local stage <close> = stage_over("merge-short", #clips)
    stage:add_skipped(skipped)
    stage:add_notes(notes)

    local written, used = {}, {}

    --- Joins the clips of one folder: what is written, or false when a clip had to be left out.
    local function join(folder, members, write)
      local files, whole = {}, true
      local count, parts, texts, seconds, rate = 0, {}, {}, 0, nil
      local function close()
        if #parts == 0 then return end
        local base = fs.join(folder, tostring(count))
        write(function() audio.save(base .. ".wav", tensor.cat(parts, 1), rate, { subtype = "pcm16" }) end)
        files[#files + 1] = base .. ".wav"
        for suffix, lines in pairs(texts) do
          if #lines == #parts then
            write(function() fs.write(base .. suffix, table.concat(lines, " ")) end)
            files[#files + 1] = base .. suffix
          end
        end
        count, parts, texts, seconds = count + 1, {}, {}, 0
      end
      for _, clip in ipairs(members) do
        local fine = stage:try(clip.audio, function()
          local samples, info = audio.load(clip.audio)
          for _, note in ipairs(info.notes) do stage:note(clip.audio, note) end
          local labels = {}
          for suffix, label in pairs(clip.labels) do labels[suffix] = (text.read_label(label)) end
          local length = #samples / info.sample_rate
          if #parts > 0 and (seconds + length > args.max_duration or rate ~= info.sample_rate) then close() end
          rate, seconds = info.sample_rate, seconds + length
          parts[#parts + 1] = samples
          for suffix, line in pairs(labels) do
            texts[suffix] = texts[suffix] or {}
            table.insert(texts[suffix], line)
          end
        end)
        whole = whole and fine
        if fine then used[folder] = (used[folder] or 0) + 1 end
      end
      close()
      written[folder] = count
      return whole and files
    end

    -- What is joined with what depends on all clips of a folder: when one changes, the folder is joined again.
    local folders, members = {}, {}
    for _, clip in ipairs(clips) do
      local folder = fs.dirname(outputs.path(clip.audio, args.input_dir, args.output_dir))
      if not members[folder] then
        members[folder] = {}
        folders[#folders + 1] = folder
      end
      table.insert(members[folder], clip)
    end
    for _, folder in ipairs(folders) do
      local inputs = {}
      for _, clip in ipairs(members[folder]) do
        inputs["sound:" .. fs.basename(clip.audio)] = clip.audio
        for _, label in pairs(clip.labels) do inputs["label:" .. fs.basename(label)] = label end
      end
      local function join_all()
        return outputs.several(folder, #members[folder], function(write) return join(folder, members[folder], write) end)
      end
      local ok, result = pcall(made.make, made, fs.join(folder, "joined"), inputs, join_all,
        { present = fs.exists(fs.join(folder, "0.wav")), owner = folder })
      if not ok then
        if type(result) == "userdata" and result.fatal then error(result, 0) end
        stage:skip(folder, result)
        stage.bar:step(#members[folder])
      elseif result == "kept" then
        stage.done = stage.done + #members[folder]
        stage.bar:step(#members[folder])
      end
    end
    local failures = outputs.bring_out(stage, made, used)
    return outputs.finish(stage, made, args, "clips joined", outputs.sum(written, failures) .. " written")
  end,
}
