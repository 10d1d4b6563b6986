local ends, before = {}, nil
for _, precision in ipairs { "32-true", "bf16-rounded" } do
  local model = fresh(precision)
  local set, params = rows(model), model:parameters()
  local optimizer = train.adamw(params, { lr = 1e-3 })
  before = held_out(model, set)
  for _ = 1, 30 do
    model:loss(set:batch(4)):backward()
    train.clip_grad_norm(params, 1)
    optimizer:step()
    optimizer:zero_grad()
  end
  ends[precision] = held_out(model, set)
end
local exact, half = ends["32-true"], ends["bf16-rounded"]
assert(exact < before * 0.98, before .. " " .. exact)
assert(math.abs(half - exact) < 0.05 * (before - exact), ("from %.4f to %.4f and %.4f"):format(before, exact, half))
