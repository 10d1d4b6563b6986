--- Make the embedded checkpoints again: a codec and a language model with random weights from fixed seeds.
-- opah run examples/make-tiny-checkpoints.lua
-- batch: no, it makes what the other examples use
-- needs: the tokenizer files in examples/checkpoints/tiny
-- expect: codec.pth, config.json and model.pth, byte for byte those in examples/checkpoints/tiny
local opah = require "opah"
local embedded = require "opah.embedded"

return opah.recipe {
  flags = { { "output", "output", "out/make-tiny-checkpoints", "the folder for the checkpoints" } },
  run = function(args)
    opah.fs.mkdir(args.output)
    opah.vq.new({ config = embedded.codec_config, seed = 1400 }):save(opah.fs.join(args.output, "codec.pth"))

    local model = opah.lm.new({
      model_type = "dual_ar", vocab_size = 264, dim = 32, n_layer = 2, n_fast_layer = 1, n_head = 2, n_local_heads = 1,
      head_dim = 16, intermediate_size = 96, codebook_size = 1024, num_codebooks = 8, rope_base = 1000000.0,
      norm_eps = 1e-6, max_seq_len = 1024, dropout = 0.0, tie_word_embeddings = false, attention_qkv_bias = false,
    }, { seed = 1400, tokenizer = embedded.model, dtype = "bfloat16" })
    model:save(args.output)
    print("codec.pth, config.json and model.pth in " .. args.output)
  end,
}
