local steps = {}
local summary = train.fit {
  model = adapted(), data = dataset(), project = "p", results = folder .. "/results", max_steps = 6, batch_size = 2, lr = 0.01, num_warmup_steps = 2,
  seed = 11, val_check_interval = 0, on_step = function(log) steps[#steps + 1] = log end, on_warning = function() end,
}
assert(summary.ending == "finished" and summary.exit_code == 0 and summary.step == 6 and #steps == 6)
assert(fs.exists(summary.checkpoint) and fs.exists(summary.folder .. "/report.html"))
local model, ds = adapted(), dataset()
local params = model:parameters()
local opt, factor = train.adamw(params, { lr = 0.01 }), train.constant_with_warmup(2)
for step = 1, 6 do
  opt:zero_grad()
  opt.lr = 0.01 * factor(step - 1)
  assert(opt.lr == steps[step].lr)
  local loss, parts = model:loss(ds:batch(2), { seed = step })
  loss:backward()
  local norm = train.clip_grad_norm(params, 1)
  opt:step()
  -- Dropout draws other numbers here, on the adapter's inputs alone: until the adapter does something the loss is the same.
  if step <= 2 then assert(math.abs(parts.base + parts.semantic - steps[step].loss) < 1e-5) end
  assert(norm > 0)
end
local state = opt:state()
assert(state["1"].step == 6)
opt:set_state(state)
opt:step()
assert(opt:state()["1"].step == 7)
local named = train.adamw({ a = params[1], b = params[2] })
named:zero_grad()
assert(params[1].grad == nil)
fails("argument", "no tensor", train.adamw, { 1 })
fails("argument", "two numbers", train.adamw, params, { betas = { 0.9 } })
