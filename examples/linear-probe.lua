--- A linear probe from scratch: can a straight line through the codec's features tell who speaks?
-- opah run examples/linear-probe.lua --input data --config-name firefly_gan_vq --checkpoint-path F
-- needs: recordings in a folder for each speaker, and a codec; without options, the example voices and the tiny codec
-- expect: a falling loss, and the share of unseen clips whose speaker is named rightly
local opah = require "opah"
local audio, nn, tensor, train = opah.audio, opah.nn, opah.tensor, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "input", "folder", embedded.speech, "a folder of recordings for each speaker" },
    { "output", "output", "out/linear-probe", "the folder for probe.safetensors" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
    { "steps", "integer", 100, "training steps" },
  },
  run = function(args)
    -- One vector per clip: the mean over time of what the encoder sees before it chooses codes.
    local codec = opah.vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    local speakers, names = {}, {}
    local seen, unseen = { x = {}, y = {} }, { x = {}, y = {} }
    for i, clip in ipairs((opah.data.scan(args.input, { audio = true }))) do
      if not speakers[clip.speaker] then
        names[#names + 1] = clip.speaker
        speakers[clip.speaker] = #names - 1               -- classes are values and count from 0
      end
      local samples = audio.load(clip.audio, { sample_rate = codec.sample_rate })
      local part = i % 3 == 0 and unseen or seen          -- every third clip is kept for the end
      table.insert(part.x, codec:features(samples).backbone:mean(-1))
      table.insert(part.y, speakers[clip.speaker])
    end

    local x, x_unseen = tensor.stack(seen.x, 1), tensor.stack(unseen.x, 1)       -- [clips, features]
    local y, y_unseen = tensor.new(seen.y, { dtype = "int64" }), tensor.new(unseen.y, { dtype = "int64" })
    local mean, spread = x:mean(1), x:std(1) + 1e-6
    x, x_unseen = (x - mean) / spread, (x_unseen - mean) / spread

    local weight = tensor.zeros(#names, x:size(2)):requires_grad(true)
    local bias = tensor.zeros(#names):requires_grad(true)
    local optimizer = train.adamw({ weight = weight, bias = bias }, { lr = 0.05, weight_decay = 0.01 })
    for step = 1, args.steps do
      local loss = nn.cross_entropy(nn.linear(x, weight, bias), y)
      loss:backward()
      optimizer:step()
      optimizer:zero_grad()
      if step == 1 or step % 25 == 0 then print(("step %3d: loss %.3f"):format(step, loss:item())) end
    end

    local function accuracy(input, classes)
      local best = nn.linear(input, weight, bias):argmax(-1) - 1      -- argmax gives positions, from 1
      return best:eq(classes):to("float32"):mean():item()
    end
    print(("%d speakers: %s"):format(#names, opah.progress.name(table.concat(names, ", "), { output = true })))
    print(("named rightly: %.0f %% of %d clips seen, %.0f %% of %d unseen"):format(100 * accuracy(x, y), #seen.y,
      100 * accuracy(x_unseen, y_unseen), #unseen.y))
    opah.fs.mkdir(args.output)
    tensor.save(opah.fs.join(args.output, "probe.safetensors"), { weight = weight:detach(), bias = bias:detach() })
  end,
}
