-- What every training run starts from. `${a.b}` stands for another key's value.
local null = require "opah.json".null

local settings = {
  paths = { run_dir = "results/${project}", ckpt_dir = "${paths.run_dir}/checkpoints" },
  trainer = {
    val_check_interval = 5000,   -- batches between validations
    max_steps = 100000,          -- optimizer steps
    accumulate_grad_batches = 1,
    gradient_clip_val = null,
    limit_val_batches = null,    -- null: the whole held-out set
  },
  callbacks = {
    model_checkpoint = {
      every_n_train_steps = 5000,  -- optimizer steps between checkpoints; all are kept
    },
  },
}

-- Keys of the original's configuration that mean nothing on one processor without Lightning:
-- accepted, and answered with one line.
local ignored = {
  "trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy", "trainer.strategy.**",
  "trainer.precision", "trainer.benchmark", "trainer.check_val_every_n_epoch", "trainer.default_root_dir",
  "trainer.gradient_clip_algorithm", "trainer.num_sanity_val_steps", "trainer.enable_progress_bar",
  "trainer.deterministic", "trainer.log_every_n_steps", "callbacks.model_checkpoint.*", "callbacks.model_summary",
  "callbacks.model_summary.**", "callbacks.learning_rate_monitor", "callbacks.learning_rate_monitor.**",
  "callbacks.grad_norm_monitor", "callbacks.grad_norm_monitor.**", "logger", "logger.**", "hydra", "hydra.**",
  "train", "test", "tokenizer", "tokenizer.**", "data.tokenizer", "data.persistent_workers", "data.train_dataset",
  "data.val_dataset", "**._target_", "**._partial_", "_target_", "_partial_",
}

return settings, { ignored = ignored }
