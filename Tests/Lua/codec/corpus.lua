-- Sentences of the corpus: the same for the same number, hardly ever twice, and never one that is held out.
local sentences = dofile(arg[1] .. "/examples/corpus/sentences.lua")
local made, different = {}, 0
for i = 1, 4000 do
  local text = sentences.make(i % 2 == 0 and "words" or "grammar", i)
  assert(text == sentences.make(i % 2 == 0 and "words" or "grammar", i) and text:match("^%u[%l ,]+[.?]$"), text)
  assert(not sentences.is_held_out(text))
  if not made[text] then made[text], different = true, different + 1 end
end
assert(different > 3950, different)
local measured = {}
for i = 1, 200 do
  local text = sentences.held_out(i)
  assert(sentences.is_held_out(text) and not made[text])
  measured[text] = true
end
local count = 0
for _ in pairs(measured) do count = count + 1 end
assert(count > 190, count)

-- The same in Japanese: words in kana, a full stop of its own, as many sentences.
sentences.use(dofile(arg[1] .. "/examples/corpus/japanese.lua"))
assert(#sentences.vocabulary() == 62, #sentences.vocabulary())
for _, word in ipairs(sentences.vocabulary()) do
  for _, letter in utf8.codes(word) do assert(letter > 0x3040 and letter < 0x3100, word) end
end
local known, texts = {}, {}
for _, word in ipairs(sentences.vocabulary()) do known[word] = true end
for i = 1, 1000 do
  local text = sentences.make(i % 2 == 0 and "words" or "grammar", i)
  assert(text:sub(-3) == "。" and not sentences.is_held_out(text), text)
  for word in text:sub(1, -4):gmatch("[^ ]+") do assert(known[word], word) end
  texts[text] = true
end
for i = 1, 200 do assert(not texts[sentences.held_out(i)]) end
