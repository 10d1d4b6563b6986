local steps = require "opah.steps"
local begun, whole, saved = 0, 0, nil
local ok, problem = pcall(steps.run, function()
  begun = begun + 1
  spin(0.03)
  whole = whole + 1
  return true
end, function() spin(0.005) end, function()
  spin(0.2)                                   -- longer than code that cleans up may take otherwise
  saved = whole
end)
assert(not ok and problem.kind == "interrupted", tostring(problem))
assert(begun == whole and saved == whole and whole > 0)
