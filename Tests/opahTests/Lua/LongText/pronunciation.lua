local pronunciation = require "opah.speech.pronunciation"
local function read(content)
  fs.write(folder .. "/p.txt", content)
  return pronunciation.read(folder .. "/p.txt")
end
local list = read("# words\r\ncat = kat\nNASA\tnassa\n3.14 = three point one four\ncategory = cattagory\n東京=とうきょう\nC++ = see plus plus\n")
local function said(text, wanted)
  local found = pronunciation.apply(list, text)
  assert(found == wanted, found)
end
said("Cat, CAT and a cat; concat and cats stay, a category goes.", "kat, kat and a kat; concat and cats stay, a cattagory goes.")
said("NASA and nasa, 3.14 but 13.14 and 3.141.", "nassa and nasa, three point one four but 13.14 and 3.141.")
said("東京都と東京", "とうきょう都ととうきょう")
said("C++ is C+++", "see plus plus is see plus plus+")
said("café-cat", "café-kat")
fails("usage", "line 2", read, "a = b\nnothing here\n")
fails("usage", "said otherwise", read, "a = b\na = c\n")
assert(pronunciation.readings("｜東京《とうきょう》の港《みなと》と「引用」《x》") == "とうきょうのみなとと「引用」《x》", pronunciation.readings("｜東京《とうきょう》の港《みなと》と「引用」《x》"))
assert(pronunciation.shown("｜東京《とうきょう》の港《みなと》") == "東京の港")
