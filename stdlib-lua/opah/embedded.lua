--- The example voices and checkpoints that come with the program. The tiny ones have random weights: everything runs in
-- seconds and nothing sounds like speech. `embedded.voice` are ones that examples/voice/train-voice.lua trained from nothing: sixty words
-- of English, two speakers.
local data, fs, vq = require "opah.data", require "opah.fs", require "opah.vq"
local home = require "opah".home or error("the examples are not beside the program: set OPAH_HOME", 0)

local tiny, trained = fs.join(home, "examples/checkpoints/tiny"), fs.join(home, "examples/checkpoints/voice")

---@class opah.embedded
---@field speech string A folder of 14 clips with labels: Alice in English, ハナコ in Japanese.
---@field model string A model folder, as lm.load and text.tokenizer take it.
---@field codec_config string
---@field codec_checkpoint string
---@field voice opah.embedded.Voice The trained checkpoints.

---@class opah.embedded.Voice
---@field model string A model folder.
---@field codec_config string
---@field codec_checkpoint string
---@field newcomer string A folder with sixty clips of a speaker that the model does not know, with labels.
---@field speakers string[] Roles that the model knows.
---@field generate table Options of model:generate that it was measured with.
---@field best_of integer How often each sentence was spoken, as opah.best_of does, when it was measured.

local embedded = {
  speech = fs.join(home, "examples/data"),               -- 14 clips with labels: Alice in English, ハナコ in Japanese
  model = tiny,                                          -- a model folder
  codec_config = fs.join(tiny, "codec.lua"), codec_checkpoint = fs.join(tiny, "codec.pth"),
  voice = {
    model = trained, codec_config = fs.join(trained, "codec.lua"), codec_checkpoint = fs.join(trained, "codec.pth"),
    newcomer = fs.join(home, "examples/voice/newcomer"),
    speakers = { "rms", "slt" },
    generate = { temperature = 0.2, top_p = 0.9, repetition_penalty = 1.0, max_new_tokens = 250 }, best_of = 16,
  },
}

--- The tiny codec, loaded.
---
---     codec = embedded.codec()
---     codec:encode(audio.load("data/Alice/4.80-7.20.wav")):shape()  --> {8, 62}
---@return Codec
function embedded.codec() return vq.load { config = embedded.codec_config, checkpoint = embedded.codec_checkpoint } end

--- Packs of the example voices, made in `folder` unless they are there. Returns the folder of the packs.
--- `speaker` ("Alice") takes that speaker's clips only.
---
---     packs = embedded.packs("work", "Alice")
---     packs, data.read(packs)().name  --> "work/protos", "Alice"
---@param folder string
---@param speaker? string
---@return string folder
function embedded.packs(folder, speaker)
  local clips, packs = fs.join(folder, "clips"), fs.join(folder, "protos")
  if fs.exists(packs) then return packs end
  local speech = speaker and fs.join(embedded.speech, speaker) or embedded.speech
  for _, path in ipairs(fs.list(speech, { recursive = true })) do
    local target = fs.join(clips, fs.relative(path, embedded.speech))
    fs.mkdir(fs.dirname(target))
    fs.copy(path, target)
  end
  vq.extract { input = clips, codec = embedded.codec() }
  data.pack { input = clips, output = packs, text_extension = ".lab" }
  return packs
end

--- The rows to train on of the packs in `protos`, for `model`: a fifth of the clips is held out, rows have at most 512
--- tokens; `options` of data.dataset change that.
---
---     ds = embedded.dataset("data/protos", lm.load(embedded.model), { max_length = 256 })
---     ds.max_length, ds.num_codebooks  --> 256, 8
---@param protos string
---@param model LanguageModel
---@param options? table
---@return Dataset
function embedded.dataset(protos, model, options)
  local settings = {
    protos = protos, tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2, seed = 1,
    num_codebooks = model.config.num_codebooks,
  }
  for name, value in pairs(options or {}) do settings[name] = value end
  return data.dataset(settings)
end

return embedded
