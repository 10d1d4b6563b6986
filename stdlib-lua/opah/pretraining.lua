--- A run that trains all weights of a small model from nothing, with Muon: level, then down to zero at the end. Its state is
-- resumed from exactly. While it is level it need not know its end: a later call with another number of steps goes on
-- from the same state, to the same weights as if it had been called so at once.
local checkpoint, fs, json, progress, tensor, train =
  require "opah.checkpoint", require "opah.fs", require "opah.json", require "opah.progress", require "opah.tensor", require "opah.train"
local muon, own_files, states, steps = require "opah.muon", require "opah.own_files", require "opah.states", require "opah.steps"

---@class opah.pretraining
local pretraining = {}

---@class opah.pretraining.Settings
---@field model LanguageModel Unfrozen.
---@field data Dataset
---@field folder string Of checkpoints/, state.ckpt, the state before it and metrics.jsonl.
---@field steps integer
---@field decay_steps integer How many of them the rate takes to fall to zero.
---@field warmup integer Steps in which it rises.
---@field batch integer Rows per step.
---@field lr number Of embeddings, outputs and vectors.
---@field muon_lr number Of hidden matrices.
---@field every integer Steps between two checkpoints.
---@field identity table What may not change between the calls for one folder.

--- The factor on the rates after `done` steps.
---
---     settings = { warmup = 2, steps = 10, decay_steps = 4 }
---     pretraining.factor(0, settings), pretraining.factor(5, settings), pretraining.factor(8, settings)  --> 0.5, 1, 0.5
---@param done integer
---@param settings { warmup: integer, steps: integer, decay_steps: integer }
---@return number
function pretraining.factor(done, settings)
  return math.min(1, (done + 1) / math.max(settings.warmup, 1)) * math.min(1, (settings.steps - done) / math.max(settings.decay_steps, 1))
end

-- Mean losses of the held-out clips.
local function measure(settings)
  return tensor.no_grad(function()
    local sums, batches = { loss = 0, semantic = 0, base = 0, top_5_accuracy = 0 }, settings.data:validation(settings.batch)
    for _, batch in ipairs(batches) do
      local loss, parts = settings.model:loss(batch)
      sums.loss = sums.loss + loss:item()
      for _, name in ipairs { "semantic", "base", "top_5_accuracy" } do sums[name] = sums[name] + parts[name] end
    end
    for name, sum in pairs(sums) do sums[name] = sum / math.max(#batches, 1) end
    return #batches > 0 and sums or nil
  end)
end

--- Trains, or goes on; returns the path of the last checkpoint, which `opah run extract-model` takes.
---
---     model = lm.load(opah.embedded.model)
---     model:unfreeze()
---     rows = opah.embedded.dataset("data/protos", model, { max_length = 128 })
---     settings = { steps = 1, decay_steps = 1, warmup = 1, batch = 1, lr = 1e-3, muon_lr = 1e-3, every = 1, identity = {} }
---     settings.model, settings.data, settings.folder = model, rows, "small"
---     pretraining.run(settings)  --> "small/checkpoints/step_000000001.ckpt"
---@param settings opah.pretraining.Settings
---@return string
function pretraining.run(settings)
  local folder, model, data = settings.folder, settings.model, settings.data
  fs.mkdir(fs.join(folder, "checkpoints"))
  local _ <close> = fs.lock(folder, "pretraining a model")
  local kept = states.new(folder, "weights", "to begin anew move them and the checkpoints away, or choose another --project")
  local identity, state, path = json.encode(settings.identity), kept:newest()
  local named, parameters, step = model:named_parameters(), model:parameters(), 0
  local optimizer = muon.with_adamw(named, { lr = settings.lr, muon_lr = settings.muon_lr })
  if state then
    if state.identity ~= identity then
      error(fs.error("checkpoint", path .. " was made by a run with other settings", "give the same ones, or another --project"), 0)
    end
    tensor.no_grad(function() for name, weight in pairs(named) do weight:copy_(state.weights[name]) end end)
    optimizer:set_state(state.optimizer)
    data:set_state(json.decode(state.data))
    step = math.tointeger(state.step) or 0
    progress.log(("going on after step %d of %d"):format(step, settings.steps))
  elseif #fs.list(fs.join(folder, "checkpoints"), { extension = ".ckpt" }) > 0 then
    error(fs.error("usage", folder .. " holds checkpoints of another run", "give another --project, or move them"), 0)
  end
  local function path_of(at) return fs.join(folder, "checkpoints", ("step_%09d.ckpt"):format(at)) end
  local function note(fields)
    own_files.append(fs.join(folder, "metrics.jsonl"), json.encode(fields))
  end
  local function write()
    local weights, prefixed = {}, {}
    for name, weight in pairs(named) do weights[name], prefixed["model." .. name] = weight:detach(), weight:detach() end
    checkpoint.save(path_of(step), { state_dict = prefixed, step = step })
    kept:save { step = step, identity = identity, weights = weights, optimizer = optimizer:state(), data = json.encode(data:state()) }
  end
  local function save()
    write()
    local held = measure(settings)
    if held then
      progress.log(("step %d: held-out loss %.3f (semantic %.3f, base %.3f), top-5 %.3f"):format(step, held.loss, held.semantic, held.base,
        held.top_5_accuracy))
      note { step = step, held_out = held }
    end
  end

  local bar <close> = progress.bar(settings.steps, "pretrain", { done = step })
  local function take()
    if step >= settings.steps then return end
    local factor = pretraining.factor(step, settings)
    optimizer.lr, optimizer.muon_lr = settings.lr * factor, settings.muon_lr * factor
    local loss, parts = model:loss(data:batch(settings.batch))
    local value = loss:item()
    if value ~= value or value == math.huge then
      error(fs.error("data", ("the loss of step %d is no number"):format(step + 1), "lower --lr and --muon-lr"), 0)
    end
    loss:backward()
    local norm = train.clip_grad_norm(parameters, 1)
    optimizer:step()
    optimizer:zero_grad()
    step = step + 1
    return { step = step, loss = value, semantic = parts.semantic, base = parts.base, norm = norm, factor = factor }
  end
  steps.run(take, function(shown)
    bar:step(1, { loss = shown.loss, semantic = shown.semantic })
    note(shown)
    if step % settings.every == 0 and step < settings.steps then save() end
  end, write)
  save()
  return path_of(step)
end

return pretraining
