--- Find what is wrong with clips, labels, codes, packs and weights before hours are spent on them.
-- opah run doctor data --report doctor.html
local codes, examining, faults = require "opah.doctor.codes", require "opah.doctor.clips", require "opah.doctor.faults"
local labels = require "opah.doctor.labels"
local packs, page, quarantine = require "opah.doctor.packs", require "opah.doctor.page",
  require "opah.doctor.quarantine"
local speakers, together, weights = require "opah.doctor.speakers", require "opah.doctor.together",
  require "opah.doctor.weights"
local recipe, data, fs, options = require "opah.recipe", require "opah.data", require "opah.fs", require "opah.options"
local own_files = require "opah.own_files"
local planning, progress, recordings, tables = require "opah.planning", require "opah.progress", require "opah.recordings", require "opah.tables"

local usual = examining.usual

return recipe {
  positionals = { { "input_dir", "folder", "clips with their labels and, where there are, codes and packs" } },
  flags = {
    { "recursive", "boolean", true, "enter the folders below" },
    { "audio-only", "boolean", false, "look at the recordings alone: they have no labels yet" },
    { "text-extension", "string", usual.text_extension, "suffixes of the labels, the preferred one first",
      multiple = true },
    { "label-encoding", "string", nil, "how labels that are not UTF-8 are encoded, as for build-dataset" },
    { "checkpoint-path", "folder", nil, "a model's folder: its weights are checked, and labels against its tokenizer" },
    { "readings", "file", nil, "a file of word<TAB>reading: Japanese words without one are listed" },
    { "max-length", "integer", usual.max_length, "tokens of a training row", from = 1 },
    { "min-snr", "number", usual.min_snr, "the least that a voice should be above its pauses, in dB" },
    { "max-silence", "number", usual.max_silence, "the most silence at either end, in seconds", from = 0 },
    { "max-reverberation", "number", usual.max_reverberation,
      "the longest that a room may take to let a sound fade by 60 dB, in seconds", above = 0 },
    { "config-name", "string", nil, "the codec's configuration, as for extract-vq: it says what the next four options say" },
    { "num-codebooks", "integer", usual.num_codebooks, "codebooks of the codec", from = 1 },
    { "codebook-size", "integer", usual.codebook_size, "codes of a codebook", from = 1 },
    { "sample-rate", "integer", usual.sample_rate, "the codec's rate, in Hz", from = 1000 },
    { "hop-length", "integer", usual.hop_length, "samples of one of the codec's mel frames, of which four make a code", from = 1 },
    { "report", "path", nil, "write a page with the findings, and each doubtful clip to see and hear" },
    { "page-clips", "integer", 30, "clips on that page, at most", from = 0, to = 500 },
    { "quarantine", "path", nil, "move the clips that cannot be used here; nothing is removed" },
    { "restore", "boolean", false, "move everything in the quarantine back" },
  },
  plan = function(args)
    local sound = planning.sound(args.input_dir, args)
    return {
      -- Decoding and measuring take about a hundredth of the sound's own time, on one processor.
      seconds = 0.2 + 0.01 * sound.seconds, memory = planning.program + 40 * math.min(sound.largest, 300 * 48000 * 2),
      disk = args.report and 1e6 * args.page_clips or 0, folder = args.report and fs.dirname(args.report) or ".",
        lines = sound.lines,
    }
  end,
  run = function(args)
    if args.report then own_files.page(args.report) end
    options.check {
      { not args.restore or args.quarantine ~= nil, "--restore needs --quarantine, the folder to move back from" },
    }

    local codec = codes.of_codec(args, usual)
    if args.quarantine then quarantine.apart(args.input_dir, args.quarantine) end

    local function stuck(path, problem)
      local reason, remedy = require "opah".error_text(problem)
      progress.warn(("%s: %s%s"):format(progress.name(path), reason, remedy and "\n    -> " .. remedy or ""))
    end

    if args.restore then
      local failed = 0
      local moved = quarantine.restore(args.input_dir, args.quarantine, function(path, problem)
        failed = failed + 1
        stuck(path, problem)
      end)
      progress.result { restored = moved, skipped = failed }
      progress.log(("doctor: %d files moved back to %s%s"):format(moved, args.input_dir, failed > 0
        and (", %d could not be"):format(failed) or ""))
      return failed > 0 and 3 or 0
    end

    local found = faults()
    local with = {
      audio_only = args.audio_only, text_extension = args.text_extension,
      label_encoding = args.label_encoding, max_length = args.max_length, min_snr = args.min_snr,
      max_silence = args.max_silence, max_reverberation = args.max_reverberation,
      num_codebooks = codec.num_codebooks, codebook_size = codec.codebook_size,
      sample_rate = codec.sample_rate, hop_length = codec.hop_length, downsample = codec.downsample, origins = {}, known = {},
      readings = args.readings and labels.readings(args.readings) or nil,
    }
    if args.checkpoint_path then with.tokenizer = weights.check(args.checkpoint_path, found) end

    -- Clips
    local scanned, _, alone = data.scan(args.input_dir, { recursive = args.recursive })
    local _, skipped = recordings.scan(args.input_dir, { recursive = args.recursive })
    local clips = {}
    for _, item in ipairs(alone) do
      if not args.audio_only then found:add("no-recording", item.path, item.text) end
    end
    for _, item in ipairs(skipped) do found:add("unreadable", item.path, item.reason, item.remedy) end
    for _, clip in ipairs(scanned) do
      clip.file = clip.audio or clip.codes or select(2, next(clip.labels)) or clip.stem
      clips[#clips + 1] = clip
    end
    do
      local bar <close> = progress.bar(#clips, "doctor")
      for _, clip in ipairs(clips) do
        examining.examine(clip, found, with)
        bar:step(1, { faults = #found.list > 0 and #found.list or nil })
      end
    end
    together(clips, found)
    local usable = {}
    for _, clip in ipairs(clips) do
      if (clip.audio or clip.codes) and not found.unusable[clip.file] then usable[#usable + 1] = clip end
    end
    local voices = speakers.balance(usable, found, args.input_dir)

    -- Packs
    local packed, sentences = packs.of(args.input_dir), 0
    for _, path in ipairs(packed) do sentences = sentences + packs.check(path, found, with) end

    -- What was found
    found:sort()
    local listed = tables { "severity", "code", "file", "what", "remedy" }
    for _, row in ipairs(found:rows()) do
      listed:add { row[1], row[2], progress.name(row[3]), progress.name(row[4]), row[5] }
    end
    local kinds, counted = {}, {}
    for _, fault in ipairs(found.list) do
      progress.event { event = "fault", code = fault.code, file = fault.file, what = fault.what, remedy = fault.remedy,
        severity = fault.severity }
      if not counted[fault.code] then
        counted[fault.code] = { fault.code, fault.severity, 0, fault.remedy }
        kinds[#kinds + 1] = counted[fault.code]
      end
      local kind = counted[fault.code]
      kind[3] = kind[3] + 1
      if kind[4] ~= fault.remedy then kind[4] = "differs: see each file below" end
    end
    if #found.list > 0 then print(listed:text()) end

    local seconds, errors, lost = 0, 0, 0
    for _, clip in ipairs(usable) do seconds = seconds + (clip.seconds or 0) end
    for _, fault in ipairs(found.list) do if fault.severity == "error" then errors = errors + 1 end end
    for _, clip in ipairs(clips) do if found.unusable[clip.file] then lost = lost + 1 end end
    lost = lost + #skipped
    local summary = ("%d of %d clips can be used, %s of sound, %d speakers%s: %d errors, %d notes"):format(#usable,
      #usable + lost,
      progress.duration(seconds), #voices, #packed > 0 and ("; %d sentences in %d packs"):format(sentences, #packed)
        or "", errors,
      #found.list - errors)

    if args.report then
      page.write(args.report, "Doctor: " .. args.input_dir, clips, found,
        { summary = summary, speakers = voices, kinds = kinds, limit = args.page_clips })
      progress.event { event = "output", path = args.report }
    end
    local moved = 0
    if args.quarantine then
      local bad = {}
      for _, clip in ipairs(clips) do
        if found.unusable[clip.file] then
          local why = {}
          for _, fault in ipairs(found:of(clip.file)) do
            if fault.severity == "error" then why[#why + 1] = fault.code .. ": " .. fault.what end
          end
          bad[#bad + 1] = { files = quarantine.files(clip), why = table.concat(why, "; ") }
        end
      end
      moved = quarantine.move(args.input_dir, args.quarantine, bad, stuck)
    end
    progress.result { clips = #clips, usable = #usable, errors = errors, notes = #found.list - errors,
      counts = found.counts, moved = moved }
    progress.log("doctor: " .. summary .. (moved > 0 and (", %d files moved to %s"):format(moved, args.quarantine) or "")
      .. (args.report and ", page in " .. args.report or ""))
    if #usable == 0 and sentences == 0 then return 1 end
    return errors > 0 and 3 or 0
  end,
}
