local subtitles = require "opah.subtitles"
local function read(content)
  local lines = {}
  for i, cue in ipairs(subtitles.read(content)) do
    lines[i] = ("%d %s %s %s"):format(cue.line, cue.first or "-", cue.speaker or "-", cue.problem or cue.text)
  end
  return table.concat(lines, "|")
end
local function same(a, b) assert(a == b, a) end
same(read("1\n1:00:01,5 --> 1:00:02,5\none\n\na lost line\nand more\n\n2\n\n00:05.0 --> 00:06.0\ntwo\nlines\n"),
  "2 3601.5 - one|5 - - text without times: a lost line|10 5.0 - two lines")
same(read("WEBVTT\nmore: 1\n\nNOTE\nno --> cue\n\nname\n00:01.000 --> 00:02.000 align:start\n<v Ann>1 &lt; 2\n"), "8 1.0 Ann 1 < 2")
same(read("1\n00:00:0x,0 --> 00:00:02,000\nx\n"), "2 - - no times: 00:00:0x,0 --> 00:00:02,000")
same(read(""), "")
local cues = { { first = 0, last = 1.25, text = "a & b" }, { first = 3600, last = 3601, text = "<c>" } }
for i, cue in ipairs(subtitles.read(subtitles.vtt(cues))) do
  assert(cue.first == cues[i].first and cue.last == cues[i].last and cue.text == cues[i].text, cue.text)
end
fs.write(folder .. "/a.srt", "2\n00:00:03,000 --> 00:00:04,000\nLater.\n\n1\n00:00:01,000 --> 00:00:02,000\nFirst.\n\nLost.\n")
local pieces, notes = require("opah.speech.book").pieces(folder .. "/a.srt", { sentence = 0, paragraph = 0, heading = 0 }, {})
assert(pieces[1].text == "First." and pieces[1].at == 1 and pieces[2].text == "Later.")
same(notes[1], "1 blocks are no cues and are not spoken: line 9: text without times: Lost.")
-- Numbers that are no characters, and marks that never close, of which a megabyte takes no time out of proportion.
same(read("1\n00:01.0 --> 00:02.0\na&#55296;b&#99999999999;c&#65;\n"), "2 1.0 - a\u{FFFD}b\u{FFFD}cA")
local began = os.clock()
for _, mark in ipairs { "<", "<v ", "{\\", "- ", " \n" } do
  read("1\n00:01.0 --> 00:02.0\n" .. mark:rep(100000) .. "\n")
end
assert(os.clock() - began < 10, "it takes " .. os.clock() - began .. " s")
