-- An adapter of rank 16 on every layer, as strong as twice its rank.
return { r = 16, lora_alpha = 32, lora_dropout = 0.01, targets = "all" }
