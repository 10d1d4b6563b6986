run()
local before = packed()
fs.write(folder .. "/raw/花子/b.lab", "new words")
local ok, problem = pcall(run, { on_pack = function(output) fs.write(output .. "/half", "x") error("disk on fire", 0) end })
assert(not ok and tostring(problem):find("disk on fire", 1, true))
assert(packed() == before and not fs.exists(folder .. "/out/packs/half"))
expect("packs, report", {})

-- One bad clip is skipped and listed; its earlier result goes, the others stay; it is tried again.
fs.write(folder .. "/raw/花子/c.wav", "broken")
local reports, code = run { on_clip = function(path) if fs.read(path) == "broken" then error("no sound", 0) end end }
assert(code == 3 and #reports.upper.skipped == 1 and reports.upper.skipped[1].problem == "no sound")
assert(not fs.exists(folder .. "/out/upper/花子/c.txt") and not packed():find("SOUND OF C") and reports.packs.made == 1)
assert(expect("upper 1, packs, report").upper.made == 1)

-- When nothing at all is left the graph says so.
local all_fail = pcall(run, { gain = 5, on_clip = function() error("no", 0) end })
assert(not all_fail)
