--- Training: a step of LoRA at the size of 1.4, long rows under a memory budget, and a loop written in Lua.
local data, fs, lm, lora, machine = require "opah.data", require "opah.fs", require "opah.lm", require "opah.lora", require "opah.machine"
local tensor, train = require "opah.tensor", require "opah.train"

-- A batch of rows of these lengths: an eighth text, the rest speech.
local function batch(model, lengths)
  local c, random = model.config, tensor.generator(5)
  local semantic, rows = model.tokenizer:id("<|semantic|>"), {}
  for i, length in ipairs(lengths) do
    local text = length // 8
    local words = tensor.randint(100, 250, { 1, text }, { generator = random })
    local codes = tensor.randint(1, c.codebook_size, { c.num_codebooks, length + 1 - text }, { generator = random })
    local columns = tensor.cat({
      tensor.cat({ words, tensor.full({ 1, length + 1 - text }, semantic, { dtype = "int64" }) }, 2),
      tensor.cat({ tensor.zeros({ c.num_codebooks, text }, { dtype = "int64" }), codes }, 2),
    }, 1)
    local labels = columns:narrow(2, 2, length):clone()
    -- Codes count from the first spoken column on.
    labels[{ { 2, c.num_codebooks + 1 }, { 1, text - 1 } }] = -100
    rows[i] = { tokens = columns:narrow(2, 1, length), labels = labels }
  end
  return data.collate(rows)
end

-- The products with the weights, forward and backward.
local function cost(model, rows)
  return { flops = model:training_cost({ batch = rows }).floor_operations, products = model.products }
end

-- A whole step: forward, backward, clip, update.
local function stepper(model, rows, memory_budget)
  local parameters = model:parameters()
  local optimizer = train.adamw(parameters, { lr = 1e-4 })
  return function(i)
    local loss <close> = model:loss(rows, { seed = i, memory_budget = memory_budget })
    loss:backward()
    train.clip_grad_norm(parameters, 1.0)
    optimizer:step()
    optimizer:zero_grad()
  end
end

local function total(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum
end

local adapter = "r_8_alpha_16"

local function adapted(path, options)
  local model = lm.load(path, options)
  lora.apply(model, adapter, { seed = 1 })
  return model
end

local function row_length(quick) return quick and 64 or 512 end

local function one_row(weights, precision)
  return function(bench)
    local length = row_length(bench.quick)
    local model = adapted(bench:fixture(weights), { precision = precision })
    local rows = batch(model, { length })
    local values, busy = bench:time(stepper(model, rows))
    return { values = values, busy = busy, cost = cost(model, rows), details = { tokens = length } }
  end
end

-- The same weights, with another dropout in config.json.
local function with_dropout(bench, dropout)
  local source, target = bench:fixture("float32"), fs.join(bench.folder, "float32-dropout")
  if not fs.exists(target) then
    fs.mkdir(target)
    for _, path in ipairs(fs.list(source)) do
      local name = fs.basename(path)
      if name == "config.json" then
        fs.write(fs.join(target, name), (fs.read(path):gsub('("dropout": )[%d.e+-]+', "%1" .. dropout)))
      else
        machine.run { "ln", "-sf", fs.resolve(path), fs.join(target, name) }
      end
    end
  end
  return target
end

local function long_rows(bench)
  local one, several = 512, { 200, 500, 900, 1400 }
  if bench.quick then one, several = 64, { 25, 62, 112, 175 } end
  local path = with_dropout(bench, 0.1)
  local alone
  do
    local model = adapted(bench:fixture("float32"))
    local single = stepper(model, batch(model, { one }))
    single(0)
    bench:settle()
    alone = math.huge
    for i = 1, math.min(bench.repeats, 2) do alone = math.min(alone, bench.seconds(single, i)) end
  end
  local model = adapted(path)
  local rows = batch(model, several)
  bench:settle()
  local step = stepper(model, rows, "4GB")
  local values, busy = bench:measure(function(i) return bench.seconds(step, i) end, math.max(1, bench.repeats // 2))
  local tokens, best = total(several), math.min(table.unpack(values))
  return {
    values = values, busy = busy, cost = cost(model, rows),
    details = { tokens = tokens, single_row_seconds = alone, per_token = (best / tokens) / (alone / one) },
  }
end

-- Seconds from the end of each step to the end of the next, first in train.fit, then in a loop that does the same.
local function loop(bench)
  local protos, folder = bench:fixture("protos"), fs.tempdir()
  local remover <close> = setmetatable({}, { __close = function() fs.remove(folder, { recursive = true }) end })
  local steps = bench.quick and 3 or 5
  local function prepared()
    local model = adapted(bench:fixture("bfloat16"))
    return model, data.dataset {
      protos = { protos }, tokenizer = model.tokenizer, max_length = 256, val_fraction = 0, seed = 1, num_codebooks = model.config.num_codebooks,
    }
  end
  local function gaps(times)
    local list = {}
    for i = 2, #times do list[i - 1] = times[i] - times[i - 1] end
    return list
  end
  local function fitted(round)
    local model, set = prepared()
    local times = {}
    train.fit {
      model = model, data = set, project = "round" .. round, results = folder, max_steps = steps + 1, batch_size = 1, resume = false, progress = false,
      val_check_interval = 1000000, every_n_train_steps = 1000000, on_step = function() times[#times + 1] = machine.now() end,
    }
    return gaps(times)
  end
  local function looped()
    local model, set = prepared()
    local parameters = model:parameters()
    local optimizer, factor = train.adamw(parameters, { lr = 1e-4 }), train.constant_with_warmup(10)
    local times = {}
    for step = 1, steps + 1 do
      optimizer.lr = 1e-4 * factor(step - 1)
      local loss <close> = model:loss(set:batch(1), { seed = step })
      loss:backward()
      train.clip_grad_norm(parameters, 1.0)
      optimizer:step()
      optimizer:zero_grad()
      assert(loss:item() > 0)
      times[step] = machine.now()
    end
    return gaps(times)
  end
  bench:settle()
  -- The same rows in every round, so each step's best time counts; the rounds take turns.
  local best = { fit = {}, lua = {} }
  local function keep(list, times) for i, seconds in ipairs(times) do list[i] = math.min(list[i] or math.huge, seconds) end end
  local values = {}
  for round = 1, math.max(2, bench.repeats) do
    keep(best.fit, fitted(round))
    keep(best.lua, looped())
    values[round] = total(best.lua) / total(best.fit)
  end
  return { values = { values[#values] }, details = { fit_seconds = total(best.fit) / steps, lua_seconds = total(best.lua) / steps } }
end

-- PyTorch keeps all that a step needs, or recomputes each layer on the way back, as the original does.
local function against(precision, goal)
  return function(quick)
    local config, list = lora.config(adapter), {}
    for i, recomputed in ipairs { false, true } do
      list[i] = {
        name = (precision == "bfloat16" and "bf16" or precision) .. (recomputed and ", recomputing" or ""), work = "lora",
        precision = precision, tokens = row_length(quick), recomputed = recomputed, goal = goal,
        adapter = { rank = config.r, alpha = config.lora_alpha, dropout = config.lora_dropout },
      }
    end
    return list
  end
end

return {
  { name = "lora-512", what = "LoRA step, 1 x 512 tokens, float32 weights", unit = "s", competes = true,
    run = one_row("float32", "32-true"), goals = { { "fraction", ">=", 0.85 }, { "peak", "<=", 4.0e9 } }, against = against("float32") },
  { name = "lora-512-bf16", what = "LoRA step, 1 x 512 tokens, bf16-stored weights", unit = "s", competes = true,
    run = one_row("bfloat16", "32-true"), goals = { { "fraction", ">=", 0.85 }, { "peak", "<=", 3.0e9 } }, against = against("float32") },
  { name = "lora-512-auto", what = "LoRA step, 1 x 512 tokens, bf16 weights, precision auto", unit = "s", competes = true,
    run = one_row("bfloat16", "auto"), goals = { { "fraction", ">=", 0.75 }, { "peak", "<=", 3.0e9 } }, against = against("bfloat16", 1.6) },
  { name = "lora-rows", what = "LoRA step, rows of 200, 500, 900, 1400, dropout 0.1, budget 4 GB", unit = "s", competes = true,
    run = long_rows, goals = { { "per_token", "<=", 1.10 }, { "peak", "<=", 4.0e9 } } },
  { name = "lua-loop", what = "training loop in Lua against train.fit", unit = "x", run = loop, goals = { { "measured", "<=", 1.01 } } },
}
