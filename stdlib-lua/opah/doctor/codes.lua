--- The codes beside a clip: whether they can be trained on, and are still those of its recording.
local audio, config, fs, tensor = require "opah.audio", require "opah.config", require "opah.fs", require "opah.tensor"
local codes = {}

-- Values that np.save would not write for codes, and far more than any clip has.
local largest = 64 * 1024 * 1024

--- What the codec's codes are like, `{ num_codebooks, codebook_size, sample_rate, hop_length, downsample }`: as `args`
--- says, or the configuration that `args.config_name` names. Both at once, with other values, are wrong usage.
---
---     codes.of_codec({ config_name = opah.embedded.codec_config }, {}).num_codebooks  --> 8
---@param args table
---@param usual table The values of options that were not given.
function codes.of_codec(args, usual)
  local names = { "num_codebooks", "codebook_size", "sample_rate", "hop_length" }
  local codec = { downsample = 4 }
  for _, name in ipairs(names) do codec[name] = args[name] end
  if not args.config_name then return codec end
  local settings
  if args.config_name:lower():find("%.ya?ml$") then
    -- Only a codec itself reads its YAML; one with random weights takes two seconds.
    settings = require "opah.vq".new({ config = args.config_name }).config
  else
    settings = config.load(args.config_name)
  end
  local quantizer, mel = settings.quantizer, settings.spec_transform
  if type(quantizer) ~= "table" or type(mel) ~= "table" or type(quantizer.levels) ~= "table" then
    config.usage_error(("--config-name: %s is no configuration of a codec"):format(args.config_name))
  end
  local size, downsample = 1, 1
  for _, levels in ipairs(quantizer.levels) do size = size * levels end
  for _, factor in ipairs(quantizer.downsample_factor or {}) do downsample = downsample * factor end
  local said = {
    num_codebooks = quantizer.n_groups * (quantizer.n_codebooks or 1), codebook_size = size, sample_rate = mel.sample_rate,
    hop_length = mel.hop_length, downsample = downsample,
  }
  for _, name in ipairs(names) do
    if args[name] ~= usual[name] and args[name] ~= said[name] then
      config.usage_error(("--%s %d: --config-name says %d; leave one of the two out"):format(name:gsub("_", "-"), args[name],
        said[name]))
    end
  end
  return said
end

--- Frames that the codec gives for a recording: mel frames of `hop` samples, `downsample` of them to a code.
---@param info table As audio.info gives it.
---@param codec { sample_rate: integer, hop_length: integer, downsample: integer }
function codes.expected(info, codec)
  local samples = math.ceil(info.frames * codec.sample_rate / info.sample_rate)
  return samples // codec.hop_length // codec.downsample
end

--- Notes what decoding gave of a clip, in place of what its header says.
---
---     clip = { info = { sample_rate = 16000, frames = 17000, duration = 1.0625 } }
---     codes.set_length(clip, 16000)
---     clip.seconds, clip.info.frames, clip.decoded  --> 1.0, 16000, true
---@param clip table
---@param frames integer Samples of a channel.
function codes.set_length(clip, frames)
  clip.info.frames, clip.info.duration = frames, frames / clip.info.sample_rate
  clip.seconds, clip.decoded = clip.info.duration, true
end

local function same(path, digest)
  local ok, found = pcall(fs.digest, path)
  return ok and found == digest
end

--- Adds the faults of `clip.codes`; sets `clip.frames`. `with` is `{ num_codebooks, codebook_size, sample_rate,
--- hop_length, origins }`.
---@param clip table With `file`, `codes`, and `info` where there is a recording; it is decoded once more where the header
--- alone (no `decoded`) does not fit the codes.
---@param found opah.doctor.Faults
---@param with table
function codes.check(clip, found, with)
  local path = clip.codes
  local function add(code, what) found:add(code, clip.file, fs.basename(path) .. ": " .. what) end
  if fs.stat(path).size > largest then return add("bad-codes", "too large for codes") end
  local ok, values = pcall(tensor.load_npy, path)
  if not ok then
    local reason = require "opah".error_text(values)
    return add("bad-codes", reason:sub(1, #path + 2) == path .. ": " and reason:sub(#path + 3) or reason)
  end
  local shape = values:shape()
  if #shape ~= 2 or shape[1] ~= with.num_codebooks then
    return add("bad-codes", ("its shape is [%s], where codes are [%d, frames]"):format(table.concat(shape, ", "),
      with.num_codebooks))
  end
  local dtype = values:dtype()
  if dtype ~= "int32" and dtype ~= "int64" and dtype ~= "int16" then
    return add("bad-codes", ("its values are %s, where codes are int32"):format(dtype))
  end
  if shape[2] == 0 then return add("bad-codes", "it holds no frames") end
  local low, high = values:min():item(), values:max():item()
  if low < 0 or high >= with.codebook_size then
    return add("code-range", ("its codes go from %d to %d, where 0 to %d are known"):format(low, high,
      with.codebook_size - 1))
  end
  clip.frames = shape[2]
  local folder = fs.dirname(path)
  with.origins[folder] = with.origins[folder] or fs.origins(folder)
  local origin = with.origins[folder][fs.basename(path)]
  if origin and origin.is_open then return add("stale-codes", "extraction of it did not end") end
  local written = origin and origin.stage == "extract-vq" and origin.to[fs.basename(path)]
  if written and same(path, written) then
    local sound = origin.from.sound
    if clip.info and sound and not same(clip.audio, sound.digest) then
      return add("stale-codes", "it is of an earlier recording")
    end
    clip.codec = origin.settings.codec
  end
  if clip.info then
    local expected = codes.expected(clip.info, with)
    if math.abs(shape[2] - expected) > 1 and not clip.decoded then
      local read, samples = pcall(audio.load, clip.audio, { mono = false })
      if read then
        codes.set_length(clip, samples:size(2))
        expected = codes.expected(clip.info, with)
      elseif samples.fatal or samples.kind == "interrupted" then
        error(samples, 0)
      end
    end
    if math.abs(shape[2] - expected) > 1 then
      add("codes-length", ("%d frames, where %.2f s of sound give %d"):format(shape[2], clip.info.duration, expected))
    end
  end
end

--- Adds `other-codec` for the clips whose codes are of another codec than most, and `no-codes` for those without
--- where others have them.
---@param clips table[]
---@param found opah.doctor.Faults
function codes.compare(clips, found)
  local counts, most, with, without = {}, nil, 0, {}
  for _, clip in ipairs(clips) do
    if clip.codec then counts[clip.codec] = (counts[clip.codec] or 0) + 1 end
    if clip.codes then with = with + 1 else without[#without + 1] = clip end
  end
  for codec, count in pairs(counts) do
    if not most or count > counts[most] or count == counts[most] and codec < most then most = codec end
  end
  for _, clip in ipairs(clips) do
    if clip.codec and clip.codec ~= most then
      found:add("other-codec", clip.file,
        ("its codes are of another codec than those of %d other clips"):format(counts[most]))
    end
  end
  if with > 0 then
    for _, clip in ipairs(without) do
      found:add("no-codes", clip.file, ("it has no codes, and %d other clips have"):format(with))
    end
  end
end

return codes
