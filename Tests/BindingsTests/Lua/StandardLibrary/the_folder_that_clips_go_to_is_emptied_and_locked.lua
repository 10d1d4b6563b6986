local outputs = require "opah.outputs"
local input, output = folder .. "/in", folder .. "/out [1]"
fs.mkdir(input)
fs.mkdir(output .. "/a/b")
for _, name in ipairs { "/.hidden", "/c.wav", "/a/b/c.wav" } do fs.write(output .. name, "x") end
do
  local _ <close> = outputs.prepare(input, output, false)
  assert(fs.exists(output .. "/a/b/c.wav"))
  fails("file", "at work here already (writing clips)", outputs.prepare, input, output, true)
  assert(fs.exists(output .. "/a/b/c.wav"), "nothing is removed before the lock is had")
end
do
  local _ <close> = outputs.prepare(input, output, true)
  assert(fs.exists(output .. "/.lock") and not fs.exists(output .. "/a") and not fs.exists(output .. "/.hidden") and not fs.exists(output .. "/c.wav"))
end
assert(fs.exists(output) and not fs.exists(output .. "/.lock"))
fails("argument", "overlap", outputs.prepare, input, input .. "/x", true)
