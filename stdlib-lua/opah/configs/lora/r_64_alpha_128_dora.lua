-- DoRA of rank 64 on every layer. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 64, lora_alpha = 128, lora_dropout = 0, targets = "all" }
