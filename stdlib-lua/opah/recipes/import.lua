--- Bring a corpus in another tool's layout, or a long recording with its times, into SPEAKER/*.wav + .lab.
-- opah run import LJSpeech-1.1 data
local audio, recipe, fs = require "opah.audio", require "opah.recipe", require "opah.fs"
local cues, left_over = require "opah.import.cues", require "opah.import.left_over"
local origins, recording = require "opah.origins", require "opah.import.recording"
local planning, progress, source = require "opah.planning", require "opah.progress", require "opah.import.source"
local outputs, stage_over, targets = require "opah.outputs", require "opah.stage", require "opah.import.targets"

--- The entries, with the samples of each where pieces are cut, and the names that they get. Recordings' headers by
--- path.
local function prepare(args)
  local format, lists = source.find(args.source, args.format)
  local entries, broken = source.read(format, lists, args.source, args)
  local recordings, order = {}, {}
  for _, entry in ipairs(entries) do
    if entry.path and not entry.problem and entry.text ~= "" then
      local own = recordings[entry.path]
      if not own then
        local ok, info = pcall(audio.info, entry.path)
        if not ok and info.kind == "interrupted" then error(info, 0) end
        own = { path = entry.path, info = ok and info or nil, problem = not ok and info or nil, cuts = {} }
        recordings[entry.path], order[#order + 1] = own, own
      end
      if own.problem then entry.problem = own.problem
      elseif entry.first then
        entry.rate = own.info.sample_rate
        own.cuts[#own.cuts + 1] = entry
      end
    end
  end
  for _, own in ipairs(order) do
    if own.info then cues.bounds(own.cuts, own.info.sample_rate, own.info.frames, args.padding) end
  end
  local repeated = targets(entries, args.dest)
  return { format = format, lists = lists, entries = entries, broken = broken, recordings = order,
    by_path = recordings, repeated = repeated }
end

local formats = { "auto" }
for _, format in ipairs(source.formats) do formats[#formats + 1] = format.name end

return recipe {
  positionals = {
    { "source", "path", "a corpus's folder, or its list; or labels, subtitles or a TextGrid beside their recording" },
    { "dest", "path", "where the clips go: DEST/SPEAKER/NAME.wav with NAME.lab" },
  },
  flags = {
    { "format", "string", "auto", "what SOURCE is", choices = formats },
    { "speaker", "string", nil, "the speaker of all clips, whatever the list says" },
    { "audio", "path", nil, "the recording that the times belong to, or the folder that the list's paths begin in" },
    { "tier", "string", {}, "the TextGrid's tier with the sentences; several: a tier for each speaker",
      multiple = true },
    { "padding", "number", 0.1, "sound kept before and after a cue, in seconds, at most half of the way to the next",
      from = 0, to = 10 },
    { "suffix", "string", ".wav", "what pieces of recordings are written as", choices = { ".wav", ".flac" } },
    { "overwrite", "boolean", false, "write again what is there" },
  },
  plan = function(args)
    local work = prepare(args)
    local disk, clips, problems, seconds = 0, 0, #work.broken, 0
    for _, entry in ipairs(work.entries) do
      if entry.problem then problems = problems + 1 end
      if entry.stem then
        local info = work.by_path[entry.path].info
        clips, disk = clips + 1, disk + #entry.text + 4096
        seconds = seconds + (entry.from and (entry.to - entry.from) / entry.rate or info.duration)
        disk = disk + (entry.from and 2 * info.channels * (entry.to - entry.from) or fs.stat(entry.path).size)
      end
    end
    local lines = { ("%s: %d clips, %s of sound"):format(work.format.name, clips, progress.duration(seconds)) }
    if problems > 0 then lines[2] = ("%d entries would be skipped"):format(problems) end
    return { memory = planning.program + 250e6, disk = disk, folder = args.dest, lines = lines }
  end,
  run = function(args)
    if fs.overlap(args.source, args.dest) then
      local hint = "choose a folder of its own for the clips"
      error(fs.error("argument", ("%s and %s overlap: one is, or lies in, the other"):format(args.source, args.dest),
        hint), 0)
    end
    local work = prepare(args)
    local _ <close> = fs.lock(args.dest, "importing")
    local made <close> = fs.made("import", { subtype = "as the recording's" },
      { overwrite = args.overwrite, grouped = true })
    local from = origins("import")
    local stage <close> = stage_over("import", #work.entries)
    for _, list in ipairs(work.broken) do stage:skip(list.path, list.problem, list.remedy) end

    --- A reason not to replace what an import from elsewhere made.
    local function of_another(target, input)
      local before = from:of(target)
      if before and before ~= fs.resolve(input) then return ("%s was imported from %s"):format(target, before) end
    end

    --- Writes one file; what is there is replaced only when this recipe made it of the same input, and that changed.
    local function make(entry, target, role, input, work_, options)
      options = options or {}
      options.owner, options.unless = entry.where, function() return of_another(target, input) end
      return made:make(target, { [role] = input }, work_, options)
    end

    local silent = 0
    local open
    local function import(entry)
      fs.mkdir(fs.dirname(entry.stem))
      local sound
      if entry.from then
        sound = entry.stem .. args.suffix
        make(entry, sound, "sound", entry.path, function()
          if not open or open.path ~= entry.path then open = recording(entry.path) end
          for _, text in ipairs(audio.save(sound, open:samples(entry.from, entry.to), open.info.sample_rate,
            { like = open.info })) do
            stage:note(entry.where, text)
          end
          for _, text in ipairs(open.notes) do stage:note(entry.path, text) end
        end)
      else
        sound = entry.stem .. entry.path:match("%.%w+$"):lower()
        make(entry, sound, "sound", entry.path, function() fs.copy(entry.path, sound) end, { copy = true })
      end
      local label = entry.stem .. ".lab"
      -- The list may have changed in other lines: a label that says what its own line says is left alone.
      if args.overwrite or not fs.exists(label) or fs.stat(label).size > 1e6 or fs.read(label) ~= entry.text then
        make(entry, label, "label", entry.list, function() fs.write(label, entry.text) end, { copy = true })
      end
    end

    -- Recording by recording: pieces that lie beside each other are decoded together.
    local order = {}
    for i, entry in ipairs(work.entries) do order[i] = entry end
    local place = {}
    for i, own in ipairs(work.recordings) do place[own.path] = i end
    for i, entry in ipairs(order) do entry.number = i end
    table.sort(order, function(a, b)
      local x, y = place[a.path] or 0, place[b.path] or 0
      if x ~= y then return x < y end
      if (a.from or 0) ~= (b.from or 0) then return (a.from or 0) < (b.from or 0) end
      return a.number < b.number
    end)
    for _, entry in ipairs(order) do
      if entry.problem then
        stage:skip(entry.where, entry.problem, entry.remedy)
        stage.bar:step(1)
      elseif entry.text == "" then
        if work.format.cuts then silent = silent + 1 else stage:skip(entry.where, "it has no text",
          "write one, or leave the line out") end
        stage.bar:step(1)
      elseif entry.stem then
        stage:try(entry.where, function() import(entry) end)
      else
        stage.bar:step(1)
      end
    end

    local dropped = left_over(work.entries, args.dest, made, from, function(path, text) stage:note(path, text) end)

    outputs.bring_out(stage, made)
    stage:add_notes(made:notes("files", args.dest))
    if silent > 0 then stage:note(args.source, ("%d stretches without text are left out"):format(silent)) end
    if work.repeated > 0 then
      stage:note(args.source, ("%d lines are there twice in the same words"):format(work.repeated))
    end
    if dropped > 0 then
      stage:note(args.dest, ("%d clips of an earlier import removed: no line asks for them any more"):format(dropped))
    end
    if #work.entries == 0 and #work.broken == 0 then stage:skip(args.source, "its lists are empty") end
    local speakers, count = {}, 0
    for _, entry in ipairs(work.entries) do
      if entry.stem and not speakers[entry.speaker] then speakers[entry.speaker], count = true, count + 1 end
    end
    progress.result { format = work.format.name, clips = stage.done, speakers = count }
    return stage:finish("clips imported", ("%s, %d speakers, in %s%s"):format(work.format.name, count, args.dest,
      made.remade and ", " .. made.remade or ""))
  end,
}
