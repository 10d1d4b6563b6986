-- An adapter of rank 2 on every layer, as strong as twice its rank.
return { r = 2, lora_alpha = 4, lora_dropout = 0.01, targets = "all" }
