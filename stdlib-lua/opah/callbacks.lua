--- What a training run does beside training: stop early, find the best checkpoint, speak at each of them.
--
--   local callbacks = require "opah.callbacks"
--   local best = callbacks.best_checkpoint { tolerance = 0.01 }
--   train.fit(callbacks.with({ model = model, data = ds, project = "my-voice" }, {
--     callbacks.early_stop { patience = 5 }, best,
--     callbacks.audition { model = model, codec = codec, folder = "out/auditions", sentences = { "Hello." } },
--   }))
--   print(best.step, best.loss, best.path)
--
-- A callback is a table with any of the functions that train.fit takes (on_start, on_step, on_validation,
-- on_checkpoint, on_warning), each called with the table itself first: one of your own is as good.
local audio, fs, json = require "opah.audio", require "opah.fs", require "opah.json"
local progress, tensor, vq = require "opah.progress", require "opah.tensor", require "opah.vq"

local callbacks = {}
local events = { "on_start", "on_step", "on_validation", "on_checkpoint", "on_warning" }

--- A copy of train.fit's `options` that also calls every one of `list`, after the options' own functions.
-- The run ends when any on_step returns false.
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
-- Afterwards `reason` says why, and is nil when it did not.
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
-- a share) above the lowest: later checkpoints tend to be worse on texts unlike the training data.
function callbacks.earliest_good(measured, tolerance)
  local lowest = math.huge
  for _, item in ipairs(measured) do lowest = math.min(lowest, item.loss) end
  for _, item in ipairs(measured) do
    if item.loss <= lowest * (1 + (tolerance or 0.01)) then return item end
  end
end

--- Follows a run and knows its earliest good checkpoint: `step`, `loss` and `path`, nil until there is one.
-- Only checkpoints of steps that were validated count: use the same interval for both.
function callbacks.best_checkpoint(options)
  local tolerance = options and options.tolerance
  local best, losses, measured = {}, {}, {}
  function best.on_validation(_, log) losses[log.step] = log.loss end
  function best:on_checkpoint(path)
    local step = tonumber(path:match("step_(%d+)%.ckpt$"))
    if not losses[step] then return end
    measured[#measured + 1] = { step = step, loss = losses[step], path = path }
    local pick = callbacks.earliest_good(measured, tolerance)
    self.step, self.loss, self.path = pick.step, pick.loss, pick.path
  end
  return best
end

--- The validations of a run in `folder` (results/P): a list of `{ step, loss }`, in order.
function callbacks.validations(folder)
  local measured = {}
  for line in fs.read(fs.join(folder, "metrics.jsonl")):gmatch("[^\n]+") do
    local entry = json.decode(line)
    if entry.stage == "val" then measured[#measured + 1] = { step = entry.step, loss = entry.loss } end
  end
  return measured
end

--- The validated checkpoints of a run in `folder`: a list of `{ step, loss, path }`, in order.
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
-- `options`: model, sentences, folder, codec, every (1: each checkpoint), and `generate`, more options of
-- model:generate. Afterwards `files` are what was written. The run is not changed by it.
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
        local ok, samples = pcall(options.codec.decode, options.codec, codes)
        if ok then
          audio.save(base .. ".wav", samples, options.codec.sample_rate)
          self.files[#self.files + 1] = base .. ".wav"
        elseif type(samples) == "userdata" and samples.kind == "interrupted" then
          error(samples, 0)
        else
          progress.log(("%s: no sound: %s"):format(base, type(samples) == "string" and samples or samples.message))
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
-- a run with train.fit's `options`. Auditions go to results/P/auditions.
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
