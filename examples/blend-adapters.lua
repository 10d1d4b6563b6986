--- Two voices, two adapters, and what lies between them: each adapter added with a weight of its own.
-- opah run examples/blend-adapters.lua
-- needs: nothing; with --first and --second, adapters of your own (and --model, --protos-first, --protos-second)
-- expect: a table of held-out losses on both voices for five blends, and the even blend as a model folder
local opah = require "opah"
local fs, lm, lora, progress, tensor, train = opah.fs, opah.lm, opah.lora, opah.progress, opah.tensor, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "first", "file", nil, "an adapter; unless given, one is trained on Alice" },
    { "second", "file", nil, "another one; unless given, one is trained on ハナコ" },
    { "protos-first", "path", nil, "packs to measure the first voice on" },
    { "protos-second", "path", nil, "packs to measure the second voice on" },
    { "model", "folder", embedded.model, "the base model of both" },
    { "output", "output", "out/blend-adapters", "the folder for everything" },
    { "max-steps", "integer", 20, "training steps of an adapter that is not given" },
  },
  run = function(args)
    local function voice(name, adapter, protos)
      local folder = fs.join(args.output, name)
      local model = lm.load(args.model)
      local ds = embedded.dataset(protos or embedded.packs(folder, name), model, { val_fraction = 0.3 })
      if not adapter then
        lora.apply(model, "r_8_alpha_16", { seed = 1 })
        local summary = train.fit {
          model = model, data = ds, project = "voice", results = folder, max_steps = args.max_steps, batch_size = 2,
          lr = 0.01, num_warmup_steps = 2, val_check_interval = 0, on_warning = function() end,
        }
        adapter = summary.checkpoint
      end
      progress.log(("%s: %s"):format(name, adapter))
      return { adapter = adapter, held_out = ds:validation(2) }
    end

    local first = voice("Alice", args.first, args.protos_first)
    local second = voice("ハナコ", args.second, args.protos_second)

    --- The base with both adapters, each times its weight: live, nothing is merged.
    local function blend(weight)
      local model = lm.load(args.model)
      if weight < 1 then lora.load(model, first.adapter, { scale = 1 - weight }) end
      if weight > 0 then lora.load(model, second.adapter, { scale = weight }) end
      return model
    end

    local function loss_on(model, batches)
      return tensor.no_grad(function()
        local sum = 0
        for _, batch in ipairs(batches) do sum = sum + model:loss(batch):item() end
        return sum / #batches
      end)
    end

    local losses = opah.tables { "first", "second", "loss on first", "loss on second" }
    for _, weight in ipairs { 0, 0.25, 0.5, 0.75, 1 } do
      local model = blend(weight)
      losses:add { 1 - weight, weight, loss_on(model, first.held_out), loss_on(model, second.held_out) }
    end
    print(losses:text())

    local even, folder = blend(0.5), fs.join(args.output, "model")
    lora.merge(even)
    even:save(folder)
    print("the even blend, merged: " .. folder)
  end,
}
