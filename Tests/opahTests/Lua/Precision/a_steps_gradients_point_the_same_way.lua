for _, kind in ipairs { "lora", "dora", "full" } do
  local losses, gradients = {}, {}
  for _, precision in ipairs { "32-true", "bf16-rounded" } do
    local model
    if kind == "full" then
      model = lm.load(voice.model, { max_length = 256, precision = precision })
      model:unfreeze()
    else
      model = fresh(precision, kind)
      tensor.manual_seed(3)
      tensor.no_grad(function()
        for name, p in pairs(model:named_parameters()) do
          if name:find("lora_B") then p:copy_(tensor.randn(p:size(1), p:size(2), { generator = tensor.generator(#name) }) * 0.02) end
        end
      end)
    end
    assert(model.products == (precision == "32-true" and "float32" or "bfloat16"))
    local loss = model:loss(rows(model):batch(8))
    loss:backward()
    losses[precision], gradients[precision] = loss:item(), {}
    for name, p in pairs(model:named_parameters()) do
      if p.grad then gradients[precision][name] = p.grad end
    end
  end
  local exact, half = losses["32-true"], losses["bf16-rounded"]
  assert(exact ~= half, "nothing was rounded")
  assert(math.abs(half / exact - 1) < 2e-3, kind .. ": losses " .. exact .. " " .. half)
  local tensors = 0
  for name, g in pairs(gradients["32-true"]) do
    local h = gradients["bf16-rounded"][name]
    local norms = math.sqrt((g * g):sum():item() * (h * h):sum():item())
    local cosine = norms > 0 and (g * h):sum():item() / norms or 1
    assert(cosine > 0.998, ("%s: %s has a cosine of %.5f"):format(kind, name, cosine))
    tensors = tensors + 1
  end
  assert(tensors > 20, tensors)
end
