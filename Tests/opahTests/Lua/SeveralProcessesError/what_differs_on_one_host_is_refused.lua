local opah = require "opah"
local embedded, dist, fs = require "opah.embedded", opah.dist, opah.fs
local what, usual = ...
local function is_other(name) return name == what and dist.rank() == 2 end
-- Each rank has a base of its own, as hosts without a shared disk have.
local base = "base" .. dist.rank()
fs.mkdir(base)
for _, path in ipairs(fs.list(embedded.model)) do fs.copy(path, fs.join(base, fs.basename(path))) end
if is_other("base") then
  local weights = opah.checkpoint.load(base .. "/model.pth")
  weights["norm.weight"] = weights["norm.weight"]:mul(1.5)
  opah.checkpoint.save(base .. "/model.pth", weights)
end
local model = opah.lm.load(base, { weights = "float32" })
opah.lora.apply(model, "r_4_alpha_8", { seed = 1 })
local packs = is_other("packs") and "fewer/protos" or usual
local ds = opah.data.dataset { protos = packs, tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2 }
opah.train.fit { model = model, data = ds, project = what, max_steps = 2, batch_size = 2, lr = is_other("lr") and 1e-3 or 1e-4 }
