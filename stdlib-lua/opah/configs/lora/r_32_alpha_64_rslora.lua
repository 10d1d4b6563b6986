-- rsLoRA of rank 32 on every layer: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 32, lora_alpha = 64, lora_dropout = 0.01, targets = "all" }
