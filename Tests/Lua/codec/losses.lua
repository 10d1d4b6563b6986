-- Spectra against direct sums, and that discriminators learn to tell signals apart.
local opah = require "opah"
local tensor, train = opah.tensor, opah.train
local spectrum, losses, discriminators = require "opah.codec.spectrum", require "opah.codec.losses", require "opah.codec.discriminators"
tensor.manual_seed(1)

-- One bin of one frame, by the definition.
local x = tensor.randn(1, 512)
local magnitudes = spectrum.stft({ n_fft = 128, hop_length = 32, win_length = 96 }, 0)(x)
local before = (96 - 32) // 2
local padded = spectrum.reflected(x, before, 96 - 32 - before)[1]:totable()
for _, place in ipairs { { 0, 0 }, { 5, 3 }, { 64, 7 }, { 33, 12 } } do
  local bin, frame = place[1], place[2]
  local re, im = 0, 0
  for n = 0, 127 do
    local inside = n >= 16 and n < 112
    local window = inside and 0.5 - 0.5 * math.cos(2 * math.pi * (n - 16) / 96) or 0
    local value = padded[frame * 32 + n + 1] * window
    re, im = re + value * math.cos(2 * math.pi * bin * n / 128), im - value * math.sin(2 * math.pi * bin * n / 128)
  end
  local got, wanted = magnitudes[{ 1, bin + 1, frame + 1 }], math.sqrt(re * re + im * im)
  assert(math.abs(got - wanted) < 1e-4 * math.max(1, wanted), ("bin %d, frame %d: %g for %g"):format(bin, frame, got, wanted))
end

local distance = losses.multi_resolution(losses.windows(16000))
local tone = (tensor.range(0, 15999) * (2 * math.pi * 220 / 16000)):sin():unsqueeze(1)
local other = (tensor.range(0, 15999) * (2 * math.pi * 330 / 16000)):sin():unsqueeze(1)
assert(distance(tone, tone):item() < 1e-6)
assert(distance(tone * -1, tone):item() < 1e-3, "the phase does not count")
assert(distance(other, tone):item() > 1)

local judges = discriminators.new { periods = { 2, 3 }, scales = 2, width = 4, seed = 1 }
assert(#judges:judge(tone) == 4 and #judges:parameters() == 2 * (2 * 6 + 2 * 8))
local optimizer = train.adamw(judges:parameters(), { lr = 2e-3, betas = { 0.8, 0.99 } })
local first, last
for _ = 1, 12 do
  local loss = discriminators.judge_loss(judges:judge(tone:narrow(2, 1, 2400)), judges:judge(tensor.randn(1, 2400) * 0.5))
  first, last = first or loss:item(), loss:item()
  loss:backward()
  optimizer:step()
  optimizer:zero_grad()
end
assert(last < 0.7 * first, ("the discriminators did not learn: %g, then %g"):format(first, last))
local made = tone:narrow(2, 1, 2400):clone():requires_grad(true)
local adversarial, matching = discriminators.generator_losses(judges:judge(tone:narrow(2, 1, 2400)), judges:judge(made))
assert(matching:item() == 0)
adversarial:backward()
assert(made.grad:abs():max():item() > 0)

-- The same for what is learned, without gradients of the discriminators' own.
local gradient = made.grad
optimizer:zero_grad()
made.grad = nil
local real = judges:judge(tone:narrow(2, 1, 2400))
discriminators.generator_losses(real, judges:judge(made, true)):backward()
assert((made.grad - gradient):abs():max():item() == 0)
for i, parameter in ipairs(judges:parameters()) do assert(parameter.grad == nil, i) end
