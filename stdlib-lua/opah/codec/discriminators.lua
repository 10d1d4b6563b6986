--- The discriminators of HiFi-GAN (Kong et al. 2020): of periods and of scales, and the losses that they are trained with.
--
--   local judges = require "opah.codec.discriminators".new { periods = { 2, 3, 5, 7, 11 }, scales = 3, width = 32, seed = 1 }
--   local real, fake = judges:judge(samples), judges:judge(made:detach())     -- samples [B, N]
--   discriminators.judge_loss(real, fake):backward()
--
-- A period discriminator sees the signal as columns, one for each phase of its period, and filters along them with the
-- same weights: a one-dimensional convolution over B p signals of N / p. A scale discriminator sees the signal as it is,
-- averaged over two samples for each further scale.
local nn, tensor = require "opah.nn", require "opah.tensor"

---@class opah.codec.discriminators
local discriminators = {}

---@class opah.codec.Layer
---@field weight Tensor [out, in / groups, kernel]
---@field bias Tensor
---@field options table Stride, padding and groups.

---@class opah.codec.Judges
---@field periods table[] `{ period, layers }`
---@field scales table[] `{ halvings, layers }`
local Judges = {}
Judges.__index = Judges

---@class opah.codec.JudgeSettings
---@field periods? integer[] 2, 3, 5, 7 and 11 unless given.
---@field scales? integer How many; 3 unless given.
---@field width? integer Channels of a period discriminator's first layer (32 in the paper); a scale one has four times as many.
---@field seed? integer

---@class opah.codec.Judgement
---@field score Tensor
---@field features Tensor[] What each layer gave.

local function layer(generator, input, output, kernel, options)
  local groups = options.groups or 1
  local bound = 1 / math.sqrt(input // groups * kernel)
  local function uniform(...) return ((tensor.rand(..., { generator = generator }) * 2 - 1) * bound):requires_grad(true) end
  return { weight = uniform({ output, input // groups, kernel }), bias = uniform({ output }), options = options }
end

--- Untrained discriminators.
---
---     judges = discriminators.new { periods = { 2, 3 }, scales = 1, width = 4 }
---     judgements = judges:judge(tensor.randn(2, 4096))
---     #judgements  --> 3
---@param settings? opah.codec.JudgeSettings
---@return opah.codec.Judges
function discriminators.new(settings)
  settings = settings or {}
  local width, generator = settings.width or 32, tensor.generator(settings.seed or 0)
  local self = setmetatable({ periods = {}, scales = {} }, Judges)
  for i, period in ipairs(settings.periods or { 2, 3, 5, 7, 11 }) do
    local layers, channels = {}, 1
    for k, factor in ipairs { 1, 4, 16, 32, 32 } do
      layers[k] = layer(generator, channels, width * factor, 5, { stride = k < 5 and 3 or 1, padding = 2 })
      channels = width * factor
    end
    layers[6] = layer(generator, channels, 1, 3, { padding = 1 })
    self.periods[i] = { period = period, layers = layers }
  end
  local wide = 4 * width
  for scale = 1, settings.scales or 3 do
    local layers, channels = {}, 1
    -- { channels out, kernel, stride, groups }
    for k, shape in ipairs { { wide, 15, 1, 1 }, { wide, 41, 2, 4 }, { 2 * wide, 41, 2, 16 }, { 4 * wide, 41, 4, 16 }, { 8 * wide, 41, 4, 16 },
      { 8 * wide, 41, 1, 16 }, { 8 * wide, 5, 1, 1 } } do
      local groups = math.min(shape[4], channels)
      while channels % groups ~= 0 or shape[1] % groups ~= 0 do groups = groups // 2 end
      layers[k] = layer(generator, channels, shape[1], shape[2], { stride = shape[3], padding = shape[2] // 2, groups = groups })
      channels = shape[1]
    end
    layers[#layers + 1] = layer(generator, channels, 1, 3, { padding = 1 })
    self.scales[scale] = { halvings = scale - 1, layers = layers }
  end
  return self
end

local function leaky(x) return x:maximum(x * 0.1) end

local function run(layers, x, constant)
  local features = {}
  for k, l in ipairs(layers) do
    local weight, bias = l.weight, l.bias
    if constant then weight, bias = weight:detach(), bias:detach() end
    x = nn.conv1d(x, weight, bias, l.options)
    if k < #layers then x = leaky(x) end
    features[k] = x
  end
  return { score = x, features = features }
end

-- Samples [B, N] as [B p, 1, N / p]: one signal for each phase; the end is filled up to a whole period.
local function by_phase(samples, period)
  local clips, n = samples:size(1), samples:size(2)
  local missing = (period - n % period) % period
  if missing > 0 then samples = tensor.cat({ samples, samples:narrow(2, n - missing, missing):flip(2) }, 2) end
  local length = (n + missing) // period
  return samples:reshape(clips, length, period):transpose(2, 3):reshape(clips * period, 1, length)
end

local half = tensor.full({ 1, 1, 4 }, 0.25)

--- What each discriminator makes of samples [B, N].
---@param samples Tensor
---@param constant? boolean The discriminators' weights get no gradients: for what is learned against them.
---@return opah.codec.Judgement[]
function Judges:judge(samples, constant)
  local result = {}
  for _, judge in ipairs(self.periods) do result[#result + 1] = run(judge.layers, by_phase(samples, judge.period), constant) end
  for _, judge in ipairs(self.scales) do
    local x = samples:unsqueeze(2)
    for _ = 1, judge.halvings do x = nn.conv1d(x, half, nil, { stride = 2, padding = 2 }) end
    result[#result + 1] = run(judge.layers, x, constant)
  end
  return result
end

--- All weights and biases, in a fixed order.
---@return Tensor[]
function Judges:parameters()
  local result = {}
  for _, kind in ipairs { self.periods, self.scales } do
    for _, judge in ipairs(kind) do
      for _, l in ipairs(judge.layers) do result[#result + 1], result[#result + 2] = l.weight, l.bias end
    end
  end
  return result
end

--- The discriminators' loss (least squares): the mean of (1 - real)^2 plus that of fake^2, added over them.
---@param real opah.codec.Judgement[]
---@param fake opah.codec.Judgement[]
---@return Tensor
function discriminators.judge_loss(real, fake)
  local sum
  for i = 1, #real do
    local loss = (real[i].score * -1 + 1):square():mean() + fake[i].score:square():mean()
    sum = sum and sum + loss or loss
  end
  return sum
end

--- The generator's losses: the mean of (1 - fake)^2, and the mean difference of the layers' features, added over discriminators.
---@param real opah.codec.Judgement[]
---@param fake opah.codec.Judgement[]
---@return Tensor adversarial
---@return Tensor matching
function discriminators.generator_losses(real, fake)
  local adversarial, matching
  for i = 1, #real do
    local loss = (fake[i].score * -1 + 1):square():mean()
    adversarial = adversarial and adversarial + loss or loss
    for k = 1, #real[i].features - 1 do
      local difference = (fake[i].features[k] - real[i].features[k]:detach()):abs():mean()
      matching = matching and matching + difference or difference
    end
  end
  return adversarial, matching
end

return discriminators
