--- A codec's training run: phases one after the other, a state that it is resumed from exactly, held-out figures.
local fs, progress, tensor, train = require "opah.fs", require "opah.progress", require "opah.tensor", require "opah.train"
local json, own_files = require "opah.json", require "opah.own_files"
local phases, states = require "opah.codec.phases", require "opah.states"

---@class opah.codec.Run
---@field folder string
---@field step integer Steps taken, of all phases together.
---@field learner opah.codec.Learner
---@field plan { phase: string, first: integer, steps: integer }[]
local Run = {}
Run.__index = Run

---@class opah.codec.run
local run = {}

---@class opah.codec.RunSettings
---@field folder string
---@field steps table<string, integer> By phase.
---@field batch integer Pieces per step.
---@field lr number Of the first half of each phase; it falls to zero along a cosine in the second.
---@field judges_lr number Of the discriminators.
---@field identity string What may not change between the runs of a folder.

--- Begins a run, or goes on with the one whose state is in the folder.
---@param learner opah.codec.Learner
---@param settings opah.codec.RunSettings
---@return opah.codec.Run
function run.open(learner, settings)
  local self = setmetatable({ learner = learner, settings = settings, folder = settings.folder, step = 0, plan = {}, total = 0 }, Run)
  for _, phase in ipairs(phases.order) do
    local steps = settings.steps[phase] or 0
    if steps > 0 then self.plan[#self.plan + 1] = { phase = phase, first = self.total, steps = steps } end
    self.total = self.total + steps
  end
  self.states = states.new(self.folder, "tensors", "to begin anew move them away, or choose another --output; codec.pth in the folder "
    .. "is what was learned until then: another run begins with it by --checkpoint-path")
  local state, path = self.states:newest()
  if state then self:restore(state, path) end
  return self
end

-- The tensors that a checkpoint holds, by name.
function Run:tensors()
  local all, codec = {}, self.learner.codec
  for _, name in ipairs(codec.names) do all["codec." .. name] = codec.parameters[name] end
  all["mel.weight"], all["mel.bias"] = self.learner.mel_weight, self.learner.mel_bias
  if self.learner.judges then
    for i, t in ipairs(self.learner.judges:parameters()) do all[("judges.%d"):format(i)] = t end
  end
  return all
end

--- The phase that the next step belongs to; nil at the end.
---@return { phase: string, first: integer, steps: integer }?
function Run:current()
  for _, entry in ipairs(self.plan) do
    if self.step < entry.first + entry.steps then return entry end
  end
end

-- The optimizers of a phase: fresh where it begins.
function Run:optimizers(phase)
  if self.phase ~= phase then
    self.phase = phase
    local trained = self.learner:trained(phase)
    self.trained = trained
    self.optimizer = train.adamw(trained, { lr = self.settings.lr, betas = { 0.8, 0.99 }, eps = 1e-8, weight_decay = 0.01 })
    self.judging = phase == "adversarial"
      and train.adamw(self.learner.judges:parameters(), { lr = self.settings.judges_lr, betas = { 0.8, 0.99 }, eps = 1e-8 }) or nil
  end
  return self.optimizer, self.judging
end

-- The factor on the learning rate: up in 20 steps, level, then down along a cosine from the middle of the phase.
local function factor(done, steps)
  local warm = math.min(1, (done + 1) / 20)
  return warm * (done * 2 < steps and 1 or 0.5 + 0.5 * math.cos(math.pi * (2 * done / steps - 1)))
end

--- Takes a step on samples [B, N]; returns the figures to show.
---@param samples Tensor
---@return table<string, number>
function Run:take(samples)
  local entry = assert(self:current())
  local optimizer, judging = self:optimizers(entry.phase)
  local done = self.step - entry.first
  tensor.manual_seed(self.step + 1)
  local loss, shown, judges = self.learner:losses(entry.phase, samples, done / entry.steps)
  shown.loss = loss:item()
  if shown.loss ~= shown.loss or shown.loss == math.huge then
    error(fs.error("data", ("the loss of step %d is no number"):format(self.step + 1),
      "lower --lr, and delete the folder's state.ckpt and state-before.ckpt to begin again"), 0)
  end
  loss:backward()
  shown.norm = train.clip_grad_norm(self.trained, 1000)
  optimizer.lr = self.settings.lr * factor(done, entry.steps)
  -- One gradient without a bound would leave weights that are no numbers: such a step changes nothing.
  if shown.norm < math.huge then
    optimizer:step()
  else
    progress.warn(("step %d: a gradient without a bound: the step is left out"):format(self.step + 1))
    shown.norm = nil
  end
  optimizer:zero_grad()
  if judging then
    judges:backward()
    judging.lr = self.settings.judges_lr * factor(done, entry.steps)
    judging:step()
    judging:zero_grad()
  end
  self.step = self.step + 1
  shown.lr = optimizer.lr
  return shown
end

--- Writes the state, from which the same command goes on exactly, and the codec as it is.
function Run:save()
  local tensors = {}
  for name, t in pairs(self:tensors()) do tensors[name] = t:detach() end
  self.states:save {
    format = 1, step = self.step, identity = self.settings.identity, phase = self.phase or "", tensors = tensors,
    optimizer = self.optimizer and self.optimizer:state() or {}, judging = self.judging and self.judging:state() or {},
  }
  self.learner.codec:save(fs.join(self.folder, "codec.pth"))
end

-- Goes on from a state: refused when another run made it.
function Run:restore(state, path)
  if state.identity ~= self.settings.identity then
    error(fs.error("checkpoint", path .. " was made by a run with other settings",
      "give the same ones, or another --output"), 0)
  end
  local own = self:tensors()
  tensor.no_grad(function() for name, t in pairs(own) do t:copy_(state.tensors[name]) end end)
  self.step = math.tointeger(state.step) or 0
  if state.phase ~= "" then
    local optimizer, judging = self:optimizers(state.phase)
    optimizer:set_state(state.optimizer)
    if judging then judging:set_state(state.judging) end
  end
  progress.log(("going on after step %d of %d"):format(self.step, self.total))
end

--- What the log of figures has of the steps until now. Lines of later ones are taken out: a run that ended before it saved had taken
--- them, and they come again.
---@return table[] rows
function Run:noted()
  local path, rows, lines, lost = fs.join(self.folder, "metrics.jsonl"), {}, {}, 0
  if fs.is_link(path) or not fs.exists(path) then return rows end
  for line in fs.read(path):gmatch("[^\n]+") do
    local ok, row = pcall(json.decode, line)
    if ok and type(row) == "table" and math.type(row.step) == "integer" and row.step <= self.step then
      rows[#rows + 1], lines[#lines + 1] = row, line .. "\n"
    else
      lost = lost + 1
    end
  end
  if lost > 0 then
    progress.log(("metrics.jsonl: %d lines of steps that were not saved are taken out"):format(lost))
    fs.write(path, table.concat(lines))
  end
  return rows
end

--- A line for the log of figures, `metrics.jsonl`.
---@param fields table
function Run:note(fields)
  own_files.append(fs.join(self.folder, "metrics.jsonl"), json.encode(fields))
end

return run
