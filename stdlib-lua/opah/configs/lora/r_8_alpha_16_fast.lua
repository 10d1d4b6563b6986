-- An adapter of rank 8 on the fast transformer alone, which turns a frame into its codes.
return { r = 8, lora_alpha = 16, lora_dropout = 0.01, targets = "fast" }
