--- Fine-tune with train.fit: an adapter, a learning rate, an end that is chosen by clips the model has not seen.
-- opah run examples/fine-tune.lua --protos data/protos --model checkpoints/fish-speech-1.4 --lr 1e-4
-- needs: packs and a model; without options, the example voices and the tiny random model
-- expect: a held-out loss that falls, a checkpoint at each validation, result.json; run again, it goes on or is done
local opah = require "opah"
local fs, lm, lora, train = opah.fs, opah.lm, opah.lora, opah.train
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "protos", "path", nil, "packs; unless given, those of the example voices" },
    { "model", "folder", embedded.model, "the base model" },
    { "output", "output", "out/fine-tune", "the folder for packs and results" },
    { "rank", "integer", 8, "the adapter's rank; its strength is twice that" },
    { "targets", "string", "all", "which layers have it: all, fast, slow, attention, ..." },
    { "lr", "number", 0.01, "the learning rate (the tiny model wants a high one)" },
    { "max-steps", "integer", 40, "steps at most" },
    { "patience", "integer", 3, "validations without progress before stopping" },
  },
  run = function(args)
    local model = lm.load(args.model)
    local targets = { args.targets }
    lora.apply(model, { r = args.rank, lora_alpha = 2 * args.rank, lora_dropout = 0.01, targets = targets }, { seed = 1 })
    local ds = embedded.dataset(args.protos or embedded.packs(args.output), model)

    local callbacks = opah.callbacks
    local stop = callbacks.early_stop { patience = args.patience, min_delta = 0.01 }
    local summary = train.fit(callbacks.with({
      model = model, data = ds, project = "voice", results = fs.join(args.output, "results"),
      max_steps = args.max_steps, batch_size = 2, lr = args.lr, num_warmup_steps = 2,
      val_check_interval = 5, every_n_train_steps = 5,
    }, { stop }))

    -- The earliest good checkpoint, as a file for recipes that compare runs.
    local first = callbacks.validations(summary.folder)[1]
    local best = assert(callbacks.earliest_good(callbacks.checkpoints(summary.folder)), "no checkpoint was measured")
    fs.write(fs.join(args.output, "result.json"), opah.json.encode({
      rank = args.rank, lr = args.lr, targets = args.targets, first_loss = first.loss, step = best.step, loss = best.loss,
      checkpoint = best.path, stopped_early = stop.reason,
    }, { indent = 2 }))
    print(("held-out loss %.3f -> %.3f at step %d: %s"):format(first.loss, best.loss, best.step, best.path))
    return summary.exit_code
  end,
}
