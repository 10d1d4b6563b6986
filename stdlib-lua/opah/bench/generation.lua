--- Generation: frames per second with weights of each form, one stream and four.
local lm, machine, tensor = require "opah.lm", require "opah.machine", require "opah.tensor"

-- Both forms of the file come from the same random numbers.
local function load(bench, form) return lm.load(bench:fixture(form == "float32" and "float32" or "bfloat16"), { weights = form }) end

local sentence = "The harbour is quiet today."
local function frame_count(quick) return quick and 6 or 100 end

local function generate(form, streams)
  return function(bench)
    local model = load(bench, form)
    local frames = frame_count(bench.quick)
    -- Frames per second of all streams together, from the first step's end to the last's: without the prompt.
    local function run(count, seed, n)
      local told, first, last = 0, nil, nil
      model:generate {
        text = sentence, max_new_tokens = count, min_frames = count, num_samples = n, seed = seed,
        on_frame = function()
          told = told + 1
          last = machine.now()
          if told == n then first = last end
        end,
      }
      return (told - n) / (last - first)
    end
    run(4, 1, streams)
    bench:settle()
    local values, busy = bench:measure(function(i) return run(frames, i, streams) end, math.max(1, bench.repeats - 1))
    -- At the middle of what is spoken.
    local cost = model:generation_cost { num_samples = streams, context = frames // 2 }
    -- What speaking together is worth: frames per second against those of one stream.
    local together = streams > 1 and values[1] / run(frames, 1, 1) or nil
    return {
      values = values, busy = busy,
      cost = { bytes = cost.bytes_per_frame / streams, flops = cost.operations_per_frame / streams },
      details = { frames = frames, streams = streams, against_one = together },
    }
  end
end

-- Multiplications and additions of a prompt of `tokens` in the slow transformer: products with its weights, and of each
-- position with those before it.
local function prompt_operations(c, tokens)
  local heads, keys = c.n_head * c.head_dim, c.n_local_heads * c.head_dim
  local weights = c.dim * (2 * heads + 2 * keys) + 3 * c.dim * c.intermediate_size
  return c.n_layer * (2 * weights * tokens + 2 * heads * tokens * tokens)
end

local function prompt_tokens(quick) return quick and 100 or 1000 end

-- From a request with a long text to its first frame, of a session that is open: its weights are in their form.
local function prompt(form)
  return function(bench)
    local model = load(bench, form)
    local text, wanted = sentence, prompt_tokens(bench.quick)
    while #model.tokenizer:encode(text) < wanted do text = text .. " " .. sentence end
    local session, asked = model:session(), 0
    local values, busy = bench:time(function()
      asked = asked + 1                     -- what two prompts begin with alike is read once
      local number = session:add { text = asked .. text, max_new_tokens = 2, min_frames = 2, iterative_prompt = false, seed = 1 }
      while not session:step()[1].codes do end
      session:cancel(number)
    end, bench.repeats)
    local tokens = lm.encode_prompt(model.tokenizer, text, model.config.num_codebooks):size(2)
    return { values = values, busy = busy, cost = { flops = prompt_operations(model.config, tokens) }, details = { tokens = tokens } }
  end
end

-- How far logits lie from those of float32 weights, over a sequence of text and speech: the norm of the difference over
-- the norm of the logits, of tokens and codes.
local function error_of(form)
  return function(bench)
    local reference, model = load(bench, "float32"), load(bench, form)
    local c, random, length = model.config, tensor.generator(7), bench.quick and 16 or 128
    local text = length // 4
    local sequence = tensor.cat({
      tensor.cat({ tensor.randint(100, 250, { 1, text }, { generator = random }),
        tensor.full({ 1, length - text }, assert(model.tokenizer:id("<|semantic|>")), { dtype = "int64" }) }, 2),
      tensor.cat({ tensor.zeros({ c.num_codebooks, text }, { dtype = "int64" }),
        tensor.randint(1, c.codebook_size, { c.num_codebooks, length - text }, { generator = random }) }, 2),
    }, 1)
    local compared = model:compare(reference, sequence)
    local tokens, codes = compared.tokens, compared.codes
    local largest = math.max(tokens.relative, codes.relative)
    return {
      values = { largest },
      details = {
        of_bound = largest / compared.bound,
        tokens_relative = tokens.relative, codes_relative = codes.relative, tokens_top1_agreement = tokens.top1_agreement,
        codes_top1_agreement = codes.top1_agreement, positions = codes.positions,
      },
    }
  end
end

-- PyTorch speaks behind a prompt of about the sentence's length.
local function against(precision)
  return function(quick)
    local name = precision == "bfloat16" and "bf16 weights" or precision
    return { { name = name, work = "generate", precision = precision, frames = frame_count(quick), prompt = 40 } }
  end
end

local function against_prompt(quick)
  return { { name = "float32", work = "prompt", precision = "float32", prompt = prompt_tokens(quick) },
    { name = "bf16 weights", work = "prompt", precision = "bfloat16", prompt = prompt_tokens(quick) } }
end

local near = { "fraction", ">=", 0.85 }
return {
  { name = "generate-float32", what = "generation, float32 weights, one stream", unit = "frames/s",
    competes = true, run = generate("float32", 1), goals = { near }, against = against("float32"), one_thread = true },
  { name = "generate-bf16", what = "generation, bf16 weights, one stream", unit = "frames/s",
    competes = true, run = generate("bfloat16", 1), goals = { near }, against = against("bfloat16"), one_thread = true },
  { name = "generate-int8", what = "generation, int8 weights, one stream", unit = "frames/s",
    competes = true, run = generate("int8", 1), goals = { near, { "measured", ">=", 18 } }, against = against("bfloat16"), one_thread = true },
  { name = "generate-int4", what = "generation, int4 weights, one stream", unit = "frames/s",
    competes = true, run = generate("int4", 1), goals = { { "measured", ">=", 21.5 } }, against = against("bfloat16"), one_thread = true },
  { name = "generate-4-streams", what = "generation, bf16 weights, four streams", unit = "frames/s",
    competes = true, run = generate("bfloat16", 4), goals = { { "against_one", ">=", 1.5 } }, one_thread = true },
  { name = "prompt-float32", what = "generation, float32 weights: a text of 1000 tokens until the first frame", unit = "s",
    competes = true, run = prompt("float32"), goals = { { "fraction", ">=", 0.5 } }, against = against_prompt, one_thread = true },
  { name = "prompt-int8", what = "generation, int8 weights: the same (floor: float32 products)", unit = "s",
    competes = true, run = prompt("int8"), goals = { { "measured", "<=", 1 } }, against = against_prompt, one_thread = true },
  { name = "error-bf16", what = "logits with bf16 weights against float32, relative", unit = "", run = error_of("bfloat16"),
    goals = { { "of_bound", "<=", 1 } } },
  { name = "error-int8", what = "logits with int8 weights against float32, relative", unit = "", run = error_of("int8"),
    goals = { { "of_bound", "<=", 1 } } },
  { name = "error-int4", what = "logits with int4 weights against float32, relative", unit = "", run = error_of("int4"),
    goals = { { "of_bound", "<=", 1 } } },
}
