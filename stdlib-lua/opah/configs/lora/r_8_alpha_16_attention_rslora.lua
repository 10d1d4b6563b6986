-- rsLoRA of rank 8 on the attention layers of both transformers: its strength is lora_alpha / sqrt(r).
return { kind = "rslora", r = 8, lora_alpha = 16, lora_dropout = 0.01, targets = "attention" }
