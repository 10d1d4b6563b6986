--- The whole path on the embedded example: speech -> loudness -> codes -> packs -> LoRA -> merged model -> speech.
-- opah run examples/quickstart.lua
-- needs: nothing; everything is in examples/
-- expect: a falling loss, out/quickstart/hello.wav and out/quickstart/report.html, in under two minutes
local opah = require "opah"
local audio, fs, lm, lora, progress, train = opah.audio, opah.fs, opah.lm, opah.lora, opah.progress, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "output", "output", "out/quickstart", "where everything goes" },
    { "max-steps", "integer", 40, "training steps" },
    { "keep", "boolean", false, "go on from an earlier run in the same folder" },
  },
  run = function(args)
    local out = args.output
    if not args.keep and fs.exists(out) then fs.remove(out, { recursive = true }) end
    local clips, packs, merged = fs.join(out, "data"), fs.join(out, "protos"), fs.join(out, "merged")
    progress.log("The embedded checkpoints are tiny and their weights are random: the speech at the end is noise.")
    progress.log("With the real weights, the same steps speak; see the README.\n")

    local function recipe(name, ...)
      progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
      local code = opah.run(name, { ... })
      if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
    end

    -- 1. Loudness, 2. codes, 3. packs: the stock recipes, as on the command line.
    recipe("loudness-norm", embedded.speech, clips, "--clean")
    recipe("extract-vq", clips, "--config-name", embedded.codec_config, "--checkpoint-path", embedded.codec_checkpoint)
    recipe("build-dataset", "--input", clips, "--output", packs, "--text-extension", ".lab")

    -- 4. Training, with the modules behind the recipe: a rank-8 adapter on a small model.
    local model = lm.load(embedded.model)
    lora.apply(model, lora.config { r = 8, lora_alpha = 16, lora_dropout = 0.01 }, { seed = 1 })
    local ds = embedded.dataset(packs, model)
    local curve, held_out = {}, {}
    local summary = train.fit {
      model = model, data = ds, project = "quickstart", results = fs.join(out, "results"), max_steps = args.max_steps,
      batch_size = 2, lr = 0.01, num_warmup_steps = 2, val_check_interval = 10, every_n_train_steps = 20,
      on_step = function(log) curve[#curve + 1] = { log.step, log.loss } end,
      on_validation = function(log) held_out[#held_out + 1] = { log.step, log.loss } end,
    }

    -- 5. Merging, with its proof.
    local proof = lora.merge_files { base_weight = embedded.model, lora_weight = summary.checkpoint, output = merged }
    progress.log(("merged: logits differ from base+adapter by at most %.1e"):format(proof.max_logit_difference))

    -- 6. Speech, with a clip of the speaker as the reference.
    local codec, reference = embedded.codec(), fs.join(clips, "Alice/0.00-2.10")
    local codes = lm.load(merged):generate {
      text = "The harbour is quiet today.", prompt_text = (opah.text.read_label(reference .. ".lab")),
      prompt_tokens = opah.tensor.load_npy(reference .. ".npy"), max_new_tokens = 60, seed = 7,
    }
    local samples = codec:decode(codes)
    audio.save(fs.join(out, "hello.wav"), samples, codec.sample_rate)

    -- 7. One page about it all.
    local clip, info = audio.load(reference .. ".mp3")
    opah.report.html(fs.join(out, "report.html"), {
      title = "Opah quickstart",
      { text = "Weights are random: this page shows that every stage works, not how a voice sounds." },
      { curves = { ["training loss"] = curve, ["held-out loss"] = held_out }, x = "step", y = "loss" },
      { heading = "A clip of Alice, after loudness normalisation" },
      { spectrogram = clip, sample_rate = info.sample_rate }, { audio = clip, sample_rate = info.sample_rate },
      { heading = "What the model says: noise, until the weights are trained ones" },
      { spectrogram = samples, sample_rate = codec.sample_rate }, { audio = samples, sample_rate = codec.sample_rate },
    })
    if #curve > 0 then progress.log(("\nloss %.3f -> %.3f in %d steps"):format(curve[1][2], curve[#curve][2], #curve)) end
    print("sound:  " .. fs.join(out, "hello.wav") .. "\nreport: " .. fs.join(out, "report.html"))
  end,
}
