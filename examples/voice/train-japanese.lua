--- Teach the embedded voice Japanese: sixty words in kana, a third speaker; it keeps its English.
-- opah run examples/voice/train-japanese.lua --output japanese
-- batch: no, it takes hours
-- needs: flite (sudo apt install flite), Python with venv (sudo apt install python3-venv), and PyPI
-- expect: japanese/weights, a model folder with its codec. Run again, it goes on where it stopped.
local opah = require "opah"
local fs, progress = opah.fs, opah.progress
local embedded = require "opah.embedded".voice

local here = fs.dirname(arg[0])
local steps = { codec = 600, own = 1200, polish = 900, model = 4500, last = 1800 }

return opah.recipe {
  flags = {
    { "output", "path", "japanese", "where everything goes" },
    { "stages", "string", "corpus,codec,clips,words,model,own,last,polish,weights", "which stages, comma between, in this order" },
  },
  run = function(args)
    local corpus, shape = fs.join(here, "../corpus/make-corpus.lua"), embedded.codec_config
    local function at(name) return fs.join(args.output, name) end

    local function run(name, ...)
      progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
      local code = opah.run(name, { ... })
      if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
    end

    local function spoken(folder, domain, voices, clips, first)
      run(corpus, "--output", at(folder), "--domain", domain, "--voices", voices, "--clips", clips, "--first", first, "--environment", at "environment")
    end

    -- Everything learns on, or with --keep-codes only what makes sound of codes.
    local function codec(from, output, speech, count, ...)
      run("train-codec", at(speech), "--config-name", shape, "--checkpoint-path", from, "--output", at(output), "--encoder-steps", 0, "--vocoder-steps", 0,
        "--joint-steps", count, "--batch-size", 4, "--seconds", 0.8, "--lr", 1e-3, "--held-out", 12, "--every", 100, ...)
    end

    local function checkpoint_of(project) return at(("%s/checkpoints/step_%09d.ckpt"):format(project, steps[project])) end

    -- Clips have one codec's codes at a time: what a finished run learned from is not made again.
    local function pretrain(base, coder, project, warmup, decay)
      if fs.exists(checkpoint_of(project)) then return end
      run("extract-vq", at "clips", "--config-name", shape, "--checkpoint-path", at(coder .. "/codec.pth"))
      run("build-dataset", "--input", at "clips", "--output", at("protos-" .. project), "--text-extension", ".lab")
      run("pretrain", "--protos", at("protos-" .. project), "--base", at(base), "--results", args.output, "--project", project, "--codebooks", 4,
        "--codebook-size", 256, "--max-length", 160, "--use-speaker", 0.85, "--interactive-prob", 1, "--corrupt", 0.15, "--optimizer", "muon",
        "--lr", 4e-3, "--muon-lr", 4e-3, "--batch-size", 12, "--every", 200, "--warmup", warmup, "--decay-steps", decay, "--max-steps", steps[project])
    end

    local function made_of(base, project, output)
      if fs.exists(at(output .. "/model.pth")) then return end
      run("extract-model", "--base-weight", at(base), "--checkpoint", checkpoint_of(project), "--output", at(output))
    end

    local stages = {
      -- Played slower and faster it is nearly other speakers: so the codec learns the language and not one throat alone.
      corpus = function()
        spoken("speech", "japanese", "mei,mei@80,mei@90,mei@112", 120, 20001)
        spoken("speech", "small", "rms,slt", 60, 6001)
        spoken("own", "japanese", "mei", 400, 20201)
        spoken("own", "small", "rms,slt", 60, 6001)
      end,
      -- Of codes that heard English only, three quarters of Japanese is misheard.
      codec = function() codec(embedded.codec_checkpoint, "codec-joint", "speech", steps.codec) end,
      -- Some English among it, so that none is forgotten.
      clips = function()
        spoken("clips", "japanese", "mei", 4000, 1)
        spoken("clips", "small", "rms,slt", 500, 40001)
      end,
      words = function()
        if fs.exists(at "base/model.pth") then return end
        -- The speaker's name is read with every clip, so it is a word too.
        local texts = {}
        for _, path in ipairs(fs.list(at "clips/mei", { extension = ".lab" })) do
          table.move({ opah.text.clean(fs.read(path)), "mei" }, 1, 2, #texts + 1, texts)
        end
        local tokens = dofile(fs.join(here, "more-words.lua"))(embedded.model, texts, at "base")
        progress.log(("%d tokens more"):format(#tokens))
      end,
      model = function() pretrain("base", "codec-joint", "model", 50, 1500) end,
      -- The codec hears more of the voice that is to speak, and the model goes on with its new codes.
      own = function() codec(at "codec-joint/codec.pth", "codec-own", "own", steps.own) end,
      last = function()
        made_of("base", "model", "spoken")
        pretrain("spoken", "codec-own", "last", 20, 1200)
      end,
      -- The codes stand, so the model fits; what makes sound of them learns on.
      polish = function() codec(at "codec-own/codec.pth", "codec-polish", "own", steps.polish, "--keep-codes") end,
      weights = function()
        made_of("spoken", "last", "finished")
        dofile(fs.join(here, "finish.lua"))(at "finished", at "codec-polish/codec.pth", shape, at "weights")
      end,
    }
    for name in args.stages:gmatch("[^,%s]+") do
      if not stages[name] then opah.config.usage_error("there is no stage " .. name) end
      stages[name]()
    end
  end,
}
