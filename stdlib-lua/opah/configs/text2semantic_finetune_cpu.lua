-- Fine-tuning on a processor, in hours: an adapter of the fast transformer, ten passes over the clips, short rows.
local null = require "opah.json".null

-- A row of 512 tokens takes about 8.3 s on two cores of 230 GFLOP/s (README, Measured): 16 ms a token. 25 minutes
-- of speech are about 42 000 tokens, so ten passes would take about two hours (an estimate from the time of a step). The fast transformer turns a frame into its codes: an
-- adapter there changes how a voice sounds and leaves alone what the model says.
local settings = {
  defaults = { "text2semantic_finetune", { ["lora@model.model.lora_config"] = "r_8_alpha_16_fast" }, "_self_" },

  max_length = 1024,                 -- clips of up to 40 s; memory and attention grow with it
  trainer = {
    max_steps = null,                -- passes are what matters, whatever the number of clips
    max_passes = 10,
    max_time = "12h",                -- ends a run that takes longer; the same command goes on with a larger one
    accumulate_grad_batches = 4,     -- steps of 4 rows, one row at a time in memory
    val_check_interval = 1.0,        -- validate and save once a pass
  },
  data = { batch_size = 1 },
}

return settings
