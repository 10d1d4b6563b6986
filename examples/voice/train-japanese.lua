--- Teach the embedded voice Japanese: sixty words in kana, a third speaker; it keeps its English.
-- opah run examples/voice/train-japanese.lua --output japanese
-- batch: no, it takes hours
-- needs: flite (sudo apt install flite), Python with venv (sudo apt install python3-venv), and PyPI
-- expect: japanese/weights, a model folder with its codec. Run again, it goes on where it stopped.
local opah = require "opah"
local fs, progress = opah.fs, opah.progress
local embedded = require "opah.embedded".voice

local here = fs.dirname(arg[0])
local steps = { codec = 600, polish = 1500, last = 4500, decay = 1500 }

return opah.recipe {
  flags = {
    { "output", "path", "japanese", "where everything goes" },
    { "stages", "string", "corpus,codec,clips,codes,words,model,polish,weights", "which stages, comma between, in this order" },
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

    local function codec(from, output, ...)
      run("train-codec", at "speech", "--config-name", shape, "--checkpoint-path", from, "--output", at(output), "--encoder-steps", 0,
        "--batch-size", 4, "--seconds", 0.8, "--held-out", 12, "--every", 100, ...)
    end

    local function halve(from, to, dtype)
      local weights = opah.checkpoint.load(from)
      for name, tensor in pairs(weights) do weights[name] = tensor:to(dtype) end
      opah.checkpoint.save(to, weights)
    end

    local stages = {
      -- Played slower and faster it is nearly other speakers: so the codec learns the language and not one throat alone.
      corpus = function()
        spoken("speech", "japanese", "mei,mei@80,mei@90,mei@112", 120, 20001)
        spoken("speech", "small", "rms,slt", 60, 6001)
      end,
      -- Everything learns on: of codes that heard English only, three quarters of Japanese is misheard.
      codec = function() codec(embedded.codec_checkpoint, "codec-joint", "--vocoder-steps", 0, "--joint-steps", steps.codec, "--lr", 1e-3) end,
      clips = function()
        spoken("clips", "japanese", "mei", 4000, 1)
        spoken("clips", "small", "rms,slt", 500, 40001)
      end,
      codes = function()
        run("extract-vq", at "clips", "--config-name", shape, "--checkpoint-path", at "codec-joint/codec.pth")
        run("build-dataset", "--input", at "clips", "--output", at "protos", "--text-extension", ".lab")
      end,
      words = function()
        if fs.exists(at "base/model.pth") then return end
        local texts = { "mei" }
        for _, path in ipairs(fs.list(at "clips/mei", { extension = ".lab" })) do texts[#texts + 1] = opah.text.clean(fs.read(path)) end
        local words = dofile(fs.join(here, "more-words.lua"))(embedded.model, texts, at "base")
        progress.log(("%d tokens more"):format(#words))
      end,
      model = function()
        run("pretrain", "--protos", at "protos", "--base", at "base", "--results", args.output, "--project", "model", "--codebooks", 4,
          "--codebook-size", 256, "--max-length", 160, "--use-speaker", 0.85, "--interactive-prob", 1, "--corrupt", 0.15, "--optimizer", "muon",
          "--lr", 4e-3, "--muon-lr", 4e-3, "--batch-size", 12, "--every", 200, "--warmup", 50, "--max-steps", steps.last, "--decay-steps", steps.decay)
      end,
      -- Codes stand, so the model fits; what makes sound of them learns on.
      polish = function()
        codec(at "codec-joint/codec.pth", "codec-polish", "--vocoder-steps", 0, "--keep-codes", "--joint-steps", steps.polish, "--lr", 1e-3)
      end,
      weights = function()
        local last = at(("model/checkpoints/step_%09d.ckpt"):format(steps.last))
        run("extract-model", "--base-weight", at "base", "--checkpoint", last, "--output", at "spoken")
        fs.mkdir(at "weights")
        for _, path in ipairs(fs.list(at "spoken", { extension = ".json" })) do fs.copy(path, fs.join(at "weights", fs.basename(path))) end
        halve(at "spoken/model.pth", at "weights/model.pth", "bfloat16")
        halve(at "codec-polish/codec.pth", at "weights/codec.pth", "float16")
        fs.copy(shape, at "weights/codec.lua")
      end,
    }
    for name in args.stages:gmatch("[^,%s]+") do
      if not stages[name] then opah.config.usage_error("there is no stage " .. name) end
      stages[name]()
    end
  end,
}
