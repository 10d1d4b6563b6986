--- Make a corpus of synthetic speech to train a codec and a model from nothing: sentences by a grammar, spoken by flite's voices.
-- opah run examples/corpus/make-corpus.lua --output corpus --clips 2000 --voices rms,slt,kal16
-- opah run examples/corpus/make-corpus.lua --output corpus --domain japanese --voices mei
-- needs: flite (sudo apt install flite); for Japanese Python with venv, and PyPI
local audio, config, fs, tensor = require "opah.audio", require "opah.config", require "opah.fs", require "opah.tensor"
local stage_over = require "opah.stage"
local recipe = require "opah.recipe"

local domains = { small = "small.lua", japanese = "japanese.lua" }

return recipe {
  flags = {
    { "output", "output", "corpus", "the folder for a folder per voice, and for held-out.txt" },
    { "clips", "integer", 2000, "clips per voice" },
    { "voices", "string", "rms,slt,kal16", "voices of flite, comma between: flite -lv lists them; slt@110: slt played at 110 %; kal16~140: kal16 at about 140 Hz; in Japanese mei, mei@80, ..." },
    { "domain", "string", "common", "common: some 200 words; small: sixty; japanese: sixty in kana", choices = { "common", "small", "japanese" } },
    { "first", "integer", 1, "number of the first sentence; a second speaker's clips begin elsewhere" },
    { "measured", "integer", 100, "held-out sentences for held-out.txt, which are never spoken here" },
    { "environment", "path", nil, "where Python's packages for Japanese are, or are installed; --output/environment unless given" },
  },
  run = function(args)
    local here, japanese = fs.dirname(arg[0]), args.domain == "japanese"
    local sentences = dofile(fs.join(here, "sentences.lua"))
    if domains[args.domain] then sentences.use(dofile(fs.join(here, domains[args.domain]))) end
    local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

    -- A voice that it does not have, flite replaces by another without a word.
    local engine, listed = "pyopenjtalk-plus", " mei "
    if not japanese then
      if os.execute("command -v flite >/dev/null") ~= true then
        error(fs.error("file", "flite is not installed", "sudo apt install flite"), 0)
      end
      engine, listed = "flite", io.popen("flite -lv"):read("a"):gsub("^.-:", "") .. " "
    end
    local voices = {}
    for name in args.voices:gmatch("[^,%s]+") do
      local voice, percent = name:match("^(.-)@(%d+)$")
      voice, percent = voice or name, tonumber(percent or 100)
      local plain, pitch = voice:match("^(.-)~(%d+)$")
      voice, pitch = plain or voice, tonumber(pitch)
      if not listed:find(" " .. voice .. " ", 1, true) then config.usage_error(("%s has no voice %s, but:%s"):format(engine, voice, listed)) end
      if percent < 50 or percent > 200 then config.usage_error(name .. ": a voice can be played at 50 to 200 %") end
      -- Only voices of joined halves of sounds have a pitch that can be asked for; the others speak as they learned.
      if pitch and voice ~= "kal" and voice ~= "kal16" then config.usage_error(name .. ": only kal and kal16 have a pitch that can be chosen") end
      if pitch and (pitch < 50 or pitch > 400) then config.usage_error(name .. ": a pitch is 50 to 400 Hz") end
      voices[#voices + 1] = { name = name, voice = voice, percent = percent, pitch = pitch and "--setf int_f0_target_mean=" .. pitch or "" }
    end

    fs.mkdir(args.output)
    local _ <close> = fs.lock(args.output, "making a corpus")
    local lines = {}
    for i = 1, args.measured do lines[i] = sentences.held_out(i) end
    fs.write(fs.join(args.output, "held-out.txt"), table.concat(lines, "\n") .. "\n")

    -- Plays a clip at another speed: another pitch, and formants of a smaller or larger head, so nearly another speaker.
    -- Japanese comes at 48 kHz, of which a codec of 16 kHz hears nothing above 8.
    local function play_at(path, percent)
      local samples, info = audio.load(path)
      local rate = japanese and 16000 or info.sample_rate
      audio.save(path, audio.resample(samples, info.sample_rate * percent // 100, rate), rate)
    end

    -- flite speaks each clip by a process of its own, all of the list at once.
    local function flite(speaker)
      return function(list)
        local pipes, next_one = {}, 0
        for i, clip in ipairs(list) do
          pipes[i] = io.popen(("flite -voice %s %s -t %s -o %s 2>&1"):format(quoted(speaker.voice), speaker.pitch, quoted(clip.text), quoted(clip.hidden)))
        end
        return function()
          next_one = next_one + 1
          local problem = pipes[next_one]:read("a")
          return (not pipes[next_one]:close() or problem:find("%S")) and problem:gsub("%s+", " ") or nil
        end
      end
    end

    local mei = japanese and dofile(fs.join(here, "japanese-voice.lua"))(args.environment or fs.join(args.output, "environment"))
    local at_once = japanese and 400 or tensor.threads()
    local stage <close> = stage_over("make-corpus", #voices * args.clips)
    for _, speaker in ipairs(voices) do
      local folder, number = fs.join(args.output, speaker.name), args.first
      fs.mkdir(folder)
      local speak = mei or flite(speaker)
      while number < args.first + args.clips do
        local list = {}
        while #list < at_once and number < args.first + args.clips do
          local name = fs.join(folder, ("%06d"):format(number))
          if fs.exists(name .. ".lab") then
            stage.done = stage.done + 1
            stage.bar:step(1)
          else
            local kind, hidden = number % 2 == 0 and "words" or "grammar", fs.join(folder, (".%06d.wav"):format(number))
            list[#list + 1] = { name = name, path = name .. ".wav", hidden = hidden, text = sentences.make(kind, number) }
          end
          number = number + 1
        end
        local answer = speak(list)
        for _, clip in ipairs(list) do
          stage:try(clip.path, function()
            local problem = answer()
            if problem then error(fs.error("audio", ("%s could not speak it: %s"):format(engine, problem)), 0) end
            if japanese or speaker.percent ~= 100 then play_at(clip.hidden, speaker.percent) end
            fs.move(clip.hidden, clip.path)
            fs.write(clip.name .. ".lab", clip.text .. "\n")     -- last: a clip with a label is whole
          end)
        end
      end
    end
    return stage:finish("clips", "sentences to measure with are in " .. fs.join(args.output, "held-out.txt"))
  end,
}
