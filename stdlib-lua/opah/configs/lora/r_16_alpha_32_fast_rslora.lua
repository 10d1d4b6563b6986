-- rsLoRA of rank 16 on the fast transformer alone: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 16, lora_alpha = 32, lora_dropout = 0.01, targets = "fast" }
