given, broken = {}, false          -- globals: not captured
local function batched(size, work)
  local graph = opah.graph { folder = folder .. "/batched" }
  graph:each("upper", { over = graph:files(folder .. "/raw", { extension = ".wav" }), batch = size }, work)
  given = {}
  local code, reports = graph:run()
  return reports.upper, code
end
local function work(inputs, outputs)
  assert(#inputs == #outputs)
  given[#given + 1] = #inputs
  for i, input in ipairs(inputs) do
    if broken and input:find(broken, 1, true) then error("no sound", 0) end
    fs.write(outputs[i] .. ".txt", fs.read(input):upper())
    fs.write(outputs[i] .. ".len", "10")
  end
end
local function sizes() return table.concat(given, " ") end
assert(batched(2, work).made == 3 and sizes() == "2 1", sizes())
assert(#fs.list(folder .. "/batched/upper", { recursive = true }) == 6 and fs.read(folder .. "/batched/upper/花子/b.txt") == "SOUND OF B")
assert(batched(2, work).fresh == 3 and #given == 0)

-- One changed clip redoes only that one; the size of batches is no reason to do anything.
fs.write(folder .. "/raw/花子/b.wav", "new sound")
local report = batched(16, work)
assert(report.made == 1 and report.fresh == 2 and sizes() == "1", sizes())
fs.remove(folder .. "/batched/upper/花子/c.len")
assert(batched(16, work).why == "花子/c.len is missing" and sizes() == "1")

-- A bad clip spoils no other of its batch, and none of theirs is half done.
for _, name in ipairs { "a", "b", "c" } do fs.write(folder .. "/raw/花子/" .. name .. ".wav", "third sound of " .. name) end
broken = "b.wav"
local skipped, code = batched(3, work)
assert(code == 3 and skipped.made == 2 and #skipped.skipped == 1 and skipped.skipped[1].path:find("b.wav", 1, true) and sizes() == "3 1 1 1", sizes())
assert(#fs.list(folder .. "/batched/upper", { recursive = true }) == 4)
broken = false
assert(batched(3, work).made == 1 and sizes() == "1")
fails("argument", "batch is a number of files", batched, 0, work)
fails("argument", "batch is a number of files", batched, "all", work)

-- Ctrl-C is no bad clip: nothing is tried again.
fs.write(folder .. "/raw/花子/a.wav", "fourth")
fs.write(folder .. "/raw/花子/b.wav", "fourth")
fails("interrupted", "stop", batched, 2, function(inputs) given[#given + 1] = #inputs error(fs.error("interrupted", "stop"), 0) end)
assert(sizes() == "2")
