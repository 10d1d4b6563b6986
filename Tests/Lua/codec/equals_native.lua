-- The trainable codec gives what the native one gives, which is held to the original's numbers elsewhere: the tiny codec,
-- and the two of the reference vectors (one with residual books, one downsampling).
local opah = require "opah"
local audio, tensor, vq = opah.audio, opah.tensor, opah.vq
local firefly = require "opah.codec.firefly"
local checkout = arg[1]
local vectors = checkout .. "/Tests/Vectors/firefly/"

local function within(what, a, b, limit)
  local difference = (a - b):abs():max():item()
  assert(difference <= limit, ("%s differs by %g"):format(what, difference))
end

for _, case in ipairs {
  { checkout .. "/examples/checkpoints/tiny/codec.lua", checkout .. "/examples/checkpoints/tiny/codec.pth" },
  { vectors .. "a/config.yaml", vectors .. "a/model.pth" },
  { vectors .. "b/config.yaml", vectors .. "b/model.pth" },
} do
  local native = vq.load { config = case[1], checkpoint = case[2] }
  local codec = firefly.from(native)
  tensor.no_grad(function()
    for clip = 0, 2 do
      local samples = audio.load(vectors .. "clip" .. clip .. ".wav")
      local features = native:features(samples)
      within("mel", codec:mel(samples:unsqueeze(1))[1], features.mel, 2e-4)
      local mel = features.mel:unsqueeze(1)
      within("backbone", codec:backbone(mel)[1], features.backbone, 2e-5)
      local values, codes = codec:quantize(codec:encode(mel))
      assert(codes[1]:equal(features.codes), "codes differ")
      local made, expected = codec:decode(values)[1], native:decode(features.codes)
      assert(#made == #expected)
      within("wave", made, expected, 2e-5)
    end
  end)
  -- Written and read again, it is the same codec.
  codec:save("copy.pth")
  local again = vq.load { config = native.config, checkpoint = "copy.pth" }
  local samples = audio.load(vectors .. "clip0.wav")
  assert(again:encode(samples):equal(native:encode(samples)))
end
