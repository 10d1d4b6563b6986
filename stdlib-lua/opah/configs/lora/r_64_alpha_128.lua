-- An adapter of rank 64 on every layer, as strong as twice its rank.
return { r = 64, lora_alpha = 128, lora_dropout = 0.01, targets = "all" }
