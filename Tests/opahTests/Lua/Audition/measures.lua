local errors, measures = require "opah.audition.errors", require "opah.audition.measures"
local function near(a, b) assert(math.abs(a - b) < 1e-9, a .. " is not " .. b) end
near(errors.rates("kitten", "sitting").characters, 3 / 6)
near(errors.rates("The cat sat.", "the CAT, sat").words, 0)
near(errors.rates("one two three four", "one three four five").words, 2 / 4)
near(errors.rates("It's ten", "its ten").words, 0)
local japanese = errors.rates("港は、静かだ。", "港わ静かだ")
near(japanese.characters, 1 / 5)
assert(japanese.words == nil)
near(errors.rates("ＡＢＣ", "abc").characters, 0)
near(errors.rates("yes", "").characters, 1)
assert(errors.rates("...", "x").characters == nil)

-- The second half says the first again.
local first = tensor.randint(0, 1000, { 8, 40 }, { dtype = "int32" })
near(measures.repetition(first), 0)
near(measures.repetition(tensor.cat({ first, first }, 2)), 0.5)
near(measures.repetition(tensor.zeros(8, 100, { dtype = "int32" })), 99 / 100)
near(measures.repetition(tensor.zeros(8, 5, { dtype = "int32" })), 0)

local tone = (tensor.range(0, 43999) * (2 * math.pi * 220 / 44000)):sin() * 0.5
near(measures.silence(tone, 44000), 0)
near(measures.silence(tensor.cat({ tone, tensor.zeros(44000) }, 1), 44000), 0.5)
near(measures.silence(tensor.zeros(44000), 44000), 1)
