-- An adapter of rank 8 on every layer, as strong as twice its rank.
return { r = 8, lora_alpha = 16, lora_dropout = 0.01, targets = "all" }
