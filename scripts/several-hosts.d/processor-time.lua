--- Seconds of the processor that each process of a run spends in training two steps of eight rows; in the folder with
--- packs.
-- The least of three: what else runs on the machine takes caches and memory away.
local opah = require "opah"
local data, dist, fs, lm, lora, train = opah.data, opah.dist, opah.fs, opah.lm, opah.lora, opah.train
local embedded = require "opah.embedded"

local config = opah.json.decode(fs.read(fs.join(embedded.model, "config.json")))
config.dim, config.n_layer, config.n_head, config.n_local_heads, config.head_dim, config.intermediate_size = 512, 4, 8, 2, 64, 1376
config.fast_dim = nil
local least
for round = 1, 3 do
  local model = lm.new(config, { seed = 1 })
  lora.apply(model, "r_8_alpha_16", { seed = 1 })
  local ds = data.dataset { protos = "data/protos", tokenizer = lm.load(embedded.model).tokenizer, max_length = 512 }
  local before = os.clock()
  train.fit {
    model = model, data = ds, project = ("processor-time-%d-%d"):format(dist.size(), round), max_steps = 2, batch_size = 8,
    val_check_interval = 0, progress = false,
  }
  least = math.min(least or math.huge, os.clock() - before)
end
local all = dist.gather(least)
if dist.rank() == 1 then print(table.concat(all, " ")) end
