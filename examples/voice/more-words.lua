--- A model with more words than it learned: what it has keeps its numbers and weights, each new word becomes a token of its own.
--
--   dofile("more-words.lua")(folder, texts, output)     -- a model's folder, texts with the words, the folder of the larger one
--
-- Merges that are added come after those that are there. None of a new script ever fits into words of the old one, so that
-- these are read as before.
local checkpoint, fs, json, tensor, text = require "opah.checkpoint", require "opah.fs", require "opah.json", require "opah.tensor", require "opah.text"

-- The row that a new token begins with: that of the same word with or without a space before it, else one drawn about the mean.
local function begun(weight, tokens, generator)
  local mean, spread, rows, first = weight:mean(1), weight:std():item(), { weight }, {}
  for i, token in ipairs(tokens) do
    local word = token:gsub("^Ġ", "")
    first[word] = first[word] or mean + tensor.randn(weight:size(2), { generator = generator }) * spread
    rows[i + 1] = first[word]:reshape(1, -1)
  end
  return tensor.cat(rows, 1)
end

return function(folder, texts, output)
  local function at(name) return fs.join(output, name) end
  fs.mkdir(output)
  local own, learned = json.decode(fs.read(fs.join(folder, "tokenizer.json"))), fs.join(output, "words")
  text.train_tokenizer { texts = texts, vocab_size = 4096, output = learned, min_frequency = 2 }
  local vocabulary, merges, tokens = own.model.vocab, own.model.merges, {}
  local size = 0
  for _, id in pairs(vocabulary) do size = math.max(size, id + 1) end
  for _, added in ipairs(own.added_tokens) do size = math.max(size, added.id + 1) end
  for _, merge in ipairs(json.decode(fs.read(fs.join(learned, "tokenizer.json"))).model.merges) do
    local token = type(merge) == "table" and table.concat(merge) or merge:gsub(" ", "")
    if not vocabulary[token] then
      vocabulary[token] = size + #tokens
      tokens[#tokens + 1] = token
      merges[#merges + 1] = merge
    end
  end
  fs.write(at "tokenizer.json", json.encode(own, { indent = 1 }))
  for _, name in ipairs { "tokenizer_config.json", "special_tokens_map.json" } do fs.copy(fs.join(folder, name), at(name)) end

  local settings, weights = json.decode(fs.read(fs.join(folder, "config.json"))), checkpoint.load(fs.join(folder, "model.pth"))
  local generator = tensor.generator(1)
  for name, weight in pairs(weights) do weights[name] = weight:to("float32") end
  for _, name in ipairs { "embeddings.weight", "output.weight" } do weights[name] = begun(weights[name], tokens, generator) end
  settings.vocab_size = size + #tokens
  fs.write(at "config.json", json.encode(settings, { indent = 2 }) .. "\n")
  checkpoint.save(at "model.pth", weights)      -- last: a folder with weights is whole
  fs.remove(learned, { recursive = true })
  return tokens
end
