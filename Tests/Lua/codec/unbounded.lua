-- A step whose gradient has no bound changes no weight, and the run goes on.
local opah = require "opah"
local run = require "opah.codec.run"
local tensor = opah.tensor

-- A learner of one weight w: the second step's loss is sqrt(0 * w), which is 0 and whose derivative has no bound.
local w = tensor.new({ 2.0, 3.0 }):requires_grad(true)
local codec = { names = { "w" }, parameters = { w = w }, save = function() end }
local learner = { codec = codec, mel_weight = tensor.zeros(1), mel_bias = tensor.zeros(1), trained = function() return { w } end }
local taken = 0
function learner:losses()
  taken = taken + 1
  local loss = taken == 2 and (w * w * 0):sum():sqrt() or (w * w):sum()
  return loss, {}
end

local codec_run = run.open(learner, { folder = ".", steps = { vocoder = 3 }, batch = 1, lr = 0.1, judges_lr = 0.1, identity = "x" })
local function values() return { w[1], w[2] } end
local before = values()
assert(codec_run:take(tensor.zeros(1, 1)).norm > 0)
local after = values()
assert(after[1] ~= before[1] and after[2] ~= before[2])
local shown = codec_run:take(tensor.zeros(1, 1))
assert(shown.norm == nil and shown.loss == 0 and codec_run.step == 2)
assert(w[1] == after[1] and w[2] == after[2], "the step is left out")
assert(codec_run:take(tensor.zeros(1, 1)).norm > 0)
assert(w[1] ~= after[1] and w[1] == w[1])
