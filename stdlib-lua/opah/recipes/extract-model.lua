--- Make a model folder of a run that trained all weights (without an adapter), to speak with or to train on.
-- opah run extract-model --base-weight B --checkpoint results/P/checkpoints/step_000000100.ckpt --output checkpoints/P
local checkpoint, recipe, fs = require "opah.checkpoint", require "opah.recipe", require "opah.fs"
local lm, planning, progress = require "opah.lm", require "opah.planning", require "opah.progress"
local trained = require "opah.trained"

return recipe {
  flags = {
    { "base-weight", "folder", "checkpoints/fish-speech-1.4",
      "the model that the run began with: its settings, tokenizer and dtype are kept" },
    { "checkpoint", "file", nil, "a checkpoint of the run", required = true },
    { "output", "path", nil, "the folder for the model", required = true },
  },
  plan = function(args)
    local _, base = planning.weights(args.base_weight)
    local stored = fs.stat(args.checkpoint).size
    return {
      -- Both files are mapped; what is written has the base's form.
      memory = planning.program + 2 * base + stored / 3, disk = base, folder = args.output,
      lines = { ("base %s, checkpoint %s"):format(progress.size(base), progress.size(stored)) },
    }
  end,
  run = function(args)
    local output = args.output:gsub("(.)/+$", "%1")
    if fs.exists(output) and #fs.list(output, { recursive = true }) > 0 then
      error(fs.error("file", progress.name(output) .. " holds a model or other files already", "choose another folder"), 0)
    end
    local base = lm.load(args.base_weight)
    local weights, changed = base:named_parameters(), 0
    for name, value in pairs(trained(args.checkpoint, weights, args.base_weight)) do
      weights[name] = value:to(weights[name]:dtype())
      changed = changed + 1
    end
    -- The folder has its name when it is whole: one that was cut short would be taken for a model, and stop the next run.
    local draft = output .. ".making"
    local _ <close> = fs.lock(fs.dirname(output), "making a model", { name = "." .. fs.basename(output) .. ".lock" })
    if fs.exists(draft) then fs.remove(draft, { recursive = true }) end      -- of a run that was killed
    fs.mkdir(draft)
    for _, path in ipairs(fs.list(args.base_weight, { extension = { ".json", ".tiktoken" } })) do
      -- What an earlier merge recorded is not true of this model.
      if fs.basename(path) ~= "merge.json" then fs.copy(path, fs.join(draft, fs.basename(path))) end
    end
    checkpoint.save(fs.join(draft, "model.pth"), weights)
    lm.load(draft)     -- reads back
    if fs.exists(output) then fs.remove(output) end
    fs.move(draft, output)
    progress.log(("%d weights from %s -> %s"):format(changed, args.checkpoint, args.output))
    progress.result { output = args.output, changed = changed }
    return 0
  end,
}
