local callbacks, embedded = opah.callbacks, require "opah.embedded"
local packs = embedded.packs(folder)
local function run(project, list, more)
  local model = lm.load(tiny)
  lora.apply(model, "r_4_alpha_8", { seed = 1 })
  local options = { model = model, data = embedded.dataset(packs, model), project = project, results = folder .. "/results", max_steps = 6, lr = 0.01,
                    batch_size = 1, num_warmup_steps = 1, val_check_interval = 2, every_n_train_steps = 2, on_warning = function() end }
  for name, value in pairs(more or {}) do options[name] = value end
  return train.fit(callbacks.with(options, list and list(model) or {})), options
end
local plain = run("plain")
local best, voice, own = callbacks.best_checkpoint {}, nil, { steps = 0 }
function own:on_step() self.steps = self.steps + 1 return true end
local steps = 0
local heard = run("heard", function(model)
  voice = callbacks.audition { model = model, codec = codec(), folder = folder .. "/auditions", sentences = { "One.", "二。" }, every = 2, generate = { max_new_tokens = 5 } }
  return { best, voice, own }
end, { on_step = function() steps = steps + 1 end })
assert(steps == 6 and own.steps == 6)
-- Speaking between steps changes nothing in the run.
assert(fs.read(heard.checkpoint) == fs.read(plain.checkpoint), "an audition changed the run")
assert(best.path == heard.checkpoint and best.step == 6, "the loss falls: the last is the best")
for _, name in ipairs { "step_000000002/1.npy", "step_000000002/2.npy", "step_000000006/1.npy" } do assert(fs.exists(folder .. "/auditions/" .. name), name) end
assert(not fs.exists(folder .. "/auditions/step_000000004"))
local measured = callbacks.checkpoints(heard.folder)
assert(#measured == 3 and measured[3].loss == best.loss and callbacks.validations(heard.folder)[1].step == 0)

-- A rate of nothing: no progress, and the run ends early.
local stop = callbacks.early_stop { patience = 2 }
local stopped = run("stopped", function() return { stop } end, { lr = 1e-12, max_steps = 40 })
assert(stopped.ending == "stopped" and stopped.step < 40 and stop.reason)
