--- From recordings in another tool's layout to clips that can be trained on: import, doctor, codes, wrong transcripts first.
-- opah run examples/from-recordings.lua --source LJSpeech-1.1 --model M --config-name firefly_gan_vq --checkpoint-path F
-- needs: nothing; without --source the embedded voice speaks a small corpus, in which two texts are exchanged
-- expect: data/ with clips, labels and codes, doctor.html, ranked/index.html; the exchanged texts are the most doubtful ones
local opah = require "opah"
local audio, fs, vq = opah.audio, opah.fs, opah.vq
local voice = require "opah.embedded".voice

--- A corpus as LJSpeech has it, spoken by the embedded voice: wavs/NN.wav, and id|text lines with two texts exchanged.
local function make_corpus(folder)
  local codec = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
  local model, texts = opah.lm.load(voice.model), {}
  fs.mkdir(fs.join(folder, "wavs"))
  for i, label in ipairs(fs.list(voice.newcomer, { recursive = true, extension = ".lab" })) do
    if i > 24 then break end
    local text = opah.text.read_label(label)
    local options = { text = text, speaker = "slt", seed = 1, codec = codec }
    for key, value in pairs(voice.generate) do options[key] = value end
    audio.save(fs.join(folder, ("wavs/%02d.wav"):format(i)), codec:decode((model:generate(options))), codec.sample_rate)
    texts[i] = text
  end
  texts[3], texts[9] = texts[9], texts[3]
  for i, text in ipairs(texts) do texts[i] = ("%02d|%s\n"):format(i, text) end
  fs.write(fs.join(folder, "metadata.csv"), table.concat(texts))
end

return opah.recipe {
  flags = {
    { "source", "path", nil, "a corpus, or labels or subtitles beside their recording: whatever import knows" },
    { "speaker", "string", "slt", "who speaks, as the labels' folder is called" },
    { "model", "folder", voice.model, "the model that reads along" },
    { "config-name", "string", voice.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", voice.codec_checkpoint, "the codec's weights" },
    { "output", "output", "out/from-recordings", "the folder for everything" },
  },
  run = function(args)
    local source, data = args.source, fs.join(args.output, "data")
    if not source then
      source = fs.join(args.output, "corpus")
      if not fs.exists(fs.join(source, "metadata.csv")) then make_corpus(source) end
    end
    --- Runs a stock recipe; 3 means that some clips were left out, and each is listed.
    local function run(...)
      local words = { ... }
      local code = opah.run(words[1], table.move(words, 2, #words, 1, {}))
      if code ~= 0 and code ~= 3 then error(("%s ended with exit code %d"):format(words[1], code), 0) end
      return code
    end

    -- Into SPEAKER/NAME.wav with NAME.lab; run again, it does what changed in the source.
    local left_out = run("import", source, data, "--speaker", args.speaker)
    -- What is wrong, before hours are spent.
    left_out = math.max(left_out, run("doctor", data, "--config-name", args.config_name, "--report",
      fs.join(args.output, "doctor.html"), "--page-clips", "3"))
    -- Codes, by content in a cache that other projects share.
    run("extract-vq", data, "--cache", fs.join(args.output, "cache"), "--config-name", args.config_name,
      "--checkpoint-path", args.checkpoint_path)
    -- Texts that do not fit their sound.
    local ranked = fs.join(args.output, "ranked")
    run("rank-transcripts", data, "--checkpoint-path", args.model, "--use-speaker", "--top", "2", "--output", ranked)
    local worst = opah.json.decode(fs.read(fs.join(ranked, "ranks.json")))
    local names = { fs.basename(worst[1].path), fs.basename(worst[2].path) }
    table.sort(names)
    print("listen first to " .. table.concat(names, " and "))
    return left_out
  end,
}
