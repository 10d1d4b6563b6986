-- DoRA of rank 4 on every layer. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 4, lora_alpha = 8, lora_dropout = 0, targets = "all" }
