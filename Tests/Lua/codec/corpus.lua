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
