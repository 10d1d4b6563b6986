-- The table is the codec that the name means: the same seed gives the same weights.
for i, config in ipairs { "firefly_gan_vq", opah.home .. "/stdlib-lua/opah/configs/firefly_gan_vq.lua" } do
  opah.vq.new({ config = config, seed = 1 }):save(folder .. "/" .. i .. ".pth")
end
assert(fs.digest(folder .. "/1.pth") == fs.digest(folder .. "/2.pth"))
local counts = {}
for _, path in ipairs(fs.list(opah.home .. "/stdlib-lua/opah/configs/lora", { extension = ".lua" })) do
  local name = fs.basename(path, ".lua")
  local config = lora.config(name)
  assert(config.lora_alpha == 2 * config.r and name:find("^r_" .. config.r .. "_alpha_" .. math.tointeger(config.lora_alpha)), name)
  local model = lm.load(tiny)
  lora.apply(model, name)
  counts[name] = #model:parameters()
  for parameter in pairs(model:named_parameters()) do
    if parameter:find("lora_") and name:find("fast$") then assert(parameter:find("^fast_"), parameter) end
    if parameter:find("lora_") and name:find("attention$") then assert(parameter:find(".attention.", 1, true), parameter) end
  end
end
assert(counts.r_8_alpha_16_fast < counts.r_8_alpha_16 and counts.r_8_alpha_16_attention < counts.r_8_alpha_16 and counts.r_64_alpha_128 == counts.r_8_alpha_16)
