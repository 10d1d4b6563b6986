-- DoRA of rank 8 on the fast transformer alone. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 8, lora_alpha = 16, lora_dropout = 0, targets = "fast" }
