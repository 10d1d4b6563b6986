-- Gradients of the whole way, from samples through latents to samples and their losses, against finite differences in some
-- elements of every kind of parameter. Rounding is taken out: its gradient is that of the identity by definition; so are
-- residual books, which by definition see what is left without its gradient.
local opah = require "opah"
local tensor, vq = opah.tensor, opah.vq
local firefly, spectrum = require "opah.codec.firefly", require "opah.codec.spectrum"
local settings = dofile(arg[1] .. "/Tests/Lua/codec/small.lua")
settings.quantizer.n_codebooks = 1
tensor.manual_seed(3)
local codec = firefly.from(vq.new { config = settings, seed = 2 })
local samples = tensor.randn(1, 5120) * 0.2
-- Smooth, as logarithms of near-silence are not.
local magnitudes = spectrum.stft({ n_fft = 256, hop_length = 64 }, 0.1)

local function loss()
  local mel = codec:mel(samples)
  local values = codec:quantize(codec:encode(mel), { rounded = 0 })
  local made = codec:decode(values)
  local same = samples:narrow(2, 1, made:size(2))
  return (made - same):square():mean() * 100 + (magnitudes(made) - magnitudes(same)):square():mean()
end

loss():backward()
local checked, worst = 0, 0
for _, name in ipairs(codec.names) do
  local p = codec.parameters[name]
  local gradient = assert(p.grad, name .. " has no gradient")
  -- The element with the largest gradient: there the difference stands above rounding.
  local flat = gradient:flatten()
  local at = flat:abs():argmax():item()
  local exact = flat[at]
  local values = p:detach():flatten()
  local before, h = values[at], 2e-3 * math.max(1, math.abs(values[at]))
  local function at_value(v)
    tensor.no_grad(function() p:detach():view(-1)[at] = v end)
    return tensor.no_grad(function() return loss():item() end)
  end
  local numeric = (at_value(before + h) - at_value(before - h)) / (2 * h)
  at_value(before)
  local off = math.abs(numeric - exact) / math.max(math.abs(exact), 2e-2)
  worst, checked = math.max(worst, off), checked + 1
  assert(off < 0.02, ("%s: gradient %g, by differences %g"):format(name, exact, numeric))
end
assert(checked == #codec.names and checked > 60, checked)

-- Straight through: rounding changes values, and the gradient of the rounded is that of the unrounded.
local x = tensor.randn(1, 16, 4):requires_grad(true)
local values, codes = codec:quantize(x)
assert(codes:shape()[2] == 2 and codes:min():item() >= 0 and codes:max():item() < 240)
values:sum():backward()
assert(x.grad:abs():max():item() > 0)
