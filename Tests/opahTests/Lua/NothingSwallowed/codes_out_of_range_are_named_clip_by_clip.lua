fs.mkdir(folder .. "/data/S")
local function clip(name, offset)
  local codes = tensor.randint(0, 900, { 8, 20 }, { dtype = "int32", generator = tensor.generator(#name) })
  tensor.save_npy(folder .. "/data/S/" .. name .. ".npy", codes + offset)
  fs.write(folder .. "/data/S/" .. name .. ".lab", "Hello " .. name .. ".")
end
clip("a", 0) clip("bb", 100) clip("ccc", 5000) clip("dddd", -500)
local report = data.pack { input = folder .. "/data", output = folder .. "/protos" }
assert(report.sentences == 2 and #report.skipped == 2 and report.speakers == 1)
assert(report.skipped[1].path:find("ccc.npy") and report.skipped[1].reason:find("out of range: codes run from 0 to 1023"), report.skipped[1].reason)
assert(report.skipped[2].path:find("dddd.npy") and report.skipped[2].reason:find("the code %-"), report.skipped[2].reason)
clip("a", 3000) clip("bb", 3000)
fails("data", "a.npy: the code", data.pack, { input = folder .. "/data", output = folder .. "/none" })
local left_out
fails("data", "none of the 4 clips could be packed", data.pack,
  { input = folder .. "/data", output = folder .. "/none", on_skipped = function(list) left_out = list end })
assert(#left_out == 4)

-- Packs of others hold what they hold: told clip by clip, by the file where the packs know it.
report = data.pack { input = folder .. "/data", output = folder .. "/large", codebook_size = 4096 }
assert(report.sentences == 2)
local tokenizer = text.tokenizer(tiny)
local ok, problem = pcall(data.dataset, { protos = folder .. "/large", tokenizer = tokenizer, codebook_size = 1023 })
assert(not ok and problem.message:find("no clip is left to train on", 1, true))
assert(problem.message:find("S/a.npy: has the code", 1, true) and problem.message:find("S/bb.npy: has the code", 1, true), problem.message)
fs.remove(folder .. "/large/packs.json")
ok, problem = pcall(data.dataset, { protos = folder .. "/large", tokenizer = tokenizer, codebook_size = 1023 })
assert(not ok and problem.message:find("Hello a.", 1, true), problem.message)
