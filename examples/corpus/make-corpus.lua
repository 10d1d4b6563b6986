--- Make a corpus of synthetic speech to train a codec and a model from nothing: sentences by a grammar, spoken by flite's voices.
-- opah run examples/corpus/make-corpus.lua --output corpus --clips 2000 --voices rms,slt,kal16
-- needs: flite (sudo apt install flite)
local audio, config, fs, tensor = require "opah.audio", require "opah.config", require "opah.fs", require "opah.tensor"
local stage_over = require "opah.stage"
local recipe = require "opah.recipe"

return recipe {
  flags = {
    { "output", "output", "corpus", "the folder for a folder per voice, and for held-out.txt" },
    { "clips", "integer", 2000, "clips per voice" },
    { "voices", "string", "rms,slt,kal16", "voices of flite, comma between: flite -lv lists them; slt@110: slt played at 110 %; kal16~140: kal16 at about 140 Hz" },
    { "domain", "string", "common", "common: some 200 words; small: sixty" },
    { "first", "integer", 1, "number of the first sentence; a second speaker's clips begin elsewhere" },
    { "measured", "integer", 100, "held-out sentences for held-out.txt, which are never spoken here" },
  },
  run = function(args)
    local sentences = dofile(fs.join(fs.dirname(arg[0]), "sentences.lua"))
    if args.domain == "small" then
      sentences.use(dofile(fs.join(fs.dirname(arg[0]), "small.lua")))
    elseif args.domain ~= "common" then
      config.usage_error("--domain is common or small, not " .. args.domain)
    end
    if os.execute("command -v flite >/dev/null") ~= true then
      error(fs.error("file", "flite is not installed", "sudo apt install flite"), 0)
    end
    -- A voice that it does not have, flite replaces by another without a word.
    local listed = io.popen("flite -lv"):read("a"):gsub("^.-:", "") .. " "
    local voices = {}
    for name in args.voices:gmatch("[^,%s]+") do
      local voice, percent = name:match("^(.-)@(%d+)$")
      voice, percent = voice or name, tonumber(percent or 100)
      local plain, pitch = voice:match("^(.-)~(%d+)$")
      voice, pitch = plain or voice, tonumber(pitch)
      if not listed:find(" " .. voice .. " ", 1, true) then config.usage_error(("flite has no voice %s, but:%s"):format(voice, listed)) end
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

    local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

    -- Plays a clip at another speed: another pitch, and formants of a smaller or larger head, so nearly another speaker.
    local function play_at(path, percent)
      local samples, info = audio.load(path)
      audio.save(path, audio.resample(samples, info.sample_rate * percent // 100, info.sample_rate), info.sample_rate)
    end

    -- One clip: the command that speaks it into a hidden file, and what to do when it has.
    local function clip(speaker, number)
      local voice, folder = speaker.voice, fs.join(args.output, speaker.name)
      local name = fs.join(folder, ("%06d"):format(number))
      if fs.exists(name .. ".lab") then return nil end
      local kind = number % 2 == 0 and "words" or "grammar"
      local text, hidden = sentences.make(kind, number), fs.join(folder, (".%06d.wav"):format(number))
      return {
        path = name .. ".wav", text = text,
        pipe = io.popen(("flite -voice %s %s -t %s -o %s 2>&1"):format(quoted(voice), speaker.pitch, quoted(text), quoted(hidden))),
        done = function()
          if speaker.percent ~= 100 then play_at(hidden, speaker.percent) end
          fs.move(hidden, name .. ".wav")
          fs.write(name .. ".lab", text .. "\n")     -- last: a clip with a label is whole
        end,
      }
    end

    local stage <close> = stage_over("make-corpus", #voices * args.clips)
    for _, voice in ipairs(voices) do
      fs.mkdir(fs.join(args.output, voice.name))
      local number = args.first
      while number < args.first + args.clips do
        local running = {}
        for _ = 1, math.min(tensor.threads(), args.first + args.clips - number) do
          local speaking = clip(voice, number)
          if speaking then running[#running + 1] = speaking else stage.done = stage.done + 1 stage.bar:step(1) end
          number = number + 1
        end
        for _, speaking in ipairs(running) do
          stage:try(speaking.path, function()
            local problem = speaking.pipe:read("a")
            if not speaking.pipe:close() or problem:find("%S") then
              error(fs.error("audio", "flite could not speak it: " .. problem:gsub("%s+", " "), "flite -lv lists the voices"), 0)
            end
            speaking.done()
          end)
        end
      end
    end
    return stage:finish("clips", "sentences to measure with are in " .. fs.join(args.output, "held-out.txt"))
  end,
}
