--- Fine-tune a model on packs: LoRA, or all weights when no adapter is asked for. Run again, it goes on where it stopped.
-- opah run train --config-name text2semantic_finetune project=my_voice +lora@model.model.lora_config=r_8_alpha_16
local config, data, lm, lora = require "opah.config", require "opah.data", require "opah.lm", require "opah.lora"
local callbacks, progress, train = require "opah.callbacks", require "opah.progress", require "opah.train"

--- Loads what a run is made of: the options of `train.fit` and where it writes.
local function prepare(args)
  local cfg, notes = config.load(args.config_name, args.overrides)
  for _, note in ipairs(notes) do progress.log("note: " .. note) end
  if cfg.project == "" then config.usage_error("the project has no name: write project=my_voice") end

  local tuned = cfg.model.model
  local weights = tuned.lora_config and cfg.weights or "stored"
  local model = lm.load(tuned.path, { max_length = cfg.max_length, weights = weights })
  if tuned.lora_config then
    lora.apply(model, lora.config(tuned.lora_config), { seed = cfg.seed })
  else
    model:unfreeze()
    progress.log("no adapter asked for: all weights are trained (add +lora@model.model.lora_config=r_8_alpha_16 for LoRA)")
  end

  local set = cfg.train_dataset
  local ds = data.dataset {
    protos = set.proto_files, tokenizer = model.tokenizer, max_length = set.max_length, sampler = set.sampler, seed = cfg.seed,
    val_fraction = set.val_fraction, interactive_prob = set.interactive_prob, use_speaker = set.use_speaker,
    skip_text_prob = set.skip_text_prob, causal = set.causal, num_codebooks = model.config.num_codebooks,
    codebook_size = model.config.codebook_size - 1,
  }

  local optimizer, scheduler = cfg.model.optimizer, cfg.model.lr_scheduler.lr_lambda
  return {
    model = model, data = ds, project = cfg.project, results = cfg.paths.run_dir:match("^(.*)/[^/]*$") or "results",
    config = cfg, resume = cfg.resume, seed = cfg.seed, dry_run = args.dry_run, memory_budget = cfg.memory_budget,
    max_steps = cfg.trainer.max_steps, batch_size = cfg.data.batch_size,
    accumulate_grad_batches = cfg.trainer.accumulate_grad_batches, gradient_clip_val = cfg.trainer.gradient_clip_val or 0,
    lr = optimizer.lr, weight_decay = optimizer.weight_decay, betas = optimizer.betas, eps = optimizer.eps,
    num_warmup_steps = scheduler.num_warmup_steps, num_training_steps = scheduler.num_training_steps,
    val_check_interval = cfg.trainer.val_check_interval, limit_val_batches = cfg.trainer.limit_val_batches,
    every_n_train_steps = cfg.callbacks.model_checkpoint.every_n_train_steps,
  }
end

local args = config.parse_args(arg, {
  overrides = true,
  flags = {
    { "config-name", "string", "text2semantic_finetune", "a stock configuration, a Lua table file or a fish-speech YAML file", short = "cn" },
    { "dry-run", "boolean", false, "load everything, print the plan (memory, time, disk), and stop; refuse what cannot fit" },
  },
  plan = function(args)
    local options = prepare(args)
    local told ---@type FitPlan
    options.dry_run = true
    options.on_start = function(plan) told = plan end
    train.fit(options)
    local forecast = told.forecast or {}
    return {
      seconds = forecast.seconds, memory = forecast.memory, disk = forecast.disk, folder = options.results, lines = told.lines,
      memory_advice = "lower max_length or data.batch_size, or set memory_budget to what there is",
      disk_advice = "free some space, or save less often: callbacks.model_checkpoint.every_n_train_steps",
    }
  end,
})

local options = prepare(args)
local bar ---@type ProgressBar
---@param plan FitPlan
options.on_start = function(plan)
  for _, line in ipairs(plan.lines) do progress.log(line) end
  for _, item in ipairs(plan.skipped) do progress.log(("  not trained on: %s: %s"):format(progress.name(item.path), item.reason)) end
  bar = progress.bar(plan.max_steps, "train", { done = plan.first_step })
end
---@param log StepLog
options.on_step = function(log)
  bar:step(1, { loss = log.loss, top5 = log.top_5_accuracy, lr = log.lr, gnorm = log.grad_norm, ["tok/s"] = log.tokens_per_second })
end
options.on_validation = function(log)
  progress.log(("step %d: held-out loss %.4f (semantic %.4f, base %.4f), top-5 %.3f"):format(log.step, log.loss, log.semantic, log.base, log.top_5_accuracy))
end
options.on_checkpoint = function(path) progress.log("saved " .. path) end

local asked_for = callbacks.configured(options.config.callbacks, options)
local summary = train.fit(callbacks.with(options, asked_for))
if bar then bar:done() end
for _, line in ipairs(summary.lines) do progress.log(line) end
return summary.exit_code
