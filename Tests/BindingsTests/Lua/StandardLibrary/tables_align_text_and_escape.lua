local t = opah.tables { "voice", "loss" }
t:add { "Alice", 3.14159 }:add { "花子", 12 }:add { "a|b <c>", 0.5 }
t:sort("loss")
assert(t:text() == "voice     loss\na|b <c>    0.5\nAlice    3.142\n花子        12", t:text())
assert(t:markdown() == "| voice   |  loss |\n| ------- | ----: |\n| a\\|b <c> |   0.5 |\n| Alice   | 3.142 |\n| 花子    |    12 |", t:markdown())
assert(t:html():find("<td>a|b &lt;c&gt;</td><td>0.5</td>", 1, true))
local block = t:block()
assert(block.header[2] == "loss" and block.table[3][1] == "花子" and #block.table == 3)
t:sort("loss", true)
assert(t.rows[1][2] == 12)
for text, f in pairs { ["1 cells"] = function() t:add { 1 } end, ["no column"] = function() t:sort("x") end } do
  local ok, problem = pcall(f)
  assert(not ok and tostring(problem):find(text == "1 cells" and "row of 1" or text, 1, true), tostring(problem))
end
