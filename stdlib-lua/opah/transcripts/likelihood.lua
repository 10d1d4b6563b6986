--- How likely the codes of a clip are under a model that reads a text: the negative logarithm, in nats for a code.
local data, tensor = require "opah.data", require "opah.tensor"

local likelihood = {}

-- Frames that are looked at together, about a third of a second: a word or a long syllable.
local stretch = 8
-- Nats that are added to what other texts leave open: without them a stretch that any text explains, such as a pause, would
-- have a share of chance.
local floor = 0.5

--- Nats of every frame of `codes` [C, T] after `text`, the mean over codebooks: [T].
function likelihood.frames(model, text, codes, role)
  local codebooks, frames = codes:size(1), codes:size(2)
  local tokens, labels = data.pack_sentences {
    sentences = { text }, codes = { codes }, tokenizer = model.tokenizer, speaker = role, num_codebooks = model.config.num_codebooks,
  }
  local batch = data.collate({ { tokens = tokens, labels = labels } }, { pad_id = model.tokenizer.pad_id })
  -- The position before a frame predicts it; positions of the words have no label of a code.
  local first = 1
  while labels[{ 2, first }] < 0 do first = first + 1 end
  return tensor.no_grad(function()
    local logits = model:forward(batch).codebook_logits:squeeze(1):narrow(1, first, frames)
    local spoken = labels:narrow(1, 2, codebooks):narrow(2, first, frames):t():contiguous() + 1
    return -logits:log_softmax(3):gather(3, spoken:unsqueeze(3)):squeeze(3):mean(2)
  end)
end

--- The means of `values` [T] over every stretch [T - 7]; over all of a clip that is shorter.
local function stretches(values)
  local length = math.min(stretch, #values)
  local sums = tensor.cat({ tensor.zeros(1), values:cumsum(1) }, 1)
  local count = #values - length + 1
  return (sums:narrow(1, 1 + length, count) - sums:narrow(1, 1, count)) / length
end

--- Where `own` [T], the nats of a clip after its text, is worst beside `others`, those after other texts (a list of [T]): the share
--- of what these leave open that the own text leaves open too, over the stretch where it is largest, and the first frame of that
--- (counted from 1). A right text explains every word, and has a small share; words that are not spoken explain nothing, and
--- have about the share of other texts.
function likelihood.worst(own, others)
  local sum = others[1]
  for i = 2, #others do sum = sum + others[i] end
  local shares = stretches(own) / (stretches(sum / #others) + floor)
  local first = shares:argmax():item()
  return shares[first], first
end

return likelihood
