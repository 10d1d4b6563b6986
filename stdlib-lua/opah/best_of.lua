--- Speak a text several times and keep the sample that the text explains best.
--
-- A model that slips says words that are not in the text, or none; told to a model that is asked about them, the text explains such codes
-- no better than silence would. What is compared is the negative log-likelihood of a sample's codes after its text, as a share of that
-- after a text without words: what any text leaves open, such as the speaker's own manner, is in both.
local fs = require "opah.fs"

---@class opah.best_of
local best_of = {}

-- A text without words.
local wordless = "."
-- Samples that are spoken in step: see generate.
local together = 16

---@class opah.best_of.Sample
---@field seed integer The seed that gives this sample alone.
---@field share number What the text leaves open of the codes, as a share of what a text without words does: less is better.
---@field cut boolean Whether it was ended by the limit of frames.

---@class opah.best_of.Info
---@field length_limit_hit boolean
---@field notes string[]
---@field seed integer The seed that gives the chosen sample alone.
---@field share number
---@field samples opah.best_of.Sample[] All that were spoken.

--- What `words` leave open of `codes` [C, T], as a share of what a text without words does: about 1 where they have nothing to do with
--- each other, less where they explain them. `speaker` is the role that spoke. What is asked are the weights that `session` speaks with.
---
---     embedded = opah.embedded
---     model, codec = lm.load(embedded.voice.model), vq.load { config = embedded.voice.codec_config, checkpoint = embedded.voice.codec_checkpoint }
---     codes = model:generate { text = "The old bird waited.", speaker = "rms", codec = codec, temperature = 0.2, repetition_penalty = 1 }
---     session = model:session()
---     best_of.share(session, "The old bird waited.", codes, "rms") < best_of.share(session, "My mother painted.", codes, "rms")  --> true
---@param session SpeechSession
---@param words string
---@param codes Tensor
---@param speaker? string
---@return number
function best_of.share(session, words, codes, speaker)
  local function nats(said) return session:nats(said, codes, { speaker = speaker }):mean():item() end
  return nats(words) / nats(wordless)
end

--- Frames that a sample of `words` may have for `share` to tell: text and codes are read at once, in a row that the model has room for.
---
---     model = lm.load(opah.embedded.voice.model)
---     best_of.longest(model, "The old bird waited.") < model.max_length  --> true
---@param model LanguageModel
---@param words string
---@return integer
function best_of.longest(model, words) return model.max_length - #model.tokenizer:encode(words) - 32 end

--- Whether a sample is chosen before another one, or before none: one that ended by itself before one that was cut, then the one with
--- the lower share.
---
---     best_of.better({ seed = 1, share = 0.5, cut = false }, { seed = 2, share = 0.3, cut = true })  --> true
---@param sample opah.best_of.Sample
---@param other? opah.best_of.Sample
---@return boolean
function best_of.better(sample, other)
  if not other or sample.cut ~= other.cut then return not (other and sample.cut) end
  return sample.share < other.share
end

--- Speaks `options.text` (options are those of model:generate) `count` times and gives the best sample, as `better`
--- tells. Sample i is what the seed plus i - 1 gives alone, so `info.seed` makes the chosen one again.
---
---     model = lm.load(opah.embedded.voice.model)
---     options = { text = "The old bird waited.", speaker = "rms", seed = 1, codebook_size = 240, temperature = 0.2, repetition_penalty = 1 }
---     codes, info = best_of.generate(model, options, 4)
---     #info.samples, info.seed >= 1 and info.seed <= 4  --> 4, true
---@param model LanguageModel
---@param options table
---@param count integer
---@return Tensor codes
---@return opah.best_of.Info info
function best_of.generate(model, options, count)
  local wanted = {}
  for name, value in pairs(options) do wanted[name] = value end
  local first, samples, session = options.seed or 42, {}, model:session()
  local best, best_codes, best_info
  for done = 0, count - 1, together do
    wanted.seed, wanted.num_samples = first + done, math.min(together, count - done)
    local codes, infos = model:generate(wanted)
    if wanted.num_samples == 1 then codes, infos = { codes }, { infos } end
    for i, spoken in ipairs(codes) do
      local length = spoken:size(2)
      if length > best_of.longest(model, options.text) then
        error(fs.error("argument", ("%d frames are too many to tell how well their text explains them: this model takes %d tokens"):format(length, model.max_length),
          "speak the text in pieces, as `generate --input` does"), 0)
      end
      local sample = {
        seed = first + done + i - 1, cut = infos[i].length_limit_hit,
        share = length > 0 and best_of.share(session, options.text, spoken, options.speaker) or math.huge,
      }
      samples[#samples + 1] = sample
      if best_of.better(sample, best) then
        best, best_codes, best_info = sample, spoken, infos[i]
      end
    end
  end
  return best_codes, { length_limit_hit = best.cut, notes = best_info.notes, seed = best.seed, share = best.share, samples = samples }
end

--- What `generate` chose, in a line: the seed that gives it again, and its share beside the lowest and the highest.
---
---     samples = { { seed = 1, share = 0.5, cut = false }, { seed = 2, share = 0.3, cut = false }, { seed = 3, share = 0.4, cut = true } }
---     best_of.told { seed = 2, share = 0.3, length_limit_hit = false, samples = samples }  --> "seed 2, the best of 3: share 0.300 of 0.300 to 0.500"
---@param info opah.best_of.Info
---@return string
function best_of.told(info)
  local least, most = math.huge, -math.huge
  for _, sample in ipairs(info.samples) do least, most = math.min(least, sample.share), math.max(most, sample.share) end
  return ("seed %d, the best of %d: share %.3f of %.3f to %.3f%s"):format(info.seed, #info.samples, info.share, least, most,
    info.length_limit_hit and ", stopped at the length limit" or "")
end

return best_of
