--- From a trained run to a voice: hear every checkpoint, choose one, pack it, and speak a short text with it.
-- opah run examples/choose-a-voice.lua
-- needs: nothing; with --results, --speaker, --model and the codec's options, a run of your own
-- expect: a page of all checkpoints, the choice with its reason, voices/Ann.voice, and a text spoken with subtitles
local opah = require "opah"
local embedded, fs = require "opah.embedded", opah.fs

return opah.recipe {
  flags = {
    { "results", "folder", nil, "the folder of a run: results/P; unless given, a short one on the example voices is made first" },
    { "packs", "path", nil, "the packs that it was trained on" },
    { "speaker", "string", "Alice", "whose voice it is, as the packs call the speaker" },
    { "model", "folder", embedded.model, "the base model" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
    { "output", "output", "out/choose-a-voice", "the folder for everything" },
  },
  run = function(args)
    local results, packs = args.results, args.packs
    if not results then
      results, packs = fs.join(args.output, "results/voice"), embedded.packs(args.output)
      opah.run(fs.join(opah.home, "examples/fine-tune.lua"), { "--output", args.output, "--max-steps", "15" })
    end

    local codec = { "--vq-checkpoint-path", args.checkpoint_path, "--vq-config-name", args.config_name }
    local function run(recipe, words)
      table.move(codec, 1, #codec, #words + 1, words)
      return opah.run(recipe, words)
    end

    -- Three sentences at every checkpoint, on one page; a recogniser of yours would tell word errors too: --recognizer 'CMD {wav}'.
    local auditions = fs.join(args.output, "auditions")
    run("audition", { results, "--model", args.model, "--packs", packs, "--speaker", args.speaker, "--language", "en",
      "--max-new-tokens", "40", "--output", auditions })

    -- The earliest that is good enough in everything that was measured.
    opah.run("pick", { results, "--audition", auditions })

    -- One folder with the adapter, a reference clip and the settings. What is not stated is named as missing.
    local voices = fs.join(args.output, "voices")
    run("voice", { "pack", "Ann", "--run", results, "--model", args.model, "--packs", packs, "--speaker", args.speaker,
      "--language", "en", "--licence", "CC0-1.0", "--consent", "synthetic speech: nobody was recorded", "--provenance",
      "the example voices of this program", "--output", voices, "--overwrite" })

    -- Live on the base model, nothing merged.
    local text = fs.join(args.output, "notice.txt")
    fs.write(text, "Good evening. The last ferry leaves at nine.\n\nPlease have your tickets ready.\n")
    return run("generate", { "--input", text, "--voice", fs.join(voices, "Ann.voice"), "--checkpoint-path", args.model,
      "--max-new-tokens", "40", "--output", args.output })
  end,
}
