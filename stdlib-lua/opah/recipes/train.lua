--- Fine-tune a model on packs: LoRA, or all weights when no adapter is asked for. Run again, it goes on where it stopped.
-- opah run train --config-name text2semantic_finetune project=my_voice +lora@model.model.lora_config=r_8_alpha_16
local config, data, fs = require "opah.config", require "opah.data", require "opah.fs"
local lm, lora = require "opah.lm", require "opah.lora"
local callbacks, progress, train = require "opah.callbacks", require "opah.progress", require "opah.train"
local recipe, scaling = require "opah.recipe", require "opah.scaling"

-- What is read of the settings whatever they are; a command line can delete any of it (`~callbacks`).
local needed = {
  "project", "paths.run_dir", "model.model.path", "model.optimizer._target_", "model.lr_scheduler.lr_lambda._target_", "data.batch_size",
  "train_dataset.proto_files", "trainer", "callbacks.audition", "callbacks.model_checkpoint",
}

local function check_settings(cfg)
  local missing = {}
  for _, path in ipairs(needed) do
    local value = cfg
    for name in path:gmatch("[^.]+") do value = type(value) == "table" and value[name] or nil end
    if value == nil then missing[#missing + 1] = path end
  end
  if #missing > 0 then
    config.usage_error(("%s: deleted from the settings, and needed: give single settings below it another value")
      :format(table.concat(missing, ", ")))
  end
end

--- What is not there of what the settings name, all at once, before anything is loaded.
local function check_files(cfg, args)
  local missing = {}
  local function need(path, setting, hint)
    if not path or fs.stat(path) then return end
    missing[#missing + 1] = ("%s: %s does not exist (%s)"):format(setting, path, hint)
  end
  need(cfg.model.model.path, "pretrained_ckpt_path", "`opah run download` fetches a model")
  for _, path in ipairs(cfg.train_dataset.proto_files) do
    need(path, "train_dataset.proto_files", "`opah run build-dataset` makes packs")
  end
  if #cfg.train_dataset.proto_files == 0 then missing[#missing + 1] = "train_dataset.proto_files: names no packs (data/protos)" end
  need(args.from_adapter or ".", "--from-adapter", "a .ckpt of another run's checkpoints")
  need(cfg.callbacks.audition.codec_checkpoint, "callbacks.audition.codec_checkpoint", "the codec's weights")
  if #missing > 0 then config.usage_error(table.concat(missing, "\n")) end
end

--- Lightning's -1 and null alike: no such limit.
local function limit(value) return value and value > 0 and value or nil end

--- Which schedule the original's name for it means.
local function schedule(name)
  if name:find("cosine", 1, true) then return "cosine" end
  if name:find("constant", 1, true) then return "constant" end
  config.usage_error(("model.lr_scheduler.lr_lambda._target_: there is no schedule %s here, only constant and cosine")
    :format(name))
end

-- Lightning's names of arithmetic that is not here: what is used in its place.
local precisions = {
  ["16-mixed"] = "auto", ["16-true"] = "auto", ["16"] = "auto", ["transformer-engine"] = "auto", ["transformer-engine-float16"] = "auto",
  bf16 = "bf16-mixed", ["32"] = "32-true", ["64"] = "32-true", ["64-true"] = "32-true",
}

--- `trainer.precision` as lm.load takes it, and a remark where that is another name.
local function precision(name)
  name = tostring(name)
  if precisions[name] then
    return precisions[name], ("trainer.precision=%s is taken as %s"):format(name, precisions[name])
  end
  for _, known in ipairs { "auto", "32-true", "bf16-true", "bf16-mixed", "bf16-rounded" } do
    if name == known then return name end
  end
  config.usage_error(("trainer.precision=%s: it is one of auto, 32-true, bf16-true, bf16-mixed, bf16-rounded"):format(name))
end

--- A number of batches (or of steps, which have several) as it is, or a part such as 0.5 of `whole`.
local function part(value, whole)
  if value == nil or math.type(value) == "integer" then return value end
  return math.max(1, math.floor(value * whole))
end

--- Settings that are accepted from the original's files and do something else here, or nothing.
local function remarks(cfg)
  local lines = {}
  if not cfg.model.optimizer._target_:find("AdamW", 1, true) then
    lines[1] = ("model.optimizer._target_ is ignored: the optimizer is AdamW, not %s")
      :format(cfg.model.optimizer._target_)
  end
  if cfg.model.model.load_weights == false then
    lines[#lines + 1] = "model.model.load_weights=false is ignored: a fine-tuning begins with the model's weights"
  end
  if cfg.paths.ckpt_dir ~= cfg.paths.run_dir .. "/checkpoints" then
    lines[#lines + 1] = ("paths.ckpt_dir is ignored: checkpoints are in %s/checkpoints (paths.run_dir)")
      :format(cfg.paths.run_dir)
  end
  return lines
end

--- Loads what a run is made of: the options of `train.fit` and where it writes.
local function prepare(args)
  local cfg, notes = config.load(args.config_name, args.overrides)
  check_settings(cfg)
  if cfg.project:find("/", 1, true) or cfg.project == "." or cfg.project == ".." then
    config.usage_error(("project=%s: a project is one folder below results, so its name has no /"):format(cfg.project))
  end
  local trainer, target = cfg.trainer, schedule(cfg.model.lr_scheduler.lr_lambda._target_)
  local max_steps, max_passes = limit(trainer.max_steps), limit(trainer.max_passes) or limit(trainer.max_epochs)
  if not (max_steps or max_passes or trainer.max_time) then
    config.usage_error("nothing ends this run: give trainer.max_steps, trainer.max_passes or trainer.max_time")
  end
  if trainer.max_epochs and trainer.max_passes and trainer.max_epochs ~= trainer.max_passes then
    config.usage_error("trainer.max_epochs and trainer.max_passes mean the same, and are not: give one of them")
  end
  if max_passes and cfg.train_dataset.sampler == "reference" then
    config.usage_error("trainer.max_passes counts passes over all clips, and train_dataset.sampler=reference makes none:"
      .. " give trainer.max_steps")
  end
  local weights_file = cfg.model.model.path:match("^(.*)/[^/]*%.[%a]+$")
  if weights_file and not fs.stat(cfg.model.model.path) and fs.stat(fs.join(weights_file, "config.json")) then
    notes[#notes + 1] = ("pretrained_ckpt_path: the folder %s is meant"):format(weights_file)
    cfg.model.model.path = weights_file
  end
  local arithmetic, another = precision(trainer.precision or "auto")
  if another then notes[#notes + 1] = another end
  check_files(cfg, args)
  for _, note in ipairs(notes) do progress.log("note: " .. note) end
  for _, line in ipairs(remarks(cfg)) do progress.log("note: " .. line) end

  local tuned = cfg.model.model
  local weights = (tuned.lora_config or args.from_adapter) and cfg.weights or "stored"
  local adapter = tuned.lora_config and lora.config(tuned.lora_config)
  local model = lm.load(tuned.path, { max_length = cfg.max_length, weights = weights, precision = arithmetic })
  if args.from_adapter then
    lora.load(model, args.from_adapter, { config = tuned.lora_config, trainable = true })
  elseif adapter then
    lora.apply(model, adapter, { seed = cfg.seed })
  else
    model:unfreeze()
    progress.log("no adapter asked for: all weights are trained (add +lora@model.model.lora_config=r_8_alpha_16 for LoRA)")
  end

  local set = cfg.train_dataset
  if set.use_speaker and set.use_speaker ~= 0 and model.release ~= "1.4" then
    progress.log(("note: fish-speech %s knows no speakers by name: use_speaker changes nothing"):format(model.release))
  end
  local sampling = config.options_of("data.dataset", cfg)
  sampling.protos, sampling.tokenizer, sampling.num_codebooks = set.proto_files, model.tokenizer, model.config.num_codebooks
  sampling.codebook_size = model.config.codebook_size - (model.release == "1.4" and 1 or 0)
  local ds = data.dataset(sampling)

  local options = config.options_of("train.fit", cfg)
  options.model, options.data, options.config, options.dry_run = model, ds, cfg, args.dry_run
  options.project, options.results = fs.basename(cfg.paths.run_dir), fs.dirname(cfg.paths.run_dir)
  options.schedule = target
  -- What Lightning writes otherwise: -1 for no limit, null for no clipping, parts of an epoch for numbers of batches.
  options.max_steps, options.max_passes = max_steps, max_passes
  options.num_training_steps = limit(options.num_training_steps)
  options.gradient_clip_val = options.gradient_clip_val or 0
  options.accumulate_grad_batches = options.accumulate_grad_batches or 1
  local rows = ds:coverage().rows_per_pass
  local batches = math.max(1, (rows > 0 and rows or ds.clips) // options.batch_size)
  local validates = options.limit_val_batches ~= 0
  options.val_check_interval = validates and part(options.val_check_interval, batches) or 0
  options.limit_val_batches = validates and part(options.limit_val_batches, math.ceil(ds.held_out / options.batch_size)) or nil
  options.every_n_train_steps = part(options.every_n_train_steps, batches / options.accumulate_grad_batches)
  return options
end

--- Of a dry run: what a step would take on several machines like this one.
local function several(args, options)
  local network, latency = scaling.network(args)
  local on_several = {}
  function on_several:on_start(plan)
    local forecast = plan.forecast
    if not (forecast and forecast.seconds_per_step) then return end
    local rows = options.batch_size * options.accumulate_grad_batches
    local steps = scaling.steps({
      rows = rows, row_seconds = forecast.seconds_per_step / rows, gradient_bytes = 4 * plan.trainable_values,
      network = network, latency = latency, whole = not (options.config.model.model.lora_config or args.from_adapter),
    }, args.hosts)
    for _, line in ipairs(scaling.lines(steps)) do progress.log(line) end
  end
  return on_several
end

return recipe {
  overrides = true,
  flags = {
    { "config-name", "string", "text2semantic_finetune", "a stock configuration, a Lua table file or a fish-speech YAML file", short = "cn" },
    { "from-adapter", "path", nil, "begin with this adapter, a checkpoint of another run, and not with a new one" },
    { "dry-run", "boolean", false, "load everything, print the plan (memory, time, disk), and stop; refuse what cannot fit" },
    { "hosts", "integer", nil, "with --dry-run: what a step would take on 1, 2, 4, ... machines like this one", from = 1, to = 1024 },
    scaling.flags[1], scaling.flags[2],
  },
  plan = function(args)
    local options = prepare(args)
    local told ---@type FitPlan
    options.dry_run, options.progress = true, false
    options.on_start = function(plan) told = plan end
    train.fit(options)
    local forecast = told.forecast or {}
    return {
      seconds = forecast.seconds, memory = forecast.memory, disk = forecast.disk, folder = options.results, lines = told.lines,
      memory_advice = "lower max_length or data.batch_size, or set memory_budget to what there is",
      disk_advice = "free some space, or save less often: callbacks.model_checkpoint.every_n_train_steps",
    }
  end,
  run = function(args)
    if (args.hosts or args.network or args.latency) and not (args.dry_run and args.hosts) then
      config.usage_error("--hosts, --network and --latency are questions to --dry-run;"
        .. " `opah launch` trains on several machines")
    end
    local options = prepare(args)
    local asked_for = callbacks.configured(options.config.callbacks, options)
    if args.dry_run and args.hosts then asked_for[#asked_for + 1] = several(args, options) end
    return train.fit(callbacks.with(options, asked_for)).exit_code
  end,
}
