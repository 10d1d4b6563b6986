local codec = vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" }
local model = lm.load(tiny)
local options = { text = "Hello there.", seed = 3, min_frames = 24, max_new_tokens = 24, top_p = 1, temperature = 1.9, num_samples = 2 }
local function largest()
  local all = 0
  for _, codes in ipairs((model:generate(options))) do all = math.max(all, codes:max():item()) end
  return all
end
assert(largest() >= codec.codebook_size, "this model says no such codes: nothing is tested")
options.codec = codec
assert(largest() < codec.codebook_size)
options.codec, options.codebook_size = nil, 10
assert(largest() < 10)
fails("argument", "codebook_size must be above 0", model.generate, model, { text = "x", codebook_size = 0 })

local codes = tensor.randint(0, 1000, { 8, 30 }, { dtype = "int32", generator = tensor.generator(5) })
local stray = codes:clone()
stray[{ 7, 12 }], stray[{ 1, 1 }] = 1009, 1023
local count, notes = codec:decode_to(folder .. "/stray.wav", stray, { subtype = "float" })
assert(count == 30 * codec.hop_length * 4 and #notes == 2)
assert(notes[1]:find("code 1023 of codebook 1, frame 1,", 1, true) and notes[1]:find("frame 2's", 1, true), notes[1])
assert(notes[2]:find("code 1009 of codebook 7, frame 12,", 1, true) and notes[2]:find("frame 11's", 1, true), notes[2])
local mended = codes:clone()
mended[{ 7, 12 }], mended[{ 1, 1 }] = codes[{ 7, 11 }], codes[{ 1, 2 }]
assert(audio.load(folder .. "/stray.wav"):equal(codec:decode(mended)))
for _, offset in ipairs { 5000, -1000 } do
  local wrong = codes:clone()
  wrong[{ 2, 3 }] = wrong[{ 2, 3 }] + offset
  fails("index", "codebook 2, frame 3", codec.decode_to, codec, folder .. "/wrong.wav", wrong)
end
fails("index", "out of range", codec.decode_to, codec, folder .. "/wrong.wav", codes:clamp(0, 20) + 1000)
assert(not fs.exists(folder .. "/wrong.wav"))
