--- The whole path on the embedded example: speech -> loudness -> codes -> packs -> LoRA -> merged model -> speech.
-- opah run examples/quickstart.lua
-- needs: nothing; everything is in examples/
-- expect: a falling loss, out/quickstart/hello.wav and out/quickstart/report.html, in under two minutes
local opah = require "opah"
local audio, data, fs, lm, lora = opah.audio, opah.data, opah.fs, opah.lm, opah.lora
local progress, report, train, vq = opah.progress, opah.report, opah.train, opah.vq

local args = opah.config.parse_args(arg, {
  flags = {
    { "output", "path", "out/quickstart", "where everything goes" },
    { "max-steps", "integer", 40, "training steps" },
    { "keep", "boolean", false, "go on from an earlier run in the same folder" },
  },
})

local here = fs.dirname(arg[0])
local speech, tiny, out = fs.join(here, "data"), fs.join(here, "checkpoints/tiny"), args.output
if not args.keep and fs.exists(out) then fs.remove(out, { recursive = true }) end
fs.mkdir(out)
progress.log("The embedded checkpoints are tiny and their weights are random: the speech at the end is noise.")
progress.log("With the real weights, the same steps speak; see the README.\n")

local function recipe(name, ...)
  progress.log("$ opah run " .. name .. " " .. table.concat({ ... }, " "))
  local code = opah.run(name, { ... })
  if code ~= 0 then error(("%s ended with exit code %d"):format(name, code), 0) end
end

-- 1. Loudness, 2. codes, 3. packs: the stock recipes, as on the command line.
recipe("loudness-norm", speech, fs.join(out, "data"), "--clean")
recipe("extract-vq", fs.join(out, "data"), "--config-name", fs.join(tiny, "codec.lua"), "--checkpoint-path", fs.join(tiny, "codec.pth"))
recipe("build-dataset", "--input", fs.join(out, "data"), "--output", fs.join(out, "protos"), "--text-extension", ".lab")

-- 4. Training, with the modules behind the recipe: a rank-8 adapter on a small model.
local model = lm.load(tiny)
lora.apply(model, lora.config { r = 8, lora_alpha = 16, lora_dropout = 0.01 }, { seed = 1 })
local ds = data.dataset {
  protos = { fs.join(out, "protos") }, tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2, seed = 1,
  num_codebooks = model.config.num_codebooks,
}
local bar <close> = progress.bar(args.max_steps, "train")
local curve, held_out = {}, {}
local summary = train.fit {
  model = model, data = ds, project = "quickstart", results = fs.join(out, "results"), max_steps = args.max_steps, batch_size = 2,
  lr = 0.01, num_warmup_steps = 2, val_check_interval = 10, every_n_train_steps = 20,
  on_step = function(log)
    curve[#curve + 1] = { log.step, log.loss }
    bar:step(1, { loss = log.loss })
  end,
  on_validation = function(log)
    held_out[#held_out + 1] = { log.step, log.loss }
    progress.log(("step %2d: loss on held-out clips %.3f"):format(log.step, log.loss))
  end,
}
bar:done()
for _, line in ipairs(summary.lines) do progress.log(line) end

-- 5. Merging, with its proof.
local merged = fs.join(out, "merged")
local proof = lora.merge_files { base_weight = tiny, lora_weight = summary.checkpoint, output = merged, lora_config = "r_8_alpha_16" }
progress.log(("merged: logits differ from base+adapter by at most %.1e"):format(proof.max_logit_difference))

-- 6. Speech, with a clip of the speaker as the reference.
local codec = vq.load { config = fs.join(tiny, "codec.lua"), checkpoint = fs.join(tiny, "codec.pth") }
local speaker = lm.load(merged)
local reference = fs.join(out, "data/Alice/0.00-2.10")
local codes = speaker:generate {
  text = "The harbour is quiet today.", prompt_text = { (opah.text.read_label(reference .. ".lab")) },
  prompt_tokens = { opah.tensor.load_npy(reference .. ".npy") }, max_new_tokens = 60, seed = 7,
}
local samples = codec:decode(codes)
audio.save(fs.join(out, "hello.wav"), samples, codec.sample_rate)

-- 7. One page about it all.
local clip, info = audio.load(reference .. ".mp3")
report.html(fs.join(out, "report.html"), {
  title = "Opah quickstart",
  { text = "Weights are random and the model is tiny: this page shows that every stage works, not how a voice sounds." },
  { heading = "Training" },
  { curves = { ["training loss"] = curve, ["held-out loss"] = held_out }, x = "step", y = "loss" },
  { table = { { "clips", ds:coverage().clips }, { "steps", summary.step }, { "seconds", ("%.1f"):format(summary.seconds) },
              { "largest logit difference after merging", ("%.1e"):format(proof.max_logit_difference) } } },
  { heading = "A clip of Alice" },
  { spectrogram = clip, sample_rate = info.sample_rate },
  { audio = clip, sample_rate = info.sample_rate, label = "after loudness normalisation" },
  { heading = "What the model says" },
  { spectrogram = samples, sample_rate = codec.sample_rate },
  { audio = samples, sample_rate = codec.sample_rate, label = "generated: noise, until the weights are trained ones" },
})
progress.log(("\nloss %.3f -> %.3f in %d steps"):format(curve[1][2], curve[#curve][2], #curve))
progress.log("sound:  " .. fs.join(out, "hello.wav"))
progress.log("report: " .. fs.join(out, "report.html"))
return 0
