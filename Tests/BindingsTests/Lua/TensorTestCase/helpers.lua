tensor = require "opah.tensor"
nn = require "opah.nn"
local function check(got, want, tolerance, path)
  if type(want) == "table" then
    if type(got) ~= "table" or #got ~= #want then error(("%s: %s values, wanted %d"):format(path, type(got) == "table" and #got or "no", #want), 3) end
    for i = 1, #want do check(got[i], want[i], tolerance, path .. "[" .. i .. "]") end
  elseif type(want) == "number" then
    local ok = got == want or (want ~= want and got ~= got) or (type(got) == "number" and math.abs(got - want) <= tolerance)
    if not ok then error(("%s is %s, wanted %s"):format(path, got, want), 3) end
  elseif got ~= want then error(("%s is %s, wanted %s"):format(path, got, want), 3) end
end
function same(got, want, tolerance)
  if tensor.is_tensor(got) then got = got:totable() end
  if tensor.is_tensor(want) then want = want:totable() end
  check(got, want, tolerance or 1e-6, "value")
end
