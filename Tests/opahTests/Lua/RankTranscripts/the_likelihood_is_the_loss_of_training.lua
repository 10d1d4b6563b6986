local likelihood = require "opah.transcripts.likelihood"
local model = lm.load(tiny)
for _, frames in ipairs { 3, 40 } do
  local codes = tensor.randint(0, 1000, 8, frames, { dtype = "int32" })
  local found = likelihood.frames(model, "The boats are here.", codes)
  assert(#found == frames)
  local tokens, labels = data.pack_sentences { sentences = { "The boats are here." }, codes = { codes }, tokenizer = model.tokenizer }
  local _, parts = model:loss(data.collate { { tokens = tokens, labels = labels } })
  -- The last position's label is padding, and its logits are zero.
  local wanted = parts.semantic * (frames + 1) - math.log(model.config.codebook_size)
  assert(math.abs(found:sum():item() - wanted) < 1e-3 * frames, found:sum():item() .. " " .. wanted)
  assert(math.abs(likelihood.frames(model, "The boats are here.", codes):mean():item() - wanted / frames) < 1e-3)
end
