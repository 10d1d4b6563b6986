--- Make the embedded checkpoints again: a codec and a language model with random weights from fixed seeds.
-- opah run examples/make-tiny-checkpoints.lua
-- needs: the tokenizer files in examples/checkpoints/tiny
-- expect: examples/checkpoints/tiny/codec.pth, config.json and model.pth, byte for byte the same every time
local opah = require "opah"
local folder = opah.fs.join(opah.fs.dirname(arg[0]), "checkpoints/tiny")

opah.vq.new({ config = opah.fs.join(folder, "codec.lua"), seed = 1400 }):save(opah.fs.join(folder, "codec.pth"))

local model = opah.lm.new({
  model_type = "dual_ar", vocab_size = 264, dim = 32, n_layer = 2, n_fast_layer = 1, n_head = 2, n_local_heads = 1, head_dim = 16,
  intermediate_size = 96, codebook_size = 1024, num_codebooks = 8, rope_base = 1000000.0, norm_eps = 1e-6, max_seq_len = 1024,
  dropout = 0.0, tie_word_embeddings = false, attention_qkv_bias = false,
}, { seed = 1400, tokenizer = folder, dtype = "bfloat16" })
model:save(folder)
return 0
