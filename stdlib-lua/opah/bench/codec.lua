--- The codec: ten seconds there and back, and a whole folder from the command line.
local audio, fs, tensor, vq = require "opah.audio", require "opah.fs", require "opah.tensor", require "opah.vq"
local data = require "opah.data"
local fixtures = require "opah.bench.fixtures"

local function load(bench)
  return vq.load { config = fixtures.codec_config(bench.quick), checkpoint = fs.join(bench:fixture("codec"), "codec.pth") }
end

local function seconds(quick) return quick and 1 or 10 end

local function encode(bench)
  local codec, length = load(bench), seconds(bench.quick)
  local t = tensor.range(1, length * codec.sample_rate)
  local samples = (t * 0.05):sin() * 0.3 + tensor.randn({ #t }, { generator = tensor.generator(3) }) * 0.05
  local values, busy = bench:time(function() codec:encode(samples) end, 2 * bench.repeats)
  return {
    values = values, busy = busy, cost = { flops = codec:cost({ seconds = length }).encode_operations },
    details = { audio_seconds = length },
  }
end

local function decode(bench)
  local codec, length = load(bench), seconds(bench.quick)
  local frames = math.floor(length * codec.frame_rate)
  local codes = tensor.randint(0, codec.codebook_size, { codec.num_codebooks, frames }, { generator = tensor.generator(3) }):to("int32")
  local values, busy = bench:time(function() codec:decode(codes) end, bench.repeats)
  return {
    values = values, busy = busy, cost = { flops = codec:cost({ frames = frames }).decode_operations },
    details = { audio_seconds = frames / codec.frame_rate },
  }
end

-- The whole command as a process of its own, its start included.
local function extract(bench)
  local checkpoint = fs.join(bench:fixture("codec"), "codec.pth")
  local few, many = bench:fixture("clips-few"), bench:fixture("clips-many")
  local function run(folder)
    return bench:opah("run", "extract-vq", folder, "--overwrite", "--batch-size", "16",
      "--config-name", fixtures.codec_config(bench.quick), "--checkpoint-path", checkpoint)
  end
  local length = 0
  for _, clip in ipairs((data.scan(many, { audio = true }))) do length = length + audio.info(clip.audio).duration end
  local small = run(few).peak
  local peak = 0
  local values, busy = bench:measure(function()
    local done = run(many)
    peak = math.max(peak, done.peak)
    return done.seconds
  end, math.max(1, bench.repeats // 2))
  local counts = fixtures.clip_counts[bench.quick and "quick" or "full"]
  return {
    values = values, busy = busy, cost = { flops = load(bench):cost({ seconds = length }).encode_operations }, peak = peak,
    details = { audio_seconds = length, clips = counts.many, clips_in_small_folder = counts.few, peak_of_small_folder = small, peak_growth = peak - small },
  }
end

-- In float32, for which Opah's goal is to be so many times as fast, and as whoever wants it faster runs it.
local function against(work, goal)
  return function(quick)
    return {
      { name = "float32", work = work, precision = "float32", seconds = seconds(quick), goal = goal },
      { name = "bf16 autocast", work = work, precision = "bfloat16", seconds = seconds(quick) },
    }
  end
end

return {
  { name = "encode", what = "codec: encode 10 s", unit = "s", competes = true,
    run = encode, goals = { { "fraction", ">=", 0.75 } }, against = against("encode", 1.3) },
  { name = "extract-vq", what = "extract-vq over 200 clips of 2-12 s, the whole command", unit = "s", competes = true,
    run = extract, goals = { { "fraction", ">=", 0.7 } } },
  { name = "decode", what = "codec: decode 10 s (floor: direct convolution)", unit = "s", competes = true,
    run = decode, goals = { { "measured", "<=", function(rates) return 2.5 * 145e9 / rates.matrix_rate end } },
    against = against("decode", 2) },
}
