-- DoRA of rank 16 on the fast transformer alone. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 16, lora_alpha = 32, lora_dropout = 0, targets = "fast" }
