local book, sentences = require "opah.speech.book", require "opah.speech.sentences"
local function same(text, ...)
  local found, wanted = sentences.split(text), { ... }
  assert(table.concat(found, "|") == table.concat(wanted, "|"), table.concat(found, "|"))
end
same("Dr. Smith paid 3.50 dollars. J. R. Jones did not!", "Dr. Smith paid 3.50 dollars.", "J. R. Jones did not!")
same('"Was it late?" she asked. It was... very late. Yes.', '"Was it late?" she asked.', "It was... very late. Yes.")
same("No. It is the third of them.", "No. It is the third of them.")
same("港は静かだった。「はい、そうです。」と言った。「行こう。」「いいよ。」", "港は静かだった。", "「はい、そうです。」と言った。", "「行こう。」", "「いいよ。」")
same("   ")
same("no end of it at all", "no end of it at all")

local pauses = { sentence = 1, paragraph = 2, heading = 3 }
local function pieces(name, content, replacements)
  fs.write(folder .. "/" .. name, content)
  local list, notes = book.pieces(folder .. "/" .. name, pauses, replacements)
  local out = {}
  for i, piece in ipairs(list) do out[i] = ("%g %s"):format(piece.pause, piece.text) end
  return table.concat(out, "|"), notes, list
end
local text, notes = pieces("a.md", "---\ntitle: x\n---\n# The *first* part\n\nOne [link here](http://x.y) stands.\nAnd `more` text follows.\n\n"
  .. "```lua\nprint(1)\n```\n\n![picture](a.png)\n\n- an item of it\n- **another** item\n\nUnderlined\n----------\n> a quoted thought\n\n***\n")
assert(text == "0 The first part|3 One link here stands.|1 And more text follows.|2 an item of it|2 another item|3 Underlined|3 a quoted thought", text)
assert(#notes == 1 and notes[1] == "1 blocks of code are not spoken", notes[1])
text = pieces("b.txt", "\u{FEFF}　私は\r\n行った。\r\n\r\n　次の段落だ。\r\n\r\n* * *\r\n")
assert(text == "0 私は行った。|2 次の段落だ。", text)
text = pieces("c.txt", "Every line is one.\nThere is no empty line.\n")
assert(text == "0 Every line is one.|2 There is no empty line.", text)
fails("usage", "nothing to say", pieces, "d.txt", "...\n\n!!!\n")
fails("usage", "not UTF-8", pieces, "e.txt", "caf\xe9")
