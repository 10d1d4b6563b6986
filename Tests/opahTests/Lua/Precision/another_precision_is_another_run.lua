local function fit(precision, steps)
  local model = fresh(precision)
  return train.fit { model = model, data = rows(model), project = "p", results = "results", max_steps = steps, batch_size = 1, val_check_interval = 0,
    every_n_train_steps = 1, progress = false }
end
for _, way in ipairs { { "32-true", "bf16-rounded", "products were in float32 and are in bfloat16" }, { "bf16-rounded", "32-true", "bf16-rounded goes on" } } do
  if fs.exists("results") then fs.remove("results", { recursive = true }) end
  fit(way[1], 1)
  local ok, problem = pcall(fit, way[2], 2)
  assert(not ok and tostring(problem):find(way[3], 1, true), tostring(problem))
  assert(fit(way[1], 2).step == 2)
  -- What is measured goes on as the run began, whatever this machine would choose.
  local wanted, model = way[1] == "32-true" and "float32" or "bfloat16", fresh("auto")
  local result = train.fit { model = model, data = rows(model), project = "p", results = "results", max_steps = 3, batch_size = 1,
    val_check_interval = 0, every_n_train_steps = 1, progress = false }
  assert(result.step == 3 and model.products == wanted, model.products)
end
