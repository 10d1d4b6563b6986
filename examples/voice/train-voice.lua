--- Train the embedded voice again, from nothing: a corpus by flite, a codec, a language model.
-- opah run examples/voice/train-voice.lua --output voice
-- batch: no, it takes hours
-- needs: flite (sudo apt install flite)
-- expect: codec.pth and a model folder. Run again, it goes on where it stopped.
local opah = require "opah"
local fs, progress = opah.fs, opah.progress

return opah.recipe {
  flags = {
    { "output", "path", "voice", "where everything goes" },
    { "stages", "string", "corpus,clips,encoder,vocoder,joint,polish,pitches,own,codes,model,heed,last,more,many,weights", "which stages, comma between, in this order" },
  },
  run = function(args)
    local here, out = fs.dirname(arg[0]), args.output
    local examples, finish = fs.join(here, ".."), dofile(fs.join(here, "finish.lua"))
    local shape = fs.join(examples, "checkpoints/voice/codec.lua")
    local function at(name) return fs.join(out, name) end

    local function run(name, ...)
      progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
      local code = opah.run(name, { ... })
      if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
    end

    local corpus = fs.join(examples, "corpus/make-corpus.lua")
    -- The base speakers, and the same ones played faster and slower: the codec is to serve speakers that it has not heard.
    local speakers, played = "rms,slt,kal16", "rms@84,rms@92,rms@112,rms@124,slt@80,slt@90,slt@112,kal16@88,kal16@118"

    local function codec(stage, phase, from, steps, batch, seconds, lr, last, held, every, speech)
      local words = { "train-codec", at(speech or "speech"), "--config-name", shape, "--output", at("codec-" .. stage), "--batch-size", batch,
        "--seconds", seconds, "--lr", lr, "--held-out", held or 8, "--every", every or 100, "--stop-after", last or steps }
      for _, name in ipairs { "encoder", "vocoder", "joint" } do
        table.move({ "--" .. name .. "-steps", name == phase and steps or 0 }, 1, 2, #words + 1, words)
      end
      if from then table.move({ "--checkpoint-path", at("codec-" .. from .. "/codec.pth") }, 1, 2, #words + 1, words) end
      run(table.unpack(words))
    end

    local steps = { plain = 800, heed = 850, last = 1100, more = 6000, many = 9000 }
    local function pretrain(base, project, last, rate, ...)
      run("pretrain", "--protos", at(project == "many" and "protos-many" or "protos"), "--base", at(base), "--results", out, "--project", project, "--vocab-size", 1024,
        "--codebooks", 4, "--codebook-size", 256, "--dim", 128, "--layers", 4, "--heads", 2, "--feed-forward", 384, "--max-length", 160,
        "--use-speaker", 0.85, "--interactive-prob", 1, "--optimizer", "muon", "--lr", rate, "--muon-lr", rate, "--batch-size", 12,
        "--every", 200, "--max-steps", last, ...)
    end

    local function made_of(base, project, step, output)
      if fs.exists(at(output)) then return end
      run("extract-model", "--base-weight", at(base), "--checkpoint", at(("%s/checkpoints/step_%09d.ckpt"):format(project, step)), "--output", at(output))
    end

    local function codes(packs)
      run("extract-vq", at "clips", "--config-name", shape, "--checkpoint-path", at "codec-joint/codec.pth")
      run("build-dataset", "--input", at "clips", "--output", at(packs), "--text-extension", ".lab")
    end

    local stages = {
      corpus = function()
        run(corpus, "--output", at "speech", "--domain", "small", "--voices", speakers, "--clips", 500)
        run(corpus, "--output", at "speech", "--domain", "small", "--voices", played, "--clips", 130, "--first", 501)
      end,
      -- No two base speakers say the same sentences: so the model hears more of them.
      clips = function()
        for i, voice in ipairs { { "rms", 4000 }, { "slt", 2000 } } do
          run(corpus, "--output", at "clips", "--domain", "small", "--voices", voice[1], "--clips", voice[2], "--first", 4000 * (i - 1) + 1)
        end
        run(corpus, "--output", at "second", "--domain", "small", "--voices", "awb", "--clips", 80, "--first", 20001)
      end,
      -- Codes first: long batches, nothing of the vocoder. Then short pieces, as the vocoder's steps cost by the sample.
      encoder = function() codec("encoder", "encoder", nil, 700, 10, 2, 2e-3) end,
      vocoder = function() codec("vocoder", "vocoder", "encoder", 1500, 4, 0.8, 1e-3, 900) end,
      joint = function() codec("joint", "joint", "vocoder", 700, 4, 0.8, 8e-4, 400) end,
      -- The codes stand from here on, so that the language model fits; what makes sound of them learns on.
      polish = function() codec("polish", "vocoder", "joint", 1700, 4, 0.8, 8e-4) end,
      -- The same with voices of many pitches: so the pitch of a voice that the codec has not heard is told apart from its timbre.
      pitches = function()
        local many = {}
        for _, pitch in ipairs { 85, 105, 125, 145, 170, 200 } do
          for _, percent in ipairs { 86, 100, 114 } do many[#many + 1] = ("kal16~%d@%d"):format(pitch, percent) end
        end
        run(corpus, "--output", at "speech", "--domain", "small", "--voices", table.concat(many, ","), "--clips", 60, "--first", 2001)
        run(corpus, "--output", at "speech", "--domain", "small", "--clips", 60, "--first", 5001, "--voices",
          "rms@116,rms@120,rms@130,rms@136,rms@142,slt@70,slt@75,slt@85,slt@95,slt@120")
        codec("pitches", "vocoder", "polish", 4000, 4, 0.8, 6e-4, nil, 16, 250)
      end,
      -- At last the two voices that it is to speak with, and other sentences: two million numbers cannot do all voices equally well,
      -- and a new speaker's are learned in seconds (examples/quickstart.lua).
      own = function()
        run(corpus, "--output", at "own", "--domain", "small", "--voices", "rms", "--clips", 500, "--first", 6001)
        run(corpus, "--output", at "own", "--domain", "small", "--voices", "slt", "--clips", 1000, "--first", 7001)
        codec("own", "vocoder", "pitches", 1200, 4, 0.8, 2e-3, nil, 8, 200, "own")
      end,
      codes = function() codes("protos") end,
      -- Every word is one token, with and without a space or a capital; a speaker's name as the role asks for the voice. First
      -- plainly; then with frames of other clips among those spoken so far, so that the text is heeded.
      model = function() pretrain("fresh", "model", steps.plain, 5e-3, "--labels", at "clips", "--warmup", 50, "--decay-steps", 1) end,
      heed = function()
        made_of("fresh", "model", steps.plain, "level")
        pretrain("level", "heed", steps.heed, 5e-3, "--corrupt", 0.25, "--warmup", 20, "--decay-steps", 450)
      end,
      last = function()
        made_of("level", "heed", steps.heed, "heeding")
        pretrain("heeding", "last", steps.last, 3e-3, "--corrupt", 0.15, "--warmup", 20, "--decay-steps", steps.last)
      end,
      more = function()
        made_of("heeding", "last", steps.last, "trained")
        pretrain("trained", "more", steps.more, 4e-3, "--corrupt", 0.15, "--warmup", 20, "--decay-steps", 2500)
      end,
      -- Ten more speakers, most of them the same ones played slower or faster: what stays the same between voices is what an adapter
      -- to a new one needs.
      many = function()
        made_of("trained", "more", steps.more, "finished")
        local voices = { "rms@84", "rms@92", "rms@112", "rms@124", "slt@80", "slt@90", "slt@112", "kal16", "kal16@88", "kal16@118" }
        for i, voice in ipairs(voices) do
          run(corpus, "--output", at "clips", "--domain", "small", "--voices", voice, "--clips", 600, "--first", 30001 + 600 * (i - 1))
        end
        codes("protos-many")
        pretrain("finished", "many", steps.many, 4e-3, "--corrupt", 0.15, "--warmup", 20, "--decay-steps", 3500)
      end,
      -- What is embedded.
      weights = function()
        made_of("finished", "many", steps.many, "spoken")
        finish(at "spoken", at "codec-own/codec.pth", shape, at "weights")
      end,
    }
    for name in args.stages:gmatch("[^,%s]+") do
      if not stages[name] then opah.config.usage_error("there is no stage " .. name) end
      stages[name]()
    end
  end,
}
