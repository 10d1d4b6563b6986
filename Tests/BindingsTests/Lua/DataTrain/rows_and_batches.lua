local tokenizer = lm.load(tiny).tokenizer
local codes = tensor.new({ { 1, 2, 3 }, { 4, 5, 6 } }, { dtype = "int32" })
local tokens, labels = data.pack_sentences { sentences = { "Hi." }, codes = { codes }, tokenizer = tokenizer }
assert(tokens:dtype() == "int64" and tokens:size(1) == 3 and labels:size(2) == tokens:size(2))
local n = tokens:size(2)
-- Codes are one more than in the file, at the end of the row; labels are one step ahead.
assert(tokens[{ 2, n }] == 4 and tokens[{ 3, n - 2 }] == 5)
assert(labels[{ 1, n }] == tokenizer:id("<|im_end|>") and labels[{ 2, n - 1 }] == 4 and labels[{ 2, 1 }] == -100)
local short = tokens:narrow(2, 1, 4)
local batch = data.collate({ { tokens = tokens, labels = labels }, { tokens = short, labels = short } }, { pad_id = 9 })
assert(batch.inputs:size(3) == n and batch.inputs[{ 2, 1, n }] == 9 and batch.inputs[{ 2, 2, n }] == 0)
assert(batch.labels[{ 2, 1, n }] == -100 and batch.tokens == n + 4 and batch.truncated == 0)
assert(data.collate({ { tokens = tokens, labels = labels } }, { max_length = 5 }).truncated == n - 5)
fails("shape", "wanted whole numbers", data.collate, { { tokens = tokens, labels = codes } })
fails("data", "no rows", data.collate, {})

local ds = dataset()
assert(ds.clips + ds.held_out == 16 and ds.held_out > 0 and ds.num_codebooks == 8 and ds.max_length == 256 and #ds.skipped == 0)
for _ = 1, 7 do ds:batch(2) end
local state, cover = ds:state(), ds:coverage()
assert(cover.clips == ds.clips and cover.most - cover.fewest <= 1)
local expected = ds:batch(3)
local other = dataset()
other:set_state(state)
local got = other:batch(3)
assert(got.inputs:equal(expected.inputs) and got.labels:equal(expected.labels) and got.attention_masks:equal(expected.attention_masks))
local held = 0
for _, b in ipairs(ds:validation(2)) do held = held + b.inputs:size(1) end
assert(held == ds.held_out)
local reference = dataset { sampler = "reference" }
fails("data", "other sampler", reference.set_state, reference, state)
reference:set_state(reference:state())
fails("argument", "at least one row", ds.batch, ds, 0)
fails("config", "max_length", dataset, { max_length = 2 })
fails("file", "nowhere", dataset, { protos = folder .. "/nowhere" })
assert(dataset { protos = folder .. "/{protos,none}", use_speaker = true }.clips == ds.clips)
