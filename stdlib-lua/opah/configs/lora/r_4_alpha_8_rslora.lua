-- rsLoRA of rank 4 on every layer: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 4, lora_alpha = 8, lora_dropout = 0.01, targets = "all" }
