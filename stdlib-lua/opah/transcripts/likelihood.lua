--- How likely the codes of a clip are under a model that reads a text: the negative logarithm, in nats for a frame.
local data, tensor = require "opah.data", require "opah.tensor"

local likelihood = {}

--- Nats for a frame of `codes` [C, T] after `text`: the mean over codebooks of the codes' loss, and that of the tokens (whether
--- speech goes on or ends). The loss of a row counts one position more than there are frames, whose label is padding and whose
--- logits are zero: ln K of each codebook, which would make short clips look worse than they are, is taken off.
function likelihood.of(model, text, codes, role)
  local tokens, labels = data.pack_sentences {
    sentences = { text }, codes = { codes }, tokenizer = model.tokenizer, speaker = role, num_codebooks = model.config.num_codebooks,
  }
  local batch = data.collate({ { tokens = tokens, labels = labels } }, { pad_id = model.tokenizer.pad_id })
  return tensor.no_grad(function()
    local _, parts = model:loss(batch)
    local frames = codes:size(2)
    local padding = math.log(model.config.codebook_size)
    return (parts.semantic * (frames + 1) - padding) / frames, parts.base
  end)
end

return likelihood
