local function fit(options)
  local opts = { model = adapted(), data = dataset(), project = "p", results = folder .. "/results", max_steps = 8, batch_size = 1, lr = 0.01,
                 val_check_interval = 4, every_n_train_steps = 3, on_warning = function() end, config = { a = { 1, 2 }, name = "花子" } }
  for k, v in pairs(options or {}) do opts[k] = v end
  return train.fit(opts)
end
local plan
local planned = fit { dry_run = true, on_start = function(p) plan = p end }
assert(planned.ending == "planned" and not fs.exists(folder .. "/results/p") and plan.max_steps == 8 and plan.first_step == 0 and #plan.lines >= 4)
local told = plan.forecast
assert(told.memory > 3.6e7 and told.memory < told.memory_budget and told.seconds > 0 and told.checkpoints == 3 and told.disk == 3 * told.checkpoint_bytes)
fails("memory", "are allowed", fit, { memory_budget = "5MB" })
assert(not fs.exists(folder .. "/results/p"))
local cost = adapted():training_cost { rows = { 20, 30 }, frames = { 10, 30 } }
assert(cost.operations > cost.floor_operations and cost.parts == 1 and cost.recomputed_layers == 0 and cost.seconds(1e11, 1e10) > cost.seconds(2e11, 1e10))
fails("argument", "frames", function() adapted():training_cost { rows = { 20 }, frames = { 30 } } end)
local stopped = fit { on_step = function(log) return log.step < 5 end }
assert(stopped.ending == "stopped" and stopped.step == 5 and stopped.exit_code == 0)
local saved = {}
local rest = fit { on_checkpoint = function(path) saved[#saved + 1] = path end }
assert(rest.ending == "finished" and rest.first_step == 5 and rest.step == 8 and #saved == 2 and saved[2] == rest.checkpoint)
assert(rest.best.loss > 0 and rest.coverage.seen > 0)
local whole = fit { project = "whole" }
assert(fs.read(whole.checkpoint) == fs.read(rest.checkpoint), "resuming changed the result")
assert(fit().ending == "already_finished")
local config = dofile(folder .. "/results/p/config.lua")
assert(config.a[2] == 2 and config.name == "花子")
fails("config", "lr was 0.01 and is 0.02", fit, { lr = 0.02 })
fails("argument", "cannot be the name", fit, { project = "../x" })
fails("argument", "memory_budget", fit, { memory_budget = "4 parsecs" })
fails("argument", "did you mean max_steps", fit, { max_stepz = 1 })
fails("config", "limit_val_batches", fit, { limit_val_batches = 0 })
fit { project = "own", memory_budget = "2GB", schedule = function(step) return step == 0 and 0 or 0.5 end,
      on_step = function(log) assert(log.lr == (log.step == 1 and 0 or 0.005)) end }
-- An error in a callback ends the run with that error.
local ok, err = pcall(fit, { project = "bad", on_step = function() error("own words") end })
assert(not ok and tostring(err):find("own words", 1, true))
