local tiny = ...
local lm = require "opah.lm"
local model, exact, small = lm.load(tiny), lm.load(tiny, {weights = "float32"}), lm.load(tiny, {weights = "int8"})
local sequence = exact:generate{prompt = lm.encode_prompt(model.tokenizer, "Hello.", nil, 8), max_new_tokens = 20, min_frames = 20}
local found = small:compare(exact, sequence)
assert(found.tokens.positions == sequence:size(2) and found.codes.positions == 160)
assert(found.tokens.relative > 0 and found.tokens.relative < 0.04 and found.codes.relative < 0.04 and found.codes.max_abs > 0)
assert(exact:compare(exact, {sequence, sequence}).codes.top1_agreement == 1)
local one, four = small:generation_cost(), small:generation_cost{num_samples = 4, context = 100}
assert(four.bytes_per_frame == one.bytes_per_frame + 400 * one.cache_bytes_per_token and four.operations_per_frame > 4 * one.operations_per_frame)
assert(lm.generation_cost(tiny, {weights = "int8"}).weight_bytes == one.weight_bytes)
