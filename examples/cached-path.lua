--- The whole path as a graph of cached stages: run it again and nothing is done; edit one label and only packing and
-- what follows is; change one clip and only its loudness and codes are made again, and what follows.
-- opah run examples/cached-path.lua --input data-raw --model M --config-name firefly_gan_vq --checkpoint-path F
-- needs: clips with labels, a model and a codec; without options, the embedded ones
-- expect: a line for each stage, fresh or made and why; the codes (and sound) of one sentence in speech/
local opah = require "opah"
local audio, data, fs, lm, lora = opah.audio, opah.data, opah.fs, opah.lm, opah.lora
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "input", "folder", embedded.speech, "clips with labels, a folder for each speaker" },
    { "model", "folder", embedded.model, "the base model" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
    { "output", "output", "out/cached-path", "the folder for all results" },
    { "loudness", "number", -23, "in LUFS" },
    { "max-steps", "integer", 20, "training steps" },
    { "text", "string", "The harbour is quiet today.", "what to say in the end" },
  },
  run = function(args)
    local codec_config, text = args.config_name, args.text
    local graph = opah.graph { folder = args.output }
    local clips = graph:files(args.input, { extension = { ".wav", ".mp3", ".flac" } })
    local labels = graph:files(args.input, { extension = ".lab" })
    local weights, base = graph:files(args.checkpoint_path), graph:files(args.model)

    local loud = graph:each("loudness", { over = clips, params = { lufs = args.loudness } }, function(input, output, params)
      local samples, info = audio.load(input)
      local even = audio.normalize_loudness(samples, info.sample_rate, { loudness = params.lufs })
      audio.save(output .. ".wav", even, info.sample_rate)
    end)

    local function load_codec(inputs)
      return opah.vq.load { config = codec_config, checkpoint = fs.join(inputs.weights.path, inputs.weights.files[1]) }
    end

    -- Several clips at a time: they share the threads.
    local codes = graph:each("codes", { over = loud, inputs = { weights = weights }, prepare = load_codec, batch = 16 },
      function(inputs, outputs, _, codec)
        local samples = {}
        for i, input in ipairs(inputs) do samples[i] = audio.load(input, { sample_rate = codec.sample_rate }) end
        for i, clip in ipairs(codec:encode(samples)) do opah.tensor.save_npy(outputs[i] .. ".npy", clip) end
      end)

    local packs = graph:stage("packs", { inputs = { codes = codes, labels = labels } }, function(inputs, output)
      data.pack { input = graph:gather(inputs), output = output, text_extension = ".lab" }
    end)

    local adapter = graph:stage("adapter", {
      inputs = { packs = packs, base = base }, params = { steps = args.max_steps, lr = 0.01 }, resume = true,
    }, function(inputs, output, params)
      local model = lm.load(inputs.base.path)
      lora.apply(model, "r_8_alpha_16", { seed = 1 })
      local summary = opah.train.fit {
        model = model, data = embedded.dataset(inputs.packs.path, model), project = "run", results = output,
        max_steps = params.steps, batch_size = 2, lr = params.lr, num_warmup_steps = 2, val_check_interval = 10,
        every_n_train_steps = 10,
      }
      if summary.ending == "interrupted" then error(fs.error("interrupted", "training was stopped, and will go on"), 0) end
      fs.copy(summary.checkpoint, fs.join(output, "adapter.ckpt"))
    end)

    local merged = graph:stage("merged", { inputs = { adapter = adapter, base = base } }, function(inputs, output)
      local weight = fs.join(inputs.adapter.path, "adapter.ckpt")
      lora.merge_files { base_weight = inputs.base.path, lora_weight = weight, output = output }
    end)

    local speech = graph:stage("speech", { inputs = { model = merged, weights = weights } }, function(inputs, output)
      local voice = opah.callbacks.audition { model = lm.load(inputs.model.path), codec = load_codec(inputs),
        sentences = { text }, generate = { max_new_tokens = 60 } }
      voice:speak(output)
    end)

    local code = graph:run()
    print("adapter: " .. fs.join(adapter.path, "adapter.ckpt") .. "\nspeech:  " .. fs.join(speech.path, "1.npy"))
    return code
  end,
}
