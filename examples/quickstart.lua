--- The whole path on the embedded example: recordings -> loudness -> codes -> packs -> LoRA -> merged model -> speech.
-- opah run examples/quickstart.lua
-- needs: nothing; everything is in examples/
-- expect: a falling loss, out/quickstart/hello.wav in the new speaker's voice and out/quickstart/report.html with players, in under two minutes
local opah = require "opah"
local audio, callbacks, data, fs, lm, lora = opah.audio, opah.callbacks, opah.data, opah.fs, opah.lm, opah.lora
local progress, train, vq = opah.progress, opah.train, opah.vq
local best_of, voice = require "opah.best_of", require "opah.embedded".voice

return opah.recipe {
  flags = {
    { "output", "output", "out/quickstart", "where everything goes" },
    { "weights", "path", voice.model, "the base model's folder, with codec.pth and codec.lua in it" },
    { "speech", "folder", voice.newcomer, "a folder with one folder of the new speaker's clips and labels" },
    { "max-steps", "integer", 160, "training steps at most" }, { "codec-steps", "integer", 100, "steps in which the codec learns how the speaker sounds", from = 0 },
    { "seed", "integer", 1, "of the adapter, the rows and the speech" }, { "keep", "boolean", false, "go on from an earlier run in the same folder" },
  },
  run = function(args)
    local out, weights, config, codec = args.output, args.weights, fs.join(args.weights, "codec.lua"), fs.join(args.weights, "codec.pth")
    if not args.keep and fs.exists(out) then fs.remove(out, { recursive = true }) end
    local function within(name) return fs.join(out, name) end
    local clips, copies, packs, merged, own_codec = within "data", within "copies", within "protos", within "merged", within "codec/codec.pth"
    progress.log("A small model that Opah trained from nothing knows sixty words; it learns a new speaker from sixty clips.\n")

    -- 1. Loudness, and copies that begin a little later: codecs hear them differently. 2. Codes, 3. packs: the stock recipes.
    local function recipe(name, ...)
      progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
      local code = opah.run(name, { ... })
      if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
    end
    recipe("loudness-norm", args.speech, clips, "--loudness", "-20", "--clean")
    recipe("augment", clips, copies, "--shifts", "5,10,15,20,25,30,35")
    recipe("extract-vq", copies, "--config-name", config, "--checkpoint-path", codec)
    recipe("build-dataset", "--input", copies, "--output", packs, "--text-extension", ".lab")
    -- What makes sound of codes learns the speaker's sound; codes stay what they were.
    recipe("train-codec", clips, "--config-name", config, "--checkpoint-path", codec, "--output", within "codec", "--keep-codes",
      "--encoder-steps", "0", "--vocoder-steps", tostring(args.codec_steps), "--joint-steps", "0", "--batch-size", "4", "--seconds", "0.8", "--lr", "3e-3")

    -- 4. Training, with the modules behind the recipe: an adapter. It ends when the few held-out clips get no better.
    local model = lm.load(weights, { weights = "float32" })
    lora.apply(model, lora.config { r = 64, lora_alpha = 128 }, { seed = args.seed })
    local ds = data.dataset { protos = packs, tokenizer = model.tokenizer, max_length = 256, val_fraction = 0.05, val_by = "text",
      seed = args.seed, interactive_prob = 1, use_speaker = true, corrupt_prob = 0.15, num_codebooks = model.config.num_codebooks }
    local curve, held_out, best = {}, {}, callbacks.best_checkpoint { tolerance = 0 }
    local summary = train.fit(callbacks.with({
      model = model, data = ds, project = "quickstart", results = within "results", max_steps = args.max_steps, seed = args.seed,
      num_training_steps = args.max_steps, batch_size = 8, lr = 3e-3, ema_decay = 0.97, eps = 1e-8, gradient_clip_val = 1, num_warmup_steps = 5,
      schedule = "cosine", val_check_interval = 20, every_n_train_steps = 20, on_step = function(log) curve[#curve + 1] = { log.step, log.loss } end,
      on_validation = function(log) held_out[#held_out + 1] = { log.step, log.loss } end }, { callbacks.early_stop { patience = 4 }, best }))

    -- 5. Merging, with its proof.
    local proof = lora.merge_files { base_weight = weights, lora_weight = best.path or summary.checkpoint, output = merged }
    progress.log(("merged: logits differ from base+adapter by at most %.1e"):format(proof.max_logit_difference))

    -- 6. A sentence that nothing was trained on, by the base's voices and by the new one.
    local newcomer = data.scan(clips, { audio = true })[1]
    local function speak(path, speaker, checkpoint)
      local through = vq.load { config = config, checkpoint = checkpoint }
      local options = { text = "The old bird waited behind the harbour again.", speaker = speaker, seed = args.seed, codec = through }
      for key, value in pairs(voice.generate) do options[key] = value end
      local codes, info = best_of.generate(lm.load(path), options, voice.best_of)
      progress.log(("%s: %s"):format(speaker, best_of.told(info)))
      return through:decode(codes), through.sample_rate
    end
    local clip, info = audio.load(newcomer.audio)
    local page = { { heading = "The new speaker, recorded" }, { audio = clip, sample_rate = info.sample_rate }, { heading = "Training" },
      { curves = { ["training loss"] = curve, ["held-out loss"] = held_out }, x = "step", y = "loss" } }
    local hello, rate = speak(merged, newcomer.speaker, own_codec)
    audio.save(within "hello.wav", hello, rate)
    local function add(heading, samples)
      table.move({ { heading = heading }, { spectrogram = samples, sample_rate = rate }, { audio = samples, sample_rate = rate } }, 1, 3, #page + 1, page)
    end
    for _, speaker in ipairs(voice.speakers) do add("Before: the base model as " .. speaker, (speak(weights, speaker, codec))) end
    add("After: the same sentence as " .. newcomer.speaker, hello)
    opah.report.html(within "report.html", { title = "Opah quickstart: a new speaker", table.unpack(page) })
    if #curve > 0 then progress.log(("\nloss %.3f -> %.3f in %d steps"):format(curve[1][2], curve[#curve][2], #curve)) end
    print("sound:  " .. within "hello.wav" .. "\nreport: " .. within "report.html")
  end,
}
