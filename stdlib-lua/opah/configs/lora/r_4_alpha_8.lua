-- An adapter of rank 4 on every layer, as strong as twice its rank.
return { r = 4, lora_alpha = 8, lora_dropout = 0.01, targets = "all" }
