--- A small trained model learns a new speaker: speech -> loudness -> codes -> packs -> LoRA -> merged model -> speech.
-- opah run examples/voice/new-speaker.lua --weights voice/weights
-- needs: weights that train-voice.lua made, clips of the new speaker with labels
-- expect: a falling loss, hello.wav in the new speaker's voice and report.html with players, in under two minutes
local opah = require "opah"
local audio, callbacks, data, fs, lm, lora = opah.audio, opah.callbacks, opah.data, opah.fs, opah.lm, opah.lora
local progress, train, vq = opah.progress, opah.train, opah.vq
local voice = require "opah.embedded".voice

return opah.recipe {
  flags = {
    { "output", "output", "out/new-speaker", "where everything goes" },
    { "weights", "path", voice.model, "the model's folder, with codec.pth and codec.lua in it" },
    { "speech", "folder", "voice/second", "clips of the new speaker with labels" },
    { "lr", "number", 3e-3, "learning rate" },
    { "max-steps", "integer", 60, "training steps" },
    { "seed", "integer", 1, "of the adapter, the rows and the speech" },
    { "keep", "boolean", false, "go on from an earlier run in the same folder" },
  },
  run = function(args)
    local out, weights = args.output, args.weights
    local codec_config, codec_checkpoint = fs.join(weights, "codec.lua"), fs.join(weights, "codec.pth")
    if not fs.exists(fs.join(weights, "model.pth")) then
      error(fs.error("file", weights .. " has no model.pth", "opah run examples/voice/train-voice.lua makes one; --weights names its folder"), 0)
    end
    if not args.keep and fs.exists(out) then fs.remove(out, { recursive = true }) end
    local clips, packs, merged = fs.join(out, "data"), fs.join(out, "protos"), fs.join(out, "merged")
    progress.log("A small model that knows two voices and sixty words learns a third voice from forty clips.\n")

    local function recipe(name, ...)
      progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
      local code = opah.run(name, { ... })
      if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
    end

    -- 1. Loudness, 2. codes, 3. packs: the stock recipes, as on the command line.
    recipe("loudness-norm", args.speech, clips, "--loudness", "-20", "--clean")
    recipe("extract-vq", clips, "--config-name", codec_config, "--checkpoint-path", codec_checkpoint)
    recipe("build-dataset", "--input", clips, "--output", packs, "--text-extension", ".lab")

    -- 4. Training, with the modules behind the recipe: a rank-8 adapter. It ends when held-out clips get no better.
    local model = lm.load(weights, { weights = "float32" })
    lora.apply(model, lora.config { r = 8, lora_alpha = 16, lora_dropout = 0.01 }, { seed = args.seed })
    local ds = data.dataset {
      protos = packs, tokenizer = model.tokenizer, max_length = 256, val_fraction = 0.15, seed = args.seed, interactive_prob = 1,
      num_codebooks = model.config.num_codebooks,
    }
    local curve, held_out, best = {}, {}, callbacks.best_checkpoint()
    local summary = train.fit(callbacks.with({
      model = model, data = ds, project = "new-speaker", results = fs.join(out, "results"), max_steps = args.max_steps, seed = args.seed,
      batch_size = 8, lr = args.lr, num_warmup_steps = 5, schedule = "cosine", num_training_steps = args.max_steps,
      val_check_interval = 10, every_n_train_steps = 10,
      on_step = function(log) curve[#curve + 1] = { log.step, log.loss } end,
      on_validation = function(log) held_out[#held_out + 1] = { log.step, log.loss } end,
    }, { callbacks.early_stop { patience = 2 }, best }))
    local adapter = best.path or summary.checkpoint

    -- 5. Merging, with its proof.
    local proof = lora.merge_files { base_weight = weights, lora_weight = adapter, output = merged }
    progress.log(("merged: logits differ from base+adapter by at most %.1e"):format(proof.max_logit_difference))

    -- 6. Sentences that neither the base nor the adapter was trained on, in the base's voices and in the new one.
    local codec = vq.load { config = codec_config, checkpoint = codec_checkpoint }
    local sentences = { "The old bird waited behind the harbour again.", "Please bring the quiet guitar to my mother." }
    local page = {}
    local function speak(which, name, speaker, text)
      local options = { text = text, speaker = speaker, seed = args.seed, codec = codec }
      for key, value in pairs(voice.generate) do options[key] = value end
      local samples = codec:decode((which:generate(options)))
      page[#page + 1] = { heading = name .. ": " .. text }
      page[#page + 1] = { audio = samples, sample_rate = codec.sample_rate }
      return samples
    end
    local base, tuned, hello = lm.load(weights), lm.load(merged), nil
    for i, text in ipairs(sentences) do
      speak(base, "Before, as " .. voice.speakers[i], voice.speakers[i], text)
      local samples = speak(tuned, "After", "assistant", text)
      hello = hello or samples
    end
    audio.save(fs.join(out, "hello.wav"), hello, codec.sample_rate)

    -- 7. One page about it all.
    local example = data.scan(clips, { audio = true })[1].audio
    local clip, info = audio.load(example)
    opah.report.html(fs.join(out, "report.html"), {
      title = "A new speaker",
      { text = "A base model of sixty words, trained by Opah from nothing (train-voice.lua), and a new speaker." },
      { heading = "The new speaker, recorded" }, { audio = clip, sample_rate = info.sample_rate },
      { heading = "The new speaker, through the codec: as near as the model can come" },
      { audio = codec:decode(codec:encode(audio.resample(clip, info.sample_rate, codec.sample_rate))), sample_rate = codec.sample_rate },
      { heading = "Training" },
      { curves = { ["training loss"] = curve, ["held-out loss"] = held_out }, x = "step", y = "loss" },
      table.unpack(page),
    })
    if #curve > 0 then progress.log(("\nloss %.3f -> %.3f in %d steps"):format(curve[1][2], curve[#curve][2], #curve)) end
    print("sound:  " .. fs.join(out, "hello.wav") .. "\nreport: " .. fs.join(out, "report.html"))
  end,
}
