opah = require "opah"
data, fs, lm, lora, tensor, train = opah.data, opah.fs, opah.lm, opah.lora, opah.tensor, opah.train
vectors, voice, at, count = opah.home .. "/Tests/Vectors/transcripts/", require "opah.embedded".voice, 1, 0
codes = tensor.load_npy(vectors .. "codes.npy"):to("int32")
for speaker, frames, text in fs.read(vectors .. "clips.tsv"):gmatch("(%w+)\t(%d+)\t([^\n]+)") do
  count = count + 1
  speaker = speaker == "rms" and "slt" or "rms"
  local stem = ("data/%s/%03d"):format(speaker, count)
  fs.mkdir("data/" .. speaker)
  tensor.save_npy(stem .. ".npy", codes:narrow(2, at, tonumber(frames)):contiguous())
  fs.write(stem .. ".lab", text)
  fs.write(stem .. ".wav", "RIFF")                 -- packs are of clips; nobody reads the sound here
  at = at + tonumber(frames)
end
data.pack { input = "data", output = "protos", text_extension = ".lab" }
function fresh(precision, kind)
  local model = lm.load(voice.model, { max_length = 256, precision = precision })
  lora.apply(model, lora.config { kind = kind or "lora", r = 8, lora_alpha = 16, lora_dropout = 0.1, targets = "all" }, { seed = 1 })
  return model
end
function rows(model)
  return data.dataset { protos = "protos", tokenizer = model.tokenizer, max_length = 256, val_fraction = 0.2, seed = 1, use_speaker = 1,
    interactive_prob = 1, num_codebooks = model.config.num_codebooks }
end
function held_out(model, set)
  return tensor.no_grad(function()
    local sum, batches = 0, set:validation(8)
    for _, batch in ipairs(batches) do sum = sum + model:loss(batch):item() end
    return sum / #batches
  end)
end
