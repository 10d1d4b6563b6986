-- Fine-tuning a text-to-semantic model: the names and defaults of the original's file of that name.
local null = require "opah.json".null

local settings = {
  defaults = { "base", "_self_" },

  project = "text2semantic_finetune_dual_ar",
  max_length = 4096,                                   -- tokens of a training row, at most
  pretrained_ckpt_path = "checkpoints/fish-speech-1.4",
  seed = 42,
  resume = true,                                       -- go on where an earlier run of the project stopped
  ema_decay = 0,                                       -- of a moving average of what is trained, as 0.99; 0: none
  memory_budget = null,                                -- memory to stay under, as in "4GB"; null: what the machine has
  weights = "stored",                                  -- how frozen weights are held: stored, float32 or bfloat16

  trainer = {
    accumulate_grad_batches = 1,
    gradient_clip_val = 1.0,
    max_steps = 1000,                                  -- or max_passes, max_time: what is reached first
    limit_val_batches = 10,
    val_check_interval = 100,
  },

  train_dataset = {
    proto_files = { "data/protos" },
    sampler = "coverage",                              -- every clip once per pass; "reference" is the original's rule
    val_fraction = 0.05,                               -- clips held out for validation, told by their own content
    val_by = "codes",                                  -- "text" keeps all clips of one text on one side: copies of a clip
    causal = true,                                     -- reference sampler only
    max_length = "${max_length}",
    use_speaker = false,                               -- true, or how often: the folder's name is the role
    interactive_prob = 0.7,
    skip_text_prob = 0.0,
    corrupt_prob = 0.0,                                -- how often a frame is another clip's: 0.15 makes a model heed the text
  },

  data = { batch_size = 8, num_workers = 4, max_length = "${max_length}" },

  model = {
    model = { path = "${pretrained_ckpt_path}", load_weights = true, max_length = "${max_length}", lora_config = null },
    optimizer = { _target_ = "torch.optim.AdamW", lr = 1e-4, weight_decay = 0, betas = { 0.9, 0.95 }, eps = 1e-5 },
    lr_scheduler = {
      lr_lambda = {
        -- Also ..._cosine_...: down along a cosine to final_lr_ratio of lr, in num_training_steps (null: the run's).
        _target_ = "fish_speech.scheduler.get_constant_schedule_with_warmup_lr_lambda",
        num_warmup_steps = 10, num_training_steps = null, num_cycles = 0.5, final_lr_ratio = 0.0,
      },
    },
  },

  callbacks = {
    model_checkpoint = { every_n_train_steps = "${trainer.val_check_interval}" },
    -- Stop when the held-out loss has not fallen by min_delta in so many validations; null: go on to max_steps.
    early_stop = { patience = null, min_delta = 0.0 },
    -- Sentences to speak at every so-many-th checkpoint, into results/P/auditions: codes, and sound with a codec.
    audition = {
      sentences = {}, every = 1, max_new_tokens = 400, codec_config = "firefly_gan_vq", codec_checkpoint = null,
    },
  },
}

local types = {
  project = { is = "name" },
  pretrained_ckpt_path = { is = "path" },
  weights = { is = "text", choices = { "stored", "float32", "bfloat16" } },
  max_length = { is = "integer", from = 1 },
  ["train_dataset.proto_files"] = { is = "list", items = "path" },
  ["data.num_workers"] = { is = "integer", from = 0 },
  ["data.max_length"] = { is = "integer", from = 1 },
  ["model.model.path"] = { is = "path" },
  ["model.model.max_length"] = { is = "integer", from = 1 },
  ["callbacks.early_stop.patience"] = { is = "integer", from = 1, optional = true },
  ["callbacks.early_stop.min_delta"] = { is = "number", from = 0 },
  ["callbacks.audition.sentences"] = { is = "list", items = "text" },
  ["callbacks.audition.every"] = { is = "integer", from = 1 },
  ["callbacks.audition.max_new_tokens"] = { is = "integer", from = 0 },
  ["callbacks.audition.codec_config"] = { is = "text|table" },
  ["callbacks.audition.codec_checkpoint"] = { is = "path", optional = true },
}

-- Validation reads the clips that the training set holds out, so the original's second dataset says nothing here.
return settings, {
  types = types,
  ignored = {
    "val_dataset", "val_dataset.**", "train_dataset.tokenizer", "model.model.use_kv_cache", "model.model.tokenizer_path",
    "model.lr_scheduler._target_", "model.lr_scheduler._partial_",
  },
}
