-- DoRA of rank 2 on every layer. No dropout: behind it, DoRA multiplies with every weight twice.
return { kind = "dora", r = 2, lora_alpha = 4, lora_dropout = 0, targets = "all" }
