local half
local function work(output)
  half = fs.exists(output .. "/half")
  if not half then fs.write(output .. "/half", "x") error("stopped", 0) end
end
assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
assert(pcall(run, { resume = true, on_pack = work }) and half == true)
-- With other inputs it begins anew.
fs.write(folder .. "/raw/花子/b.lab", "new words")
assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
fs.write(folder .. "/raw/花子/b.lab", "newer words")
assert(not pcall(run, { resume = true, on_pack = work }) and half == false)
-- Without `resume` a half-done folder is never seen.
assert(not pcall(run, { on_pack = work }) and half == false)
