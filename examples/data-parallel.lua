--- A training loop of your own on several processes: every process draws the same batches, runs its own, and all add up.
-- opah run examples/data-parallel.lua --max-steps 10
-- needs: nothing; alone it does the same with one process as `opah launch -n 2 -- run examples/data-parallel.lua` with two
-- expect: a line for every fifth step with the mean loss of its batches, and adapter.ckpt
local opah = require "opah"
local dist, fs, lm, lora, train = opah.dist, opah.fs, opah.lm, opah.lora, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "output", "output", "out/data-parallel", "the folder for packs and the adapter" },
    { "batches", "integer", 4, "batches of a step, in all", from = 1 },
    { "batch-size", "integer", 1, "rows of a batch", from = 1 },
    { "lr", "number", 0.01, "the learning rate" },
    { "max-steps", "integer", 10, "training steps", from = 1 },
  },
  run = function(args)
    local model = lm.load(embedded.model)
    lora.apply(model, "r_8_alpha_16", { seed = 1 })
    local parameters = model:parameters()
    local ds = embedded.dataset(dist.first(function() return embedded.packs(args.output) end), model)
    local optimizer = train.adamw(parameters, { lr = args.lr })

    for step = 1, args.max_steps do
      optimizer:zero_grad()
      local loss = 0
      for i = 1, args.batches do
        local batch = ds:batch(args.batch_size)            -- drawn by all, so that the next draw is the same everywhere
        if (i - 1) % dist.size() + 1 == dist.rank() then
          local mean = model:loss(batch):div(args.batches)
          mean:backward()
          loss = loss + mean:item()
        end
      end
      local gradients = {}
      for i, parameter in ipairs(parameters) do
        if not parameter.grad then parameter.grad = parameter:detach():clone():zero_() end
        gradients[i] = parameter.grad
      end
      dist.all_reduce(gradients)
      optimizer:step()
      local all = 0
      for _, part in ipairs(dist.gather(loss)) do all = all + part end
      if step % 5 == 0 and dist.rank() == 1 then print(("step %3d: loss %.4f"):format(step, all)) end
    end

    dist.first(function() lora.save(model, fs.join(args.output, "adapter.ckpt")) end)
    return 0
  end,
}
