--- The firefly codec as a function of trainable tensors, over opah.nn: the same layout and the same weights as `vq.load`
--- has, with gradients.
--
--   local codec = require "opah.codec.firefly".from(vq.new { config = "codec.lua", seed = 1 })
--   local sound = codec:decode(codec:quantize(codec:encode(codec:mel(samples))))    -- samples [B, N]
--
-- B clips, N samples, F mel frames, T tokens, D width of the latents. Names of parameters are those of the checkpoint;
-- which there are, and their shapes, comes from the native codec.
local checkpoint, fs, nn, tensor = require "opah.checkpoint", require "opah.fs", require "opah.nn", require "opah.tensor"
local spectrum = require "opah.codec.spectrum"

---@class opah.codec.Firefly
---@field config table Sections as in firefly_gan_vq.
---@field parameters table<string, Tensor> By the checkpoint's names.
---@field names string[] In order.
---@field mel fun(self: opah.codec.Firefly, samples: Tensor): Tensor Log-mel spectrogram [B, n_mels, F] of samples [B, N].
local Firefly = {}
Firefly.__index = Firefly

---@class opah.codec.firefly
local firefly = {}

--- A trainable copy of a native codec's weights.
---
---     codec = firefly.from(opah.embedded.codec())
---     codec.parameters["backbone.norm.weight"]:shape()  --> {32}
---@param native Codec As vq.load and vq.new give it.
---@return opah.codec.Firefly
function firefly.from(native)
  local folder = fs.tempdir()
  local path = fs.join(folder, "codec.pth")
  native:save(path)
  local self = setmetatable({ config = native.config, parameters = {}, names = {} }, Firefly)
  for name, weight in pairs(checkpoint.load(path)) do
    if tensor.is_tensor(weight) then
      self.names[#self.names + 1] = name
      self.parameters[name] = weight:to("float32"):clone():requires_grad(true)
    end
  end
  table.sort(self.names)
  fs.remove(folder, { recursive = true })
  self.log_mel = spectrum.log_mel(self.config.spec_transform)
  return self
end

function Firefly:mel(samples) return self.log_mel(samples) end

-- A parameter; a weight-normalised one as magnitude times direction, per entry of its first dimension.
function Firefly:weight(name)
  local plain = self.parameters[name .. ".weight"]
  if plain then return plain end
  local magnitude = self.parameters[name .. ".parametrizations.weight.original0"]
  local direction = self.parameters[name .. ".parametrizations.weight.original1"]
  return direction * (magnitude / direction:square():sum({ 2, 3 }, { keepdim = true }):sqrt())
end

function Firefly:bias(name) return self.parameters[name .. ".bias"] end

-- A convolution that sees the present and the past: zeros before, and behind up to a whole step.
function Firefly:conv(x, name, kernel, options)
  local stride, dilation = options and options.stride or 1, options and options.dilation or 1
  local length = x:size(3)
  local behind = (stride - length % stride) % stride
  return nn.conv1d(x, self:weight(name), self:bias(name), {
    stride = stride, dilation = dilation, groups = options and options.groups or 1,
    padding = { (kernel - 1) * dilation + 1 - stride, behind },
  })
end

-- A transposed convolution cropped on the right.
function Firefly:up(x, name, kernel, rate)
  return nn.conv_transpose1d(x, self:weight(name), self:bias(name), { stride = rate, padding = { 0, kernel - rate } })
end

-- Norm over channels; x and the result are [B, F, C].
function Firefly:norm(rows, name) return nn.layer_norm(rows, self:weight(name), self:bias(name), { eps = 1e-6 }) end

-- The norm of x [B, C, F], which keeps its form.
function Firefly:norm_channels(x, name) return self:norm(x:transpose(2, 3), name):transpose(2, 3) end

-- x + gamma W2 gelu(W1 norm(depthwise x)).
function Firefly:block(x, name, kernel)
  local filtered = self:conv(x, name .. ".dwconv.conv", kernel, { groups = x:size(2) })
  local rows = self:norm(filtered:transpose(2, 3), name .. ".norm")
  rows = nn.gelu(nn.linear(rows, self:weight(name .. ".pwconv1"), self:bias(name .. ".pwconv1")))
  rows = nn.linear(rows, self:weight(name .. ".pwconv2"), self:bias(name .. ".pwconv2"))
  local gamma = self.parameters[name .. ".gamma"]
  if gamma then rows = rows * gamma end
  return x + rows:transpose(2, 3)
end

--- Features [B, D, F] of a log-mel spectrogram [B, n_mels, F].
---@param mel Tensor
---@return Tensor
function Firefly:backbone(mel)
  local backbone = self.config.backbone
  local kernel = backbone.kernel_size or 7
  local x = self:norm_channels(self:conv(mel, "backbone.downsample_layers.0.0.conv", 7), "backbone.downsample_layers.0.1")
  for stage, depth in ipairs(backbone.depths) do
    if stage > 1 then
      local name = ("backbone.downsample_layers.%d"):format(stage - 1)
      x = self:conv(self:norm_channels(x, name .. ".0"), name .. ".1", 1)
    end
    for block = 1, depth do x = self:block(x, ("backbone.stages.%d.%d"):format(stage - 1, block - 1), kernel) end
  end
  return self:norm_channels(x, "backbone.norm")
end

--- Latents [B, D, T] of a log-mel spectrogram: backbone, then down to the rate of tokens (rounded up).
---@param mel Tensor
---@return Tensor
function Firefly:encode(mel)
  local x = self:backbone(mel)
  for i, factor in ipairs(self.config.quantizer.downsample_factor) do
    local name = ("quantizer.downsample.%d"):format(i - 1)
    x = self:block(self:conv(x, name .. ".0.conv", factor, { stride = factor }), name .. ".1", 7)
  end
  return x
end

-- Rounded, with the gradient of what was rounded. `mask` (1 rounds, 0 leaves) is for a soft start of training.
local function straight_through(x, mask)
  local change = (x:detach():round() - x:detach())
  return x + (mask and change * mask or change)
end

---@class opah.codec.QuantizeOptions
---@field rounded? number Share of the values that are rounded, drawn at random; 1 unless given.
---@field on_bounded? fun(values: Tensor) Gets the projected values [B, T, L] of each group before they are bounded.

--- Latents [B, D, T] through grouped residual finite scalar quantization: quantized latents [B, D, T], with straight-through
--- gradients, and codes int32 [B, C, T].
---@param latents Tensor
---@param options? opah.codec.QuantizeOptions
---@return Tensor quantized
---@return Tensor codes
function Firefly:quantize(latents, options)
  options = options or {}
  local q = self.config.quantizer
  local levels, per_group = q.levels, latents:size(2) // q.n_groups
  local count = #levels
  local half_length, offset, half_width, scale, basis = {}, {}, {}, {}, {}
  for d, l in ipairs(levels) do
    half_length[d], offset[d], half_width[d], scale[d] = (l - 1) * (1 + 1e-3) / 2, l % 2 == 0 and 0.5 or 0, l // 2, l - 1
    basis[d] = (basis[d - 1] or 1) * (levels[d - 1] or 1)
  end
  local shift = {}
  for d = 1, count do
    local ratio = offset[d] / half_length[d]
    shift[d] = 0.5 * math.log((1 + ratio) / (1 - ratio))
  end
  local lengths, offsets, widths, shifts = tensor.new(half_length), tensor.new(offset), tensor.new(half_width), tensor.new(shift)
  local function bound(x) return (x + shifts):tanh() * lengths - offsets end

  local outputs, codes = {}, {}
  for group = 1, q.n_groups do
    local name = ("quantizer.residual_fsq.rvqs.%d."):format(group - 1)
    local rows = latents:narrow(2, (group - 1) * per_group + 1, per_group):transpose(2, 3)
    local projected = self.parameters[name .. "project_in.weight"] ~= nil
    if projected then rows = nn.linear(rows, self:weight(name .. "project_in"), self:bias(name .. "project_in")) end
    if options.on_bounded then options.on_bounded(rows) end
    local residual, total = bound(rows), nil
    for layer = 1, q.n_codebooks or 1 do
      local step = tensor.new(scale):pow(-(layer - 1))
      local values = bound(residual / step)
      local mask = options.rounded and options.rounded < 1 and tensor.rand(values:shape()):lt(options.rounded):to("float32") or nil
      local rounded = straight_through(values, mask)
      local whole = values:detach():round()
      codes[#codes + 1] = ((whole + widths) * tensor.new(basis)):sum(3):to("int32")
      local part = rounded / widths * step
      residual = residual - part:detach()
      total = total and total + part or part
    end
    ---@cast total Tensor
    if projected then total = nn.linear(total, self:weight(name .. "project_out"), self:bias(name .. "project_out")) end
    outputs[group] = total:transpose(2, 3)
  end
  return tensor.cat(outputs, 2), tensor.stack(codes, 2)
end

--- Samples [B, N] of quantized latents [B, D, T]: up to the rate of mel frames, then the vocoder.
---@param quantized Tensor
---@return Tensor
function Firefly:decode(quantized)
  return self:vocoder(self:upsample(quantized))
end

--- The vocoder's input [B, D, F] of quantized latents [B, D, T].
---@param x Tensor
---@return Tensor
function Firefly:upsample(x)
  local factors = self.config.quantizer.downsample_factor
  for place = 1, #factors do
    local factor, name = factors[#factors + 1 - place], ("quantizer.upsample.%d"):format(place - 1)
    x = self:block(self:up(x, name .. ".0.conv", factor, factor), name .. ".1", 7)
  end
  return x
end

--- Samples [B, N] of features [B, D, F]: upsampling stages that each end in the mean of residual blocks.
---@param features Tensor
---@return Tensor
function Firefly:vocoder(features)
  local head = self.config.head
  local x = self:conv(features, "head.conv_pre.conv", head.pre_conv_kernel_size or 13)
  for stage, rate in ipairs(head.upsample_rates) do
    x = self:up(nn.silu(x), ("head.ups.%d.conv"):format(stage - 1), head.upsample_kernel_sizes[stage], rate)
    local sum
    for b, kernel in ipairs(head.resblock_kernel_sizes) do
      local stream = x
      for k, dilation in ipairs(head.resblock_dilation_sizes[b]) do
        if k > 3 then break end   -- the architecture has three pairs, whatever is listed
        local name = ("head.resblocks.%d.blocks.%d.%%s.%d.conv"):format(stage - 1, b - 1, k - 1)
        local inner = self:conv(nn.silu(stream), name:format("convs1"), kernel, { dilation = dilation })
        stream = stream + self:conv(nn.silu(inner), name:format("convs2"), kernel, { dilation = dilation })
      end
      sum = sum and sum + stream or stream
    end
    x = sum / #head.resblock_kernel_sizes
  end
  local samples = self:conv(nn.silu(x), "head.conv_post.conv", head.post_conv_kernel_size or 13)
  return samples:tanh():squeeze(2)
end

--- The tensors whose names begin with one of the prefixes, in order; all without: what an optimizer takes.
---@param ... string
---@return Tensor[]
function Firefly:trainable(...)
  local prefixes, result = { ... }, {}
  for _, name in ipairs(self.names) do
    local wanted = #prefixes == 0
    for _, prefix in ipairs(prefixes) do wanted = wanted or name:sub(1, #prefix) == prefix end
    if wanted then result[#result + 1] = self.parameters[name] end
  end
  return result
end

--- Writes the weights under the original's names, as `vq.load` and the original's FireflyArchitecture read them.
---@param path string A .pth file.
---@param dtype? string To store them in: float32 unless given.
function Firefly:save(path, dtype)
  local content = {}
  for _, name in ipairs(self.names) do content[name] = self.parameters[name]:detach():to(dtype or "float32") end
  checkpoint.save(path, content)
end

return firefly
