--- The phases in which a codec learns, and what each of them makes small. Figures are those of a codec of two million
--- weights for 16 kHz speech.
--
-- encoder      latents are rounded and must give back the log-mel spectrogram through one linear layer: codes learn to carry
--              speech before any waveform is made.
-- vocoder      the codes stand; the way up and the vocoder learn to make sound of them.
-- joint        everything, on the same losses.
-- adversarial  everything, with discriminators.
--
-- A learner that keeps codes trains the way up and the vocoder alone in the last two phases as well: codes of earlier, and
-- language models that speak them, stay right.
local nn, tensor = require "opah.nn", require "opah.tensor"
local discriminators, losses = require "opah.codec.discriminators", require "opah.codec.losses"

---@class opah.codec.phases
local phases = {}

phases.order = { "encoder", "vocoder", "joint", "adversarial" }

--- What the losses of the adversarial phase count: adversarial and features as in HiFi-GAN, mel as in DAC, spectra as in
--- UnivNet. With more of the last two, what codes do not tell is blurred and not made up, pitch before all.
phases.weights = { adversarial = 1, features = 2, mel = 15, spectral = 2.5 }

-- Projected values above this are bounded flat twice (tanh of tanh): they are drawn back.
local widest = 0.4

---@class opah.codec.Learner
---@field codec opah.codec.Firefly
---@field mel_weight Tensor The linear layer of the encoder's phase, [n_mels, D, 1].
---@field mel_bias Tensor
---@field judges? opah.codec.Judges
---@field keep_codes boolean Nothing that codes are made by is trained, after the encoder's phase.
local Learner = {}
Learner.__index = Learner

--- What is trained: a codec, a linear layer to spectrograms, and discriminators where they are wanted.
---@param codec opah.codec.Firefly
---@param settings { seed: integer, discriminators?: opah.codec.JudgeSettings, keep_codes?: boolean }
---@return opah.codec.Learner
function phases.learner(codec, settings)
  local mels, width = codec.config.spec_transform.n_mels, codec.config.quantizer.input_dim
  local generator = tensor.generator(settings.seed)
  local self = setmetatable({ codec = codec, keep_codes = settings.keep_codes or false }, Learner)
  self.mel_weight = (tensor.randn(mels, width, 1, { generator = generator }) / math.sqrt(width)):requires_grad(true)
  self.mel_bias = tensor.zeros(mels):requires_grad(true)
  self.spectra = losses.multi_resolution(losses.windows(codec.config.spec_transform.sample_rate))
  if settings.discriminators then self.judges = discriminators.new(settings.discriminators) end
  return self
end

--- Makes fresh weights fit the data: a stem that keeps the level, which its norm would lose; a projection whose values
--- stand where rounding tells them apart; the linear layer's bias at the mean spectrogram.
---@param samples Tensor [B, N]
function Learner:fit_to(samples)
  tensor.no_grad(function()
    local codec, p = self.codec, self.codec.parameters
    local mel = codec:mel(samples)
    self.mel_bias:copy_(mel:mean({ 1, 3 }))
    local stem, offset = p["backbone.downsample_layers.0.0.conv.weight"], p["backbone.downsample_layers.0.0.conv.bias"]
    stem:sub_(stem:mean(1, { keepdim = true }))
    local spread = (nn.conv1d(mel, stem)):std():item()
    offset:copy_(tensor.randn(offset:shape(), { generator = tensor.generator(7) }) * spread)
    local latents, q = codec:encode(mel), codec.config.quantizer
    local per_group = latents:size(2) // q.n_groups
    for group = 1, q.n_groups do
      local name = ("quantizer.residual_fsq.rvqs.%d.project_in"):format(group - 1)
      local weight, bias = p[name .. ".weight"], p[name .. ".bias"]
      if weight then
        local rows = nn.linear(latents:narrow(2, (group - 1) * per_group + 1, per_group):transpose(2, 3), weight)
        local flat = rows:reshape(-1, rows:size(3))
        local scale = flat:std(1):clamp(1e-6)
        weight:copy_(weight / scale:unsqueeze(2) * 0.2)
        bias:copy_(flat:mean(1) / scale * -0.2)
      end
    end
  end)
end

-- The penalty on projected values that are too wide, and the quantized latents.
local function quantized(self, latents, rounded)
  local penalty
  local values = self.codec:quantize(latents, { rounded = rounded, on_bounded = function(rows)
    local excess = nn.relu(rows:abs() - widest):square():mean()
    penalty = penalty and penalty + excess or excess
  end })
  return values, penalty
end

local function sound_loss(self, made, samples, mel)
  local mel_loss = losses.difference(self.codec:mel(made), mel)
  return mel_loss, self.spectra(made, samples)
end

--- Whether a phase trains nothing that codes are made by.
---@param phase string
---@return boolean
function Learner:leaves_codes(phase) return phase == "vocoder" or self.keep_codes and phase ~= "encoder" end

--- The losses of a phase on samples [B, N]: what to go backward from, figures to show, and in the adversarial phase the
--- discriminators' own loss.
---@param phase string
---@param samples Tensor
---@param part number How far the phase is, 0 to 1.
---@return Tensor loss
---@return table<string, number> shown
---@return Tensor? judges
function Learner:losses(phase, samples, part)
  local codec = self.codec
  local mel = tensor.no_grad(codec.mel, codec, samples)
  if phase == "encoder" then
    local values, penalty = quantized(self, codec:encode(mel), math.min(1, 0.5 + part / 0.6))
    local told = nn.conv1d(codec:upsample(values), self.mel_weight, self.mel_bias)
    local frames = math.min(told:size(3), mel:size(3))
    local loss = losses.difference(told:narrow(3, 1, frames), mel:narrow(3, 1, frames))
    return loss + penalty, { mel = loss:item(), penalty = penalty:item() }
  end
  local values, penalty
  if self:leaves_codes(phase) then
    values = tensor.no_grad(function() return (codec:quantize(codec:encode(mel))) end)
  else
    values, penalty = quantized(self, codec:encode(mel))
  end
  local made = codec:decode(values)
  local length = math.min(made:size(2), samples:size(2))
  made, samples = made:narrow(2, 1, length), samples:narrow(2, 1, length)
  mel = mel:narrow(3, 1, length // codec.config.spec_transform.hop_length)
  local mel_loss, spectral = sound_loss(self, made, samples, mel)
  local shown = { mel = mel_loss:item(), spectral = spectral:item() }
  local judged, weights = phase == "adversarial", phases.weights
  local loss = judged and mel_loss * weights.mel + spectral * weights.spectral or mel_loss + spectral
  if penalty then loss, shown.penalty = loss + penalty, penalty:item() end
  if not judged then return loss, shown end

  local fake = self.judges:judge(made, true)
  local real = self.judges:judge(samples)
  local adversarial, matching = discriminators.generator_losses(real, fake)
  shown.adversarial, shown.features = adversarial:item(), matching:item()
  local judges = discriminators.judge_loss(real, self.judges:judge(made:detach()))
  shown.judges = judges:item()
  return loss + adversarial * weights.adversarial + matching * weights.features, shown, judges
end

--- The tensors that a phase trains.
---@param phase string
---@return Tensor[]
function Learner:trained(phase)
  if self:leaves_codes(phase) then return self.codec:trainable("head.", "quantizer.upsample.") end
  if phase ~= "encoder" then return self.codec:trainable() end
  local list = self.codec:trainable("backbone.", "quantizer.")
  list[#list + 1], list[#list + 2] = self.mel_weight, self.mel_bias
  return list
end

return phases
