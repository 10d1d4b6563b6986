--- A training loop of your own with a loss of your own: smoothed labels, and a pull towards the base model so that
-- it forgets less of what it knew (the Kullback-Leibler divergence from its predictions).
-- opah run examples/custom-loss.lua --protos data/protos --model checkpoints/fish-speech-1.4 --lr 1e-4 --kl 0.1
-- needs: packs and a model; without options, the example voices and the tiny random model
-- expect: a line for every fifth step with both parts of the loss, the held-out loss, and adapter.ckpt
local opah = require "opah"
local fs, lm, lora, nn, tensor, train = opah.fs, opah.lm, opah.lora, opah.nn, opah.tensor, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "protos", "path", nil, "packs; unless given, those of the example voices" },
    { "model", "folder", embedded.model, "the base model" },
    { "output", "output", "out/custom-loss", "the folder for packs and the adapter" },
    { "smoothing", "number", 0.1, "the part of each label that is spread over all classes" },
    { "kl", "number", 0.1, "the weight of the pull towards the base model" },
    { "lr", "number", 0.01, "the learning rate" },
    { "max-steps", "integer", 20, "training steps" },
  },
  run = function(args)
    local base, model = lm.load(args.model), lm.load(args.model)     -- mapped: the second costs next to nothing
    lora.apply(model, "r_8_alpha_16", { seed = 1 })
    local ds = embedded.dataset(args.protos or embedded.packs(args.output), model)

    --- KL(base || model), the mean over all rows; logits [..., classes].
    local function divergence(base_logits, logits)
      return (base_logits:softmax(-1) * (base_logits:log_softmax(-1) - logits:log_softmax(-1))):sum(-1):mean()
    end

    --- The loss of a batch: text tokens and codes, each with smoothed labels and the pull.
    local function loss_of(batch)
      local ours = model:forward(batch)
      local theirs = tensor.no_grad(function() return base:forward(batch) end)
      -- Only positions with a label count: masks [B, T] pick rows.
      local text, codes = batch.labels[{ {}, 1 }], batch.labels[{ {}, { 2, -1 } }]:transpose(2, 3)   -- [B, T], [B, T, C]
      local reads, speaks = text:ne(-100), codes[{ {}, {}, 1 }]:ne(-100)
      local words, frames = ours.token_logits[reads], ours.codebook_logits[speaks]                   -- [n, V], [m, C, K]
      local smooth = { label_smoothing = args.smoothing }
      local fit = nn.cross_entropy(words, text[reads], smooth) + nn.cross_entropy(frames, codes[speaks], smooth)
      local pull = divergence(theirs.token_logits[reads], words) + divergence(theirs.codebook_logits[speaks], frames)
      return fit + pull * args.kl, fit:item(), pull:item()
    end

    local function held_out_loss()
      return tensor.no_grad(function()
        local sum, batches = 0, ds:validation(2)
        for _, batch in ipairs(batches) do sum = sum + model:loss(batch):item() end
        return sum / #batches
      end)
    end

    local parameters = model:parameters()
    local optimizer, warmup = train.adamw(parameters, { lr = args.lr }), train.constant_with_warmup(2)
    local before = held_out_loss()
    for step = 1, args.max_steps do
      optimizer.lr = args.lr * warmup(step)
      local loss, fit, pull = loss_of(ds:batch(2))
      loss:backward()
      train.clip_grad_norm(parameters, 1.0)
      optimizer:step()
      optimizer:zero_grad()
      if step % 5 == 0 then print(("step %3d: fit %.3f, divergence from the base %.3f"):format(step, fit, pull)) end
    end
    print(("held-out loss %.3f -> %.3f"):format(before, held_out_loss()))
    lora.save(model, fs.join(args.output, "adapter.ckpt"))
  end,
}
