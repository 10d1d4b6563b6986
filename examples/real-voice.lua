--- A real person instead of a synthesiser: fine-tune the embedded voice on a speaker's recordings, and measure how near it comes.
-- opah run examples/real-voice.lua
-- batch: no, it needs a package that is not here
-- needs: sudo apt install asterisk-core-sounds-en asterisk-core-sounds-en-wav (Allison Smith's prompts, CC-BY-SA-3.0)
-- expect: out/real-voice/report.html with the target, the base voices and the result, and how far each is from the target
local opah = require "opah"
local audio, fs, lm, vq = opah.audio, opah.fs, opah.lm, opah.vq
local best_of, features, voice = require "opah.best_of", require "opah.audition.features", require "opah.embedded".voice
local sentences = { "The old bird waited behind the harbour again.", "Please bring the small guitar to my mother.",
  "Seven apples are near the yellow window.", "The castle is quiet and the book is old." }
local honest = "Distances are from one half of the recordings. The model knows sixty words, hardly one of them from her; its codec had only " ..
  "heard synthesisers, at twice this rate, before it heard her. The sound of the voice can come near; do not expect to understand it as you do the base."

return opah.recipe {
  flags = {
    { "sounds", "path", "/usr/share/asterisk/sounds/en_US_f_Allison", "the folder of the recordings" },
    { "texts", "path", "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz", "lines of NAME: TEXT, plain or gzipped" },
    { "clips", "integer", 120, "recordings of 1 to 6 seconds to train on, at most", from = 20 },
    { "max-steps", "integer", 160, "training steps at most" }, { "codec-steps", "integer", 100, "steps of the codec", from = 0 },
    { "sentences", "integer", 4, "sentences to speak", from = 2, to = 4 }, { "output", "output", "out/real-voice", "where everything goes" },
  },
  run = function(args)
    for _, path in ipairs { args.sounds, args.texts } do
      if not fs.exists(path) then error(fs.error("file", path .. " is not there", "sudo apt install asterisk-core-sounds-en asterisk-core-sounds-en-wav"), 0) end
    end
    local codec, recorded = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }, {}
    local rate, speech, tuned = codec.sample_rate, fs.join(args.output, "speech"), fs.join(args.output, "quickstart")
    if fs.exists(speech) then fs.remove(speech, { recursive = true }) end
    fs.mkdir(fs.join(speech, "allison"))
    local lines <close> = assert(io.popen("gzip -dcf '" .. args.texts:gsub("'", "'\\''") .. "'"))
    for line in lines:lines() do
      local name, text = line:match("^([%w/_-]+): (%a[%a ,.'?!-]*)$")       -- no tones, no digits, no remarks
      if name and #recorded < args.clips and fs.exists(fs.join(args.sounds, name .. ".wav")) then
        local samples = audio.load(fs.join(args.sounds, name .. ".wav"), { sample_rate = rate })
        if #samples >= rate and #samples <= 6 * rate then
          recorded[#recorded + 1] = samples
          local clip = fs.join(speech, "allison", ("%03d"):format(#recorded))
          audio.save(clip .. ".wav", samples, rate) fs.write(clip .. ".lab", text .. "\n")
        end
      end
    end
    if #recorded < 20 then error(("only %d recordings of 1 to 6 seconds have a text; 20 are needed"):format(#recorded), 0) end
    -- Codes, packs, an adapter, the merged model: as with any new speaker.
    local code = opah.run(fs.join(opah.home, "examples/quickstart.lua"), { "--speech", speech, "--output", tuned, "--max-steps",
      tostring(args.max_steps), "--codec-steps", tostring(args.codec_steps) })
    if code ~= 0 then return code end
    -- A voice as the spread of its codes and as its mean spectrum in dB.
    local points, target = features.new(dofile(voice.codec_config).quantizer.levels), nil
    local rows, page = { table = {}, header = { "what", "distance of codes", "of mean spectra, dB" } }, {}
    local function add(name, list)
      local spread, sum, frames = nil, 0, 0
      for _, samples in ipairs(list) do
        spread = features.add(spread, points:spread(codec:encode(samples)))
        local mel = audio.log_mel((audio.normalize_loudness(samples, rate)), { sample_rate = rate, n_fft = 640, win_length = 640, hop_length = 160, n_mels = 80 })
        sum, frames = mel:sum(2) + sum, frames + mel:size(2)
      end
      target = target or { spread = spread, mel = sum / frames }
      local away = (sum / frames - target.mel) * (20 / math.log(10))
      table.insert(rows.table, { name, ("%.3f"):format(features.distance(spread, target.spread)), ("%.1f"):format(math.sqrt((away * away):mean():item())) })
      for _, part in ipairs { { heading = name }, { audio = list[1], sample_rate = rate }, { audio = list[2], sample_rate = rate } } do page[#page + 1] = part end
    end
    local function speak(name, model, speaker, through)
      local list = {}
      for i = 1, args.sentences do
        local options = { text = sentences[i], speaker = speaker, seed = i, codec = through }
        for key, value in pairs(voice.generate) do options[key] = value end
        list[i] = through:decode((best_of.generate(model, options, voice.best_of)))
      end
      add(name, list)
    end
    add("the speaker, half of the recordings", { table.unpack(recorded, 1, #recorded // 2) })
    add("the speaker, the other half", { table.unpack(recorded, #recorded // 2 + 1) })
    for _, base in ipairs(voice.speakers) do speak("base voice " .. base, lm.load(voice.model), base, codec) end
    speak("fine-tuned", lm.load(fs.join(tuned, "merged")), "allison", vq.load { config = voice.codec_config, checkpoint = fs.join(tuned, "codec/codec.pth") })
    opah.report.html(fs.join(args.output, "report.html"), { title = "The embedded voice learns a real one", { text = honest }, rows, table.unpack(page) })
    for _, row in ipairs(rows.table) do opah.progress.log(("%-36s codes %s  spectrum %s dB"):format(table.unpack(row))) end
    print("report: " .. fs.join(args.output, "report.html"))
  end,
}
