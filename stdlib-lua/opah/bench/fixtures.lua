--- What figures are measured on: random weights of the true size of 1.4, clips and packs, made once per bench in
-- processes of their own, so that making them shows in nobody's memory.
local audio, data, fs, lm = require "opah.audio", require "opah.data", require "opah.fs", require "opah.lm"
local tensor, text, vq = require "opah.tensor", require "opah.text", require "opah.vq"
local home = require "opah".home

local fixtures = {}
local tiny = fs.join(home, "examples/checkpoints/tiny")

--- The language model's dimensions: those of 1.4, or tiny ones.
function fixtures.config(quick)
  if quick then
    return {
      model_type = "dual_ar", dim = 64, n_layer = 2, n_fast_layer = 1, n_head = 4, n_local_heads = 2, intermediate_size = 128, vocab_size = 264,
      codebook_size = 64, num_codebooks = 8, tie_word_embeddings = false, rope_base = 1e6, norm_eps = 1e-6, max_seq_len = 2048, dropout = 0.0,
    }
  end
  return {
    model_type = "dual_ar", dim = 1024, n_layer = 24, n_fast_layer = 4, n_head = 16, n_local_heads = 2, intermediate_size = 4096, vocab_size = 32000,
    codebook_size = 1024, num_codebooks = 8, tie_word_embeddings = false, rope_base = 1e6, norm_eps = 1e-6, max_seq_len = 4096, dropout = 0.0,
  }
end

--- What `vq.load` and recipes take as the codec's configuration.
function fixtures.codec_config(quick) return quick and fs.join(tiny, "codec.lua") or "firefly_gan_vq" end

local make = {}

function make.float32(folder, quick)
  lm.new(fixtures.config(quick), { seed = 1, dtype = "float32", tokenizer = tiny }):save(folder)
end

function make.bfloat16(folder, quick)
  lm.new(fixtures.config(quick), { seed = 1, dtype = "bfloat16", tokenizer = tiny }):save(folder)
end

-- The same with a token for each common word, as 1.4's vocabulary has; the tiny one spells every word out.
make["bfloat16-words"] = function(folder, quick)
  local sentences = dofile(fs.join(home, "examples/corpus/sentences.lua"))
  local texts, vocabulary = { "system\nuser\nassistant\nSpeak out the provided text.\n" }, fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(vocabulary, { recursive = true }) end })
  for i = 1, 4000 do texts[i + 1] = sentences.make(i % 2 == 0 and "words" or "grammar", i) end
  text.train_tokenizer { texts = texts, vocab_size = quick and 264 or 4000, output = vocabulary }
  lm.new(fixtures.config(quick), { seed = 1, dtype = "bfloat16", tokenizer = vocabulary }):save(folder)
end

make["codec"] = function(folder, quick)
  vq.new({ config = fixtures.codec_config(quick), seed = 1 }):save(fs.join(folder, "codec.pth"))
end

-- All example voices, one after the other, at 48 kHz.
local function speech()
  local parts = {}
  for i, clip in ipairs((data.scan(fs.join(home, "examples/data"), { audio = true }))) do
    parts[i] = audio.load(clip.audio, { sample_rate = 48000 })
  end
  return tensor.cat(parts, 1)
end

-- `count` clips of 2 to 12 seconds: mp3 (48 kHz, stereo), wav (44.1 kHz) and flac (48 kHz) in turn.
local function clips(folder, count)
  local sound = speech()
  local length, at = #sound, 0
  for i = 1, count do
    local frames = 96000 + (i * 7919 % 101) * 4800
    local pieces, missing = {}, frames
    while missing > 0 do
      local n = math.min(missing, length - at)
      pieces[#pieces + 1] = sound:narrow(1, at + 1, n)
      at, missing = (at + n) % length, missing - n
    end
    local samples, base = tensor.cat(pieces, 1), fs.join(folder, ("%04d"):format(i))
    if i % 3 == 0 then
      audio.save(base .. ".mp3", tensor.stack({ samples, samples * 0.8 }, 1), 48000)
    elseif i % 3 == 1 then
      audio.save(base .. ".wav", audio.resample(samples, 48000, 44100), 44100, { subtype = "pcm16" })
    else
      audio.save(base .. ".flac", samples, 48000, { subtype = "pcm16" })
    end
  end
end

fixtures.clip_counts = { full = { few = 50, many = 200 }, quick = { few = 2, many = 5 } }

make["clips-few"] = function(folder, quick) clips(folder, fixtures.clip_counts[quick and "quick" or "full"].few) end
make["clips-many"] = function(folder, quick) clips(folder, fixtures.clip_counts[quick and "quick" or "full"].many) end

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

-- `count` clips of `frames` frames with texts, without sound, for four speakers.
local function packable(folder, count, frames, values)
  local label = "The harbour is quiet today, and boat number %d lies at the pier."
  local contents = {}
  for i = 1, 16 do
    local path = fs.join(folder, "codes.npy")
    tensor.save_npy(path, tensor.randint(0, values, { 8, frames }, { generator = tensor.generator(i) }):to("int32"))
    contents[i] = fs.read(path)
    fs.remove(path)
  end
  for speaker = 1, 4 do fs.mkdir(fs.join(folder, "speaker" .. speaker)) end
  for i = 1, count do
    local base = ("%s/speaker%d/%05d"):format(folder, i % 4 + 1, i)
    write(base .. ".npy", contents[i % 16 + 1])
    write(base .. ".lab", label:format(i))
  end
end

fixtures.packed_clips = { full = 10000, quick = 40 }

make["packable"] = function(folder, quick) packable(folder, fixtures.packed_clips[quick and "quick" or "full"], 107, quick and 63 or 1023) end

make["protos"] = function(folder, quick)
  local source = fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(source, { recursive = true }) end })
  packable(source, 32, quick and 20 or 100, quick and 63 or 1023)
  data.pack { input = source, output = folder }
end

--- Makes one fixture below `folder`: what a child process is asked to do.
function fixtures.make(name, folder, quick)
  local target, partial = fs.join(folder, name), fs.join(folder, name .. ".part")
  if fs.exists(partial) then fs.remove(partial, { recursive = true }) end
  fs.mkdir(partial)
  make[name](partial, quick)
  fs.move(partial, target)
end

return fixtures
