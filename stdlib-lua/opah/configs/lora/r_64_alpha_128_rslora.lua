-- rsLoRA of rank 64 on every layer: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 64, lora_alpha = 128, lora_dropout = 0.01, targets = "all" }
