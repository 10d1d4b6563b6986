-- Records that a run keeps for the next one, as a hand or a broken disk may leave them: none of them is believed, and none ends
-- a run with an error of the program's own.
local fs = require "opah.fs"
local digests, speaking = require "opah.graph.digests", require "opah.speech.speaking"

fs.write("a.txt", "a")
local right = fs.digest "a.txt"
for _, content in ipairs { "", "5", '"x"', "[]", "null", '{"a.txt": 5}', '{"a.txt": {"stamp": 5}}', ("["):rep(500) } do
  fs.write("digests.json", content)
  assert(digests("digests.json"):of("a.txt") == right, content)
end
-- A stamp that is right beside a digest that is none.
local known = digests "known.json"
known.known = { ["a.txt"] = { stamp = (fs.stamp "a.txt"), digest = 7 } }
assert(known:of "a.txt" == right)

fs.mkdir "pieces"
for _, content in ipairs { "5", "[]", '{"format": 1, "pieces": 5, "unused": {"a": 1}}', '{"format": 1, "pieces": [5, null, {"name": 5}, {"name": "x"}]}' } do
  fs.write("pieces/pieces.json", content)
  local entries = speaking.run("pieces", {}, { again = {} }, nil, nil)
  assert(#entries == 0, content)
end
