-- Marks that nothing closes, long blanks and long paragraphs: in time that grows with the text's length alone.
local markdown = require "opah.speech.markdown"

local function text_of(content)
  local list = {}
  for i, block in ipairs((markdown.blocks(content))) do list[i] = block.kind .. " " .. block.text end
  return table.concat(list, "|")
end
local function shows(content, expected)
  local found = text_of(content)
  assert(found == expected, found)
end
shows("## A part ##\n# C# and F#\n#\tTabs\t###", "heading A part|heading C# and F#|heading Tabs")
shows("| a | b |\n|:--|--:|\n| **c** |  |\n|d|e", "item a, b|item c,|item d, e")
shows("one <!-- not\nthis --> two <!-- three --> four <!-- five", "paragraph one <!-- not this --> two  four <!-- five")
shows("[a [b](c) d](e)", "paragraph [a b d](e)")
shows("![x](y) <b>bold</b> <https://z.org> [r][s] <ruby>漢字<rt>かんじ</rt></ruby>", "paragraph bold https://z.org r ｜漢字《かんじ》")

local n = 200000
local began = os.clock()
for _, content in ipairs {
  "# a" .. (" "):rep(n) .. "x", "# " .. ("#"):rep(n) .. "x", "|" .. (" "):rep(n) .. "x |", (" "):rep(n) .. "x", ("|"):rep(n),
  ("["):rep(n), ("[a](b"):rep(n // 5), ("![a](b"):rep(n // 6), ("[a][b"):rep(n // 5), ("<a"):rep(n // 2), ("<!--"):rep(n // 4),
  ("<ruby>"):rep(n // 6), ("<http://"):rep(n // 8), ("*a "):rep(n // 3), ("_a"):rep(n // 2), ("- "):rep(n // 2),
  ("a line of a paragraph\n"):rep(n // 2),
} do
  markdown.blocks(content)
  assert(os.clock() - began < 20, ("%.1f s in all with %s..."):format(os.clock() - began, content:sub(1, 12)))
end
