--- What a training run does beside training: stop early, find the best checkpoint, speak at each of them.
--
--   local callbacks, embedded = require "opah.callbacks", require "opah.embedded"
--   local model, codec = lm.load(embedded.model), embedded.codec()
--   lora.apply(model, "r_8_alpha_16")
--   local ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2 }
--   local best = callbacks.best_checkpoint { tolerance = 0.01 }
--   train.fit(callbacks.with({ model = model, data = ds, project = "my-voice", batch_size = 2, max_steps = 2,
--       val_check_interval = 2, every_n_train_steps = 2 }, {
--     callbacks.early_stop { patience = 5 }, best,
--     callbacks.audition { model = model, codec = codec, folder = "out/auditions", sentences = { "Hello." } },
--   }))
--   print(best.step, best.loss, best.path)
--
-- A callback is a table with any of the functions that train.fit takes (on_start, on_step, on_validation,
-- on_checkpoint, on_warning), each called with the table itself first: one of your own is as good.
local opah = require "opah"
local audio, fs, json = require "opah.audio", require "opah.fs", require "opah.json"
local progress, tensor, vq = require "opah.progress", require "opah.tensor", require "opah.vq"

---@class opah.Callback A table with any of these functions.
---@field on_start? fun(self: table, plan: table)
---@field on_step? fun(self: table, log: table): boolean?
---@field on_validation? fun(self: table, log: table)
---@field on_checkpoint? fun(self: table, path: string)
---@field on_warning? fun(self: table, text: string)

---@class opah.callbacks.Measured
---@field step integer Optimizer steps taken.
---@field loss number On the held-out clips.
---@field path? string The checkpoint of that step.

---@class opah.callbacks.EarlyStopOptions
---@field patience? integer Validations without progress before the run ends; 3 unless given.
---@field min_delta? number How much lower the loss must be to count as progress; 0 unless given.

---@class opah.callbacks.EarlyStop: opah.Callback
---@field reason? string Why the run was ended; nil when it was not.
---@field lowest number The lowest loss so far.
---@field lowest_step integer The step that had it.

---@class opah.callbacks.BestOptions
---@field tolerance? number The share by which its loss may lie above the lowest; 0.01 unless given.

---@class opah.callbacks.Best: opah.Callback
---@field step? integer
---@field loss? number
---@field path? string

---@class opah.callbacks.AuditionOptions
---@field model LanguageModel The model that is trained.
---@field sentences string[] What it says.
---@field folder? string Where the files of each checkpoint go; needed in training.
---@field codec? Codec Makes sound of the codes.
---@field every? integer Every how many checkpoints; 1 unless given.
---@field generate? table More options of model:generate.

---@class opah.callbacks.Audition: opah.Callback
---@field files string[] What was written.
---@field speak fun(self: opah.callbacks.Audition, folder: string) Speaks now, into a folder.

---@class opah.callbacks
local callbacks = {}
local events = { "on_start", "on_step", "on_validation", "on_checkpoint", "on_warning" }

--- A copy of train.fit's `options` that also calls every callback of `list`, after the options' own functions.
--- The run ends when any on_step returns false.
---
---     steps = { count = 0 }
---     function steps:on_step(log) self.count = self.count + 1 end
---     options = callbacks.with({ project = "my-voice" }, { steps })
---     options.on_step { step = 1, loss = 3.2 }
---     steps.count, options.project  --> 1, "my-voice"
---@param options table As train.fit takes them.
---@param list opah.Callback[]
---@return table options
function callbacks.with(options, list)
  local result = {}
  for name, value in pairs(options) do result[name] = value end
  for _, event in ipairs(events) do
    local own, others = options[event], {}
    for _, callback in ipairs(list) do
      if callback[event] then others[#others + 1] = callback end
    end
    if #others > 0 then
      result[event] = function(...)
        local goes_on = not own or own(...) ~= false
        for _, callback in ipairs(others) do
          if callback[event](callback, ...) == false then goes_on = false end
        end
        return goes_on
      end
    end
  end
  return result
end

--- Ends the run when the loss on held-out clips has not fallen by `min_delta` (0) in `patience` (3) validations.
--- Afterwards `reason` says why, and is nil when it did not.
---
---     stop = callbacks.early_stop { patience = 2 }
---     for step, loss in ipairs { 3.0, 2.5, 2.6, 2.7 } do stop:on_validation { step = step, loss = loss } end
---     stop:on_step(), stop.reason  --> false, "the loss on held-out clips is 2.7000, and was 2.5000 at step 2, 2 validations ago"
---@param options? opah.callbacks.EarlyStopOptions
---@return opah.callbacks.EarlyStop
function callbacks.early_stop(options)
  options = options or {}
  local patience, min_delta = options.patience or 3, options.min_delta or 0
  local stopper = { lowest = math.huge, lowest_step = 0, waited = 0 }
  function stopper:on_validation(log)
    if log.loss < self.lowest - min_delta then
      self.lowest, self.lowest_step, self.waited = log.loss, log.step, 0
    elseif log.step > self.lowest_step then
      self.waited = self.waited + 1
    end
    if self.waited >= patience and not self.reason then
      self.reason = ("the loss on held-out clips is %.4f, and was %.4f at step %d, %d validations ago")
        :format(log.loss, self.lowest, self.lowest_step, self.waited)
      progress.log("stopping early: " .. self.reason)
    end
  end
  function stopper:on_step() return not self.reason end
  return stopper
end

--- The earliest of `measured` (a list of `{ step, loss, ... }`, in order) whose loss is at most `tolerance` (0.01,
--- a share) above the lowest: later checkpoints tend to be worse on texts unlike the training data. Nil of an empty list.
---
---     measured = { { step = 100, loss = 4 }, { step = 200, loss = 3.02 }, { step = 300, loss = 3 } }
---     callbacks.earliest_good(measured).step, callbacks.earliest_good(measured, 0).step  --> 200, 300
---@param measured opah.callbacks.Measured[]
---@param tolerance? number
---@return opah.callbacks.Measured?
function callbacks.earliest_good(measured, tolerance)
  local lowest = math.huge
  for _, item in ipairs(measured) do lowest = math.min(lowest, item.loss) end
  for _, item in ipairs(measured) do
    if item.loss <= lowest * (1 + (tolerance or 0.01)) then return item end
  end
end

--- Follows a run and knows its earliest good checkpoint: `step`, `loss` and `path`, nil until there is one.
--- Only checkpoints of steps that were validated count: use the same interval for both.
---
---     best = callbacks.best_checkpoint { tolerance = 0.01 }
---     for step, loss in pairs { [100] = 3.1, [200] = 3.0 } do
---       best:on_validation { step = step, loss = loss }
---       best:on_checkpoint(("checkpoints/step_%09d.ckpt"):format(step))
---     end
---     best.step, best.path  --> 200, "checkpoints/step_000000200.ckpt"
---@param options? opah.callbacks.BestOptions
---@return opah.callbacks.Best
function callbacks.best_checkpoint(options)
  local tolerance = options and options.tolerance
  local best, losses, measured = {}, {}, {}
  function best.on_validation(_, log) losses[log.step] = log.loss end
  function best:on_checkpoint(path)
    local step = tonumber(path:match("step_(%d+)%.ckpt$"))
    if not losses[step] then return end
    measured[#measured + 1] = { step = step, loss = losses[step], path = path }
    local pick = callbacks.earliest_good(measured, tolerance)
    if pick then self.step, self.loss, self.path = pick.step, pick.loss, pick.path end
  end
  return best
end

--- The validations of a run in `folder` (results/P): a list of `{ step, loss }`, in order. A folder without
--- metrics.jsonl is an error.
---
---     fs.mkdir("results/old")
---     fs.write("results/old/metrics.jsonl", '{"stage": "val", "step": 100, "loss": 3.25}\n')
---     callbacks.validations("results/old")  --> {{loss = 3.25, step = 100}}
---@param folder string
---@return opah.callbacks.Measured[]
function callbacks.validations(folder)
  local measured = {}
  for line in fs.read(fs.join(folder, "metrics.jsonl")):gmatch("[^\n]+") do
    local entry = json.decode(line)
    if entry.stage == "val" then measured[#measured + 1] = { step = entry.step, loss = entry.loss } end
  end
  return measured
end

--- The validated checkpoints of a run in `folder`: a list of `{ step, loss, path }`, in order.
---
---     fs.mkdir("results/older/checkpoints")
---     fs.write("results/older/metrics.jsonl", '{"stage": "val", "step": 100, "loss": 3.25}\n')
---     fs.write("results/older/checkpoints/step_000000100.ckpt", "")
---     callbacks.checkpoints("results/older")[1].path  --> "results/older/checkpoints/step_000000100.ckpt"
---@param folder string
---@return opah.callbacks.Measured[]
function callbacks.checkpoints(folder)
  local losses, measured = {}, {}
  for _, item in ipairs(callbacks.validations(folder)) do losses[item.step] = item.loss end
  for _, path in ipairs(fs.list(fs.join(folder, "checkpoints"), { extension = ".ckpt" })) do
    local step = tonumber(path:match("step_(%d+)%.ckpt$"))
    if losses[step] then measured[#measured + 1] = { step = step, loss = losses[step], path = path } end
  end
  return measured
end

--- Speaks the same sentences at every checkpoint: `folder`/step_000000100/1.npy and, with a `codec`, 1.wav.
--- Afterwards `files` are what was written. The run is not changed by it.
---
---     voice = callbacks.audition {
---       model = lm.load(opah.embedded.model), sentences = { "Good morning." }, folder = "auditions", generate = { max_new_tokens = 4 },
---     }
---     voice:on_checkpoint("results/my-voice/checkpoints/step_000000100.ckpt")
---     voice.files  --> {"auditions/step_000000100/1.npy"}
---@param options opah.callbacks.AuditionOptions
---@return opah.callbacks.Audition
function callbacks.audition(options)
  local voice, seen = { files = {} }, 0
  function voice:speak(folder)
    fs.mkdir(folder)
    for number, sentence in ipairs(options.sentences) do
      local wanted = { text = sentence, seed = 1, max_new_tokens = 400 }
      for name, value in pairs(options.generate or {}) do wanted[name] = value end
      local codes = options.model:generate(wanted)
      local base = fs.join(folder, tostring(number))
      tensor.save_npy(base .. ".npy", codes)
      self.files[#self.files + 1] = base .. ".npy"
      if options.codec then
        -- A model that has not learnt yet may say codes that the codec does not have.
        ---@type boolean, any
        local ok, samples = pcall(options.codec.decode, options.codec, codes)
        if ok then
          audio.save(base .. ".wav", samples, options.codec.sample_rate)
          self.files[#self.files + 1] = base .. ".wav"
        elseif type(samples) == "userdata" and samples.kind == "interrupted" then
          error(samples, 0)
        else
          progress.log(("%s: no sound: %s"):format(base, (opah.error_text(samples))))
        end
      end
    end
  end
  function voice:on_checkpoint(path)
    seen = seen + 1
    if (seen - 1) % (options.every or 1) == 0 then self:speak(fs.join(options.folder, fs.basename(path, ".ckpt"))) end
  end
  return voice
end

--- The callbacks that `settings` ask for (`callbacks` of the stock training configuration: early_stop, audition), for
--- a run with train.fit's `options`. Auditions go to results/P/auditions.
---
---     settings = { early_stop = { patience = 5 } }
---     #callbacks.configured(settings, { project = "my-voice" }), #callbacks.configured({}, {})  --> 1, 0
---@param settings table
---@param options table As train.fit takes them.
---@return opah.Callback[]
function callbacks.configured(settings, options)
  local list = {}
  local stop, audition = settings.early_stop or {}, settings.audition or {}
  if stop.patience then list[1] = callbacks.early_stop(stop) end
  if audition.sentences and #audition.sentences > 0 then
    local codec = audition.codec_checkpoint
      and vq.load { config = audition.codec_config or "firefly_gan_vq", checkpoint = audition.codec_checkpoint }
    list[#list + 1] = callbacks.audition {
      model = options.model, codec = codec, sentences = audition.sentences, every = audition.every,
      folder = fs.join(options.results, options.project, "auditions"),
      generate = { max_new_tokens = audition.max_new_tokens },
    }
  end
  return list
end

return callbacks
