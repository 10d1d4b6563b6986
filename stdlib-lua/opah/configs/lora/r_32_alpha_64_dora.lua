-- DoRA of rank 32 on every layer. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 32, lora_alpha = 64, lora_dropout = 0, targets = "all" }
