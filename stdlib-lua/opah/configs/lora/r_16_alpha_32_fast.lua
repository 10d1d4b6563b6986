-- An adapter of rank 16 on the fast transformer alone, which turns a frame into its codes.
return { r = 16, lora_alpha = 32, lora_dropout = 0.01, targets = "fast" }
