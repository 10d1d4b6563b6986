-- A model with more words: what it had it keeps, each new word is one token and begins as it does without a space before it.
local opah = require "opah"
local folder, texts = require "opah.embedded".voice.model, { "mei" }
local sentences = dofile(arg[1] .. "/examples/corpus/sentences.lua")
sentences.use(dofile(arg[1] .. "/examples/corpus/japanese.lua"))
for i = 1, 1000 do texts[i + 1] = sentences.make(i % 2 == 0 and "words" or "grammar", i) end
local tokens = dofile(arg[1] .. "/examples/voice/more-words.lua")(folder, texts, "larger")

local old, new = opah.lm.load(folder), opah.lm.load("larger")
assert(new.config.vocab_size == old.config.vocab_size + #tokens)
local before, after = old:named_parameters(), new:named_parameters()
for name, weight in pairs(before) do
  local same = after[name]
  if same:size(1) ~= weight:size(1) then same = same:narrow(1, 1, weight:size(1)) end
  assert((same - weight):abs():max():item() == 0, name)
end

local text = "The quiet farmer found the basket under the garden."
assert(table.concat(old.tokenizer:encode(text), " ") == table.concat(new.tokenizer:encode(text), " "))
local rows = after["embeddings.weight"]
for _, word in ipairs(sentences.vocabulary()) do
  local spaced = new.tokenizer:encode(" " .. word)
  assert(#spaced == 1 and spaced[1] >= old.config.vocab_size, word)
  local bare = new.tokenizer:encode(word)
  if #bare == 1 then assert((rows[spaced[1] + 1] - rows[bare[1] + 1]):abs():max():item() == 0, word) end
end
