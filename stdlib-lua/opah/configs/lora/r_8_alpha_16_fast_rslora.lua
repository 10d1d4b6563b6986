-- rsLoRA of rank 8 on the fast transformer alone: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 8, lora_alpha = 16, lora_dropout = 0.01, targets = "fast" }
