local tiny = ...
local lm = require "opah.lm"
local model = lm.load(tiny)
local heard, ended = {0, 0, 0}, {}
local opts = {text = "Hello there.", num_samples = 3, seed = 5, min_frames = 4, max_new_tokens = 9, top_p = 1, temperature = 1.5,
    on_frame = function(codes, sample) assert(#codes == 8 and not ended[sample]); heard[sample] = heard[sample] + 1 end,
    on_sample = function(sample, codes, info) assert(type(info.length_limit_hit) == "boolean"); ended[sample] = codes end}
local codes, infos = model:generate(opts)
assert(#codes == 3 and #infos == 3)
for i = 1, 3 do
    assert(codes[i]:equal(ended[i]) and heard[i] == codes[i]:size(2) and heard[i] >= 4 and heard[i] <= 9)
    local alone, info = model:generate{text = opts.text, seed = 5 + i - 1, min_frames = 4, max_new_tokens = 9, top_p = 1, temperature = 1.5}
    assert(alone:equal(codes[i]) and info.length_limit_hit == infos[i].length_limit_hit)
end
local prompt = lm.encode_prompt(model.tokenizer, "Hello.", nil, 8)
local sequences = model:generate{prompt = prompt, num_samples = 2, max_new_tokens = 6, min_frames = 6}
assert(#sequences == 2 and sequences[1]:size(2) == prompt:size(2) + 6)
local ok, problem = pcall(model.generate, model, {text = "x", num_samples = 0})
assert(not ok and problem.kind == "argument" and problem.message:find("num_samples must be from 1"))
