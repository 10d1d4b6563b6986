-- DoRA of rank 16 on every layer. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 16, lora_alpha = 32, lora_dropout = 0, targets = "all" }
