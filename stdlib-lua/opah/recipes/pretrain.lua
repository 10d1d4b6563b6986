--- Train a model from nothing on packs of many speakers: a fresh tokenizer, fresh weights, all of them trained.
-- opah run pretrain --protos data/protos --labels data --output checkpoints/base project=base
-- Run again, it goes on where it stopped. `opah run extract-model` makes a model folder of its last checkpoint.
local config, data, fs, lm, progress = require "opah.config", require "opah.data", require "opah.fs", require "opah.lm", require "opah.progress"
local opah, text, train = require "opah", require "opah.text", require "opah.train"
local own_files, pretraining, recipe = require "opah.own_files", require "opah.pretraining", require "opah.recipe"

return recipe {
  flags = {
    { "labels", "folder", nil, "clips whose labels the tokenizer is learned from, when --base has none yet" },
    { "protos", "path", "data/protos", "packs, as build-dataset makes them" },
    { "base", "path", "checkpoints/base", "the folder for the fresh model: config.json, model.pth, the tokenizer" },
    { "project", "string", "pretrain", "name of the run below --results" },
    { "results", "path", "results", "the folder for runs" },
    { "vocab-size", "integer", 768, "tokens of the vocabulary, 8 special ones and 256 bytes included", from = 264 },
    { "dim", "integer", 192, "width of the model", from = 2 },
    { "layers", "integer", 4, "layers of the slow transformer", from = 1 },
    { "fast-layers", "integer", 1, "layers of the fast one", from = 1 },
    { "heads", "integer", 3, "attention heads", from = 1 },
    { "feed-forward", "integer", 512, "width of the feed-forward layers", from = 1 },
    { "codebooks", "integer", 8, "codebooks of the codec", from = 1 },
    { "codebook-size", "integer", 1024, "entries of each, at least the codec's", from = 1 },
    { "max-length", "integer", 512, "tokens and frames of a row at most", from = 2 },
    { "max-steps", "integer", 10000, "optimizer steps", from = 1 },
    { "batch-size", "integer", 16, "rows per step", from = 1 },
    { "lr", "number", 2e-3, "learning rate, along a cosine to nothing", above = 0, to = 10 },
    { "optimizer", "string", "adamw", "adamw, whose rate falls along a cosine; muon, which needs fewer steps and whose rate is level at first" },
    { "muon-lr", "number", 3e-3, "learning rate of hidden matrices with muon; --lr is that of the rest", above = 0, to = 10 },
    { "decay-steps", "integer", 500, "muon: steps in which the rates fall to nothing at the end", from = 1 },
    { "corrupt", "number", 0, "how often a frame is another clip's, so that the text is heeded more", from = 0, below = 1 },
    { "warmup", "integer", 100, "steps in which it rises", from = 0 },
    { "every", "integer", 500, "steps between two checkpoints, each with its held-out loss", from = 1 },
    { "use-speaker", "number", 0, "how often the speaker's name is the role instead of assistant; generate's --speaker then chooses", from = 0, to = 1 },
    { "interactive-prob", "number", 0.7, "how often each clip has a turn of its own, instead of all texts of a row in one", from = 0, to = 1 },
    { "val-fraction", "number", 0.02, "share of the clips that is held out", from = 0, below = 1 },
    { "seed", "integer", 1, "of weights, rows and dropout" },
  },
  run = function(args)
    if args.optimizer ~= "adamw" and args.optimizer ~= "muon" then
      config.usage_error("--optimizer is adamw or muon, not " .. args.optimizer)
    end

    -- A word is a token with a space before it, another without, another with a capital: they begin with one embedding, so
    -- that the first word of a sentence, met seldom, need not be learned from nothing. A part of a letter of several bytes is no word.
    local function begin_alike(model)
      local embeddings, first = model:named_parameters()["embeddings.weight"], {}
      for id = 0, embeddings:size(1) - 1 do
        local word = model.tokenizer:decode({ id }, { skip_special = true }):lower():match("^ ?([%a\128-\255]+)$")
        word = word and not word:find("\u{FFFD}", 1, true) and word
        if word and first[word] then
          embeddings[id + 1]:copy_(embeddings[first[word] + 1])
        elseif word then
          first[word] = id
        end
      end
    end

    -- A fresh model, once: its folder is what checkpoints are put into afterwards.
    local function make_base()
      local labels = 0
      if not args.labels then config.usage_error(args.base .. " has no model yet: --labels names the clips to learn a tokenizer from") end
      if args.dim % (2 * args.heads) ~= 0 then config.usage_error("--dim must be a multiple of twice --heads: a head is an even part of the width") end
      for _, name in ipairs { "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json" } do
        own_files.any(fs.join(args.base, name))
      end
      local texts, clips, skipped, notes = {}, data.scan(args.labels)
      for _, clip in ipairs(clips) do
        for _, path in pairs(clip.labels) do
          local ok, found = pcall(text.read_label, path)
          if ok then
            -- As the model reads it: the first word has no space before it, so that it becomes a token of its own.
            labels = labels + 1
            texts[#texts + 1] = text.clean(found)
            if args.use_speaker > 0 then texts[#texts + 1] = clip.speaker end
          else
            skipped[#skipped + 1] = { path = path, reason = (opah.error_text(found)) }
          end
        end
      end
      for _, note in ipairs(notes) do progress.log(("note: %s: %s"):format(progress.name(note.path), note.text)) end
      for _, item in ipairs(skipped) do progress.log(("not learned from: %s: %s"):format(progress.name(item.path), item.reason)) end
      if #texts == 0 then error(fs.error("data", args.labels .. ": no label that can be read", "a label is a .lab file beside its recording"), 0) end
      local tokenizer = text.train_tokenizer { texts = texts, vocab_size = args.vocab_size, output = args.base, min_frequency = 2 }
      progress.log(("a vocabulary of %d tokens from %d labels"):format(#tokenizer, labels))
      local model = lm.new({
        model_type = "dual_ar", vocab_size = #tokenizer, dim = args.dim, n_layer = args.layers, n_fast_layer = args.fast_layers,
        n_head = args.heads, n_local_heads = args.heads, head_dim = args.dim // args.heads, intermediate_size = args.feed_forward,
        codebook_size = args.codebook_size, num_codebooks = args.codebooks, rope_base = 10000.0, norm_eps = 1e-6,
        max_seq_len = args.max_length, dropout = 0.0, tie_word_embeddings = false, attention_qkv_bias = false, initializer_range = 0.02,
      }, { seed = args.seed, tokenizer = args.base })
      begin_alike(model)
      model:save(args.base)
    end

    if not fs.exists(fs.join(args.base, "model.pth")) then make_base() end
    local model = lm.load(args.base, { max_length = args.max_length, weights = "float32" })
    model:unfreeze()
    local ds = data.dataset {
      protos = { args.protos }, tokenizer = model.tokenizer, max_length = args.max_length, seed = args.seed, val_fraction = args.val_fraction,
      num_codebooks = model.config.num_codebooks, use_speaker = args.use_speaker, interactive_prob = args.interactive_prob,
      corrupt_prob = args.corrupt,
    }
    if args.optimizer == "muon" then
      local last = pretraining.run {
        model = model, data = ds, folder = fs.join(args.results, args.project), steps = args.max_steps, decay_steps = args.decay_steps,
        warmup = args.warmup, batch = args.batch_size, lr = args.lr, muon_lr = args.muon_lr, every = args.every,
        identity = { data = ds.digest, model = model.config, batch = args.batch_size, lr = args.lr, muon_lr = args.muon_lr, warmup = args.warmup,
          seed = args.seed, use_speaker = args.use_speaker, interactive_prob = args.interactive_prob,
          corrupt_prob = args.corrupt > 0 and args.corrupt or nil },
      }
      progress.log("checkpoint: " .. last)
      progress.result { project = args.project, folder = fs.join(args.results, args.project), checkpoint = last }
      return 0
    end
    return train.fit {
      model = model, data = ds, project = args.project, results = args.results, seed = args.seed, max_steps = args.max_steps, batch_size = args.batch_size,
      lr = args.lr, eps = 1e-8, schedule = "cosine", num_warmup_steps = args.warmup, num_training_steps = args.max_steps,
      val_check_interval = args.every, every_n_train_steps = args.every,
    }.exit_code
  end,
}
