--- Speak held-out sentences by the embedded voice, for a recogniser to listen to: see scripts/listen.
-- opah run examples/corpus/speak-held-out.lua --output listening --count 100 --tuned out/quickstart/merged
-- needs: flite (sudo apt install flite); for Japanese Python with venv, and PyPI
-- expect: sentences.txt, and a folder of 001.wav ... each for original, codec, base, random and tuned
local opah = require "opah"
local audio, fs, json, lm, tensor, vq = opah.audio, opah.fs, opah.json, opah.lm, opah.tensor, opah.vq
local best_of, voice = require "opah.best_of", require "opah.embedded".voice

return opah.recipe {
  flags = {
    { "output", "output", "listening", "the folder for everything" },
    { "count", "integer", 100, "sentences", from = 1 },
    { "tuned", "string", nil, "fine-tuned models, comma between: folders that quickstart.lua made (merged), each spoken through the codec beside it" },
    { "weights", "path", voice.model, "the base model's folder, with codec.pth and codec.lua in it" },
    { "domain", "string", "small", "small: the embedded voice's English; japanese: what train-japanese.lua teaches it, without a new speaker", choices = { "small", "japanese" } },
    { "environment", "path", nil, "where Python's packages for Japanese are, or are installed; --output/environment unless given" },
    { "target", "string", "awb", "flite's voice of the new speaker, and the role that the fine-tuned models know it by" },
    { "temperature", "number", voice.generate.temperature, "of sampling", above = 0 },
    { "best-of", "integer", voice.best_of, "how often each sentence is spoken: the one that its text explains best is kept", from = 1, to = 1024 },
  },
  run = function(args)
    local here, japanese = fs.dirname(arg[0]), args.domain == "japanese"
    local sentences = dofile(fs.join(here, "sentences.lua"))
    sentences.use(dofile(fs.join(here, args.domain .. ".lua")))
    local out, speakers = args.output, japanese and { "mei" } or voice.speakers
    local function codec_of(path) return vq.load { config = fs.join(args.weights, "codec.lua"), checkpoint = path } end
    local codec = codec_of(fs.join(args.weights, "codec.pth"))
    local texts, domain = {}, {}
    for i = 1, args.count do texts[i] = sentences.held_out(i) end
    for i = 1, 3000 do domain[i] = sentences.make("grammar", 100000 + i) end
    fs.mkdir(out)
    fs.write(fs.join(out, "sentences.txt"), table.concat(texts, "\n") .. "\n")
    -- What the recogniser's closed language model is made of: other sentences of the domain, and its words.
    fs.write(fs.join(out, "domain.txt"), table.concat(domain, "\n") .. "\n")
    fs.write(fs.join(out, "vocabulary.txt"), table.concat(sentences.vocabulary(), "\n") .. "\n")

    local info = {}
    local function save(kind, i, samples)
      fs.mkdir(fs.join(out, kind))
      audio.save(fs.join(out, kind, ("%03d.wav"):format(i)), samples, codec.sample_rate)
    end
    local function note(kind, fields) info[kind] = info[kind] or {} table.insert(info[kind], fields) end
    local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end
    local bar = opah.progress.bar(#texts, "speaking")

    local function wave_of(kind, i) return fs.join(out, ("%s.%03d.tmp.wav"):format(kind, i)) end
    local mei
    if japanese then
      local list = {}
      for i, text in ipairs(texts) do list[i] = { hidden = wave_of("original", i), text = text } end
      mei = dofile(fs.join(here, "japanese-voice.lua"))(args.environment or fs.join(out, "environment"))(list)
    end

    -- The synthesiser's own voice, and what is left of it through the codec.
    local function original(kind, through, name, i, decoder)
      local path = wave_of(kind, i)
      if mei then
        local problem = mei()
        if problem then error(fs.error("audio", "pyopenjtalk-plus could not speak: " .. problem), 0) end
      elseif os.execute(("flite -voice %s -t %s -o %s"):format(name, quoted(texts[i]), quoted(path))) ~= true then
        error(fs.error("file", "flite could not speak", "sudo apt install flite"), 0)
      end
      local samples = audio.load(path, { sample_rate = codec.sample_rate })
      fs.remove(path)
      local codes = codec:encode(samples)
      save(kind, i, samples)
      save(through, i, decoder:decode(codes))
      note(kind, { frames = codes:size(2), ended = true })
    end

    local function speak(model, kind, speaker, i, decoder)
      local options = { text = texts[i], speaker = speaker, codec = decoder, seed = args.best_of * i }
      for name, value in pairs(voice.generate) do options[name] = value end
      options.temperature = args.temperature
      local codes, told = best_of.generate(model, options, args.best_of)
      save(kind, i, decoder:decode(codes))
      note(kind, { frames = codes:size(2), ended = not told.length_limit_hit })
    end

    local base, tuned = lm.load(args.weights), {}
    for folder in (args.tuned or ""):gmatch("[^,]+") do
      local own = fs.join(fs.dirname(folder), "codec/codec.pth")
      tuned[#tuned + 1] = { model = lm.load(folder), codec = fs.exists(own) and codec_of(own) or codec }
    end
    local generator = tensor.generator(1)
    for i = 1, #texts do
      local speaker = speakers[(i - 1) % #speakers + 1]
      original("original", "codec", speaker, i, codec)
      if not japanese then original("target", "target-codec", args.target, i, tuned[1] and tuned[1].codec or codec) end
      speak(base, "base", speaker, i, codec)
      for t, one in ipairs(tuned) do speak(one.model, "tuned-" .. t, args.target, i, one.codec) end
      local codes = (tensor.rand(codec.num_codebooks, info.original[i].frames, { generator = generator }) * codec.codebook_size):floor():to("int32")
      save("random", i, codec:decode(codes))
      bar:step(1)
    end
    fs.write(fs.join(out, "info.json"), json.encode(info))
  end,
}
