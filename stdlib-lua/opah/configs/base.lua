-- What every training run starts from. `${a.b}` stands for another key's value.
local null = require "opah.json".null

local settings = {
  paths = { run_dir = "results/${project}", ckpt_dir = "${paths.run_dir}/checkpoints" },
  trainer = {
    val_check_interval = 5000,   -- batches between validations; a part such as 1.0 is of a pass over the clips
    max_steps = 100000,          -- optimizer steps; null or -1: no limit of steps
    max_passes = null,           -- passes over all clips; the original's max_epochs means the same
    max_epochs = null,
    precision = "auto",          -- of products with weights: auto, 32-true, bf16-true or bf16-mixed, bf16-rounded (`?lm.load`)
    max_time = null,             -- as in 8h, "1 d 12 h", 01:12:00:00 (days first); what earlier runs took counts
    accumulate_grad_batches = 1,
    gradient_clip_val = null,
    limit_val_batches = null,    -- null: the whole held-out set; a part such as 0.5 is of that; 0: no validation
  },
  callbacks = {
    model_checkpoint = {
      every_n_train_steps = 5000,  -- optimizer steps between checkpoints, or a part of a pass; all are kept
    },
  },
}

-- What settings may be, where neither their value here says it nor the declaration of the option that they are. A number may
-- have `from`, `to`, `above`, `below`.
local types = {
  ["paths.run_dir"] = { is = "path" }, ["paths.ckpt_dir"] = { is = "path" },
  ["trainer.max_epochs"] = { is = "number", from = -1, optional = true },
  ["trainer.precision"] = { is = "text|integer" },
}

-- Keys of the original's configuration that mean nothing on one processor without Lightning: accepted, those with
-- advice answered with a line each, the others with one line together.
local own = "callbacks of one's own are Lua (opah.callbacks); callbacks.audition.sentences=[...] speaks at checkpoints"
local early = "callbacks.early_stop.patience=5 ends a run when validations bring nothing"
local stock = "callbacks.early_stop and callbacks.audition are what runs here"
local always = "metrics.jsonl and tensorboard/ are always written"
local folder = "paths.run_dir says where a run writes"
local schedule = "runs end by trainer.max_steps, max_passes and max_time"
local ignored = {
  "trainer.num_nodes", "trainer.benchmark", "trainer.check_val_every_n_epoch", "trainer.deterministic",
  "trainer.num_sanity_val_steps", "trainer.enable_progress_bar", "trainer.enable_checkpointing",
  "trainer.enable_model_summary", "trainer.log_every_n_steps", "trainer.inference_mode", "trainer.barebones",
  "trainer.use_distributed_sampler", "trainer.sync_batchnorm", "trainer.logger", "trainer.logger.**",
  "trainer.reload_dataloaders_every_n_epochs", "trainer.limit_test_batches", "trainer.limit_predict_batches",
  "callbacks.model_checkpoint.filename", "callbacks.model_checkpoint.monitor", "callbacks.model_checkpoint.mode",
  "callbacks.model_checkpoint.verbose", "callbacks.model_checkpoint.every_n_epochs",
  "callbacks.model_checkpoint.auto_insert_metric_name", "callbacks.model_checkpoint.save_on_train_epoch_end",
  "callbacks.model_checkpoint.save_weights_only", "callbacks.model_checkpoint.enable_version_counter",
  "callbacks.model_summary", "callbacks.model_summary.**", "callbacks.learning_rate_monitor",
  "callbacks.learning_rate_monitor.**", "callbacks.grad_norm_monitor", "callbacks.grad_norm_monitor.**",
  "callbacks.progress_bar", "callbacks.progress_bar.**", "callbacks.rich_progress_bar",
  "callbacks.rich_progress_bar.**", "logger", "logger.tensorboard", "logger.tensorboard.**", "hydra", "hydra.**",
  "train", "test", "tokenizer", "tokenizer.**",
  "data.tokenizer", "data.persistent_workers", "data.pin_memory", "data.prefetch_factor", "data.train_dataset",
  "data.val_dataset", "data._target_", "**._target_", "**._partial_", "_target_", "_partial_",
}
local several = "there is one process, unless mpirun, srun --mpi=pmix -K1 or `opah launch` starts several"
local advice = {
  ["trainer.accelerator"] = "everything runs on the processor",
  ["trainer.devices"] = "everything runs on the processor, with all of its cores (OPAH_THREADS says how many); `opah launch -n N` or mpirun starts several processes",
  ["trainer.num_nodes"] = several, ["trainer.strategy"] = several, ["trainer.strategy.**"] = several,
  ["trainer.default_root_dir"] = folder, ["callbacks.model_checkpoint.dirpath"] = folder, ["hydra.run.dir"] = folder,
  ["trainer.gradient_clip_algorithm"] = "gradients are clipped by their norm",
  ["trainer.min_steps"] = schedule, ["trainer.min_epochs"] = schedule, ["trainer.limit_train_batches"] = schedule,
  ["trainer.overfit_batches"] = schedule, ["trainer.fast_dev_run"] = "--dry-run tells what a run will do",
  ["trainer.profiler"] = "`opah run bench` measures", ["trainer.profiler.**"] = "`opah run bench` measures",
  ["trainer.plugins"] = "there is one process", ["trainer.plugins.**"] = "there is one process",
  ["trainer.detect_anomaly"] = "a loss that is no number always ends a run",
  ["trainer.callbacks"] = stock, ["trainer.callbacks.**"] = stock,
  ["callbacks.model_checkpoint.save_top_k"] = "all checkpoints of an adapter are kept",
  ["callbacks.model_checkpoint.save_last"] = "the last step always has a checkpoint",
  ["callbacks.model_checkpoint.train_time_interval"] = "every_n_train_steps says how often; Ctrl-C saves as well",
  ["callbacks.early_stopping"] = early, ["callbacks.early_stopping.**"] = early,
  ["callbacks.timer"] = "trainer.max_time ends a run", ["callbacks.timer.**"] = "trainer.max_time ends a run",
  ["callbacks.*"] = own, ["callbacks.*.**"] = own, ["logger.*"] = always, ["logger.*.**"] = always,
}

-- Options of these functions are settings, as their declarations say (`?train.fit`).
return settings, { ignored = ignored, advice = advice, types = types, options = { "train.fit", "data.dataset" } }
