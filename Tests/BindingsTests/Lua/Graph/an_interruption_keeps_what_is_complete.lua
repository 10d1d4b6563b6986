local seen = 0
local function stop() seen = seen + 1 if seen == 3 then error(fs.error("interrupted", "stop"), 0) end end
local ok, problem = pcall(run, { on_clip = stop })
assert(not ok and problem.kind == "interrupted")
local reports = expect("upper 1, packs, report", { on_clip = stop })
assert(reports.upper.fresh == 2)

-- A change of everything that is interrupted: what was not reached is still made again, and nothing old is used.
seen = 1
assert(not pcall(run, { on_clip = stop, captured = "?" }))
expect("upper 2, packs, report", { on_clip = stop, captured = "?" })
assert(select(2, packed():gsub("%?", "")) == 3)
