local callbacks = opah.callbacks
local list = { { step = 1, loss = 4 }, { step = 2, loss = 3.02 }, { step = 3, loss = 3 }, { step = 4, loss = 3.5 } }
assert(callbacks.earliest_good(list, 0.01).step == 2 and callbacks.earliest_good(list, 0).step == 3)
assert(callbacks.earliest_good({}) == nil)
local best = callbacks.best_checkpoint { tolerance = 0 }
for _, item in ipairs(list) do
  best:on_validation(item)
  best:on_checkpoint(("x/step_%09d.ckpt"):format(item.step))
end
best:on_checkpoint("x/step_000000099.ckpt")      -- not validated: does not count
assert(best.step == 3 and best.loss == 3 and best.path == "x/step_000000003.ckpt")
