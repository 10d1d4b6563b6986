-- Fine-tuning fish-speech 1.5: what the original's file of that release says otherwise than that of 1.4.
return {
  defaults = { "text2semantic_finetune", "_self_" },

  pretrained_ckpt_path = "checkpoints/fish-speech-1.5",
  trainer = { max_steps = 10000 },
  data = { batch_size = 4 },
}
