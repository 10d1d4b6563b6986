-- rsLoRA of rank 2 on every layer: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 2, lora_alpha = 4, lora_dropout = 0.01, targets = "all" }
