-- An adapter of rank 32 on every layer, as strong as twice its rank.
return { r = 32, lora_alpha = 64, lora_dropout = 0.01, targets = "all" }
