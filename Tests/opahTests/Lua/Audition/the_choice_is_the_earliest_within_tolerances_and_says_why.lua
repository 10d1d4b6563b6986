local choice = require "opah.audition.choice"
local function item(step, measures) return { step = step, path = "step" .. step, measures = measures } end
-- The second is as good as the best by its loss, and is cut off; the third is the earliest that is good in all.
local list = {
  item(100, { loss = 4, cut = 0 }), item(200, { loss = 3.01, cut = 0.5 }), item(300, { loss = 3.02, cut = 0 }),
  item(400, { loss = 3, cut = 0 }),
}
local picked, why = choice.pick(list)
assert(picked.step == 300 and why.all_within and #why.reasons == 3, #why.reasons)
assert(why.reasons[2]:find("step 100 is not it: held-out loss 4, and the best is 3 (step 400)", 1, true), why.reasons[2])
assert(why.reasons[3]:find("share of sentences cut off 0.5", 1, true), why.reasons[3])
-- Higher scores are better, and a measure that one lacks is not within it.
assert(choice.pick { item(1, { loss = 3, score = 2 }), item(2, { loss = 3, score = 4 }) }.step == 2)
assert(choice.pick { item(1, { loss = 3 }), item(2, { loss = 3, score = 4 }) }.step == 2)
-- None is within all: the one that misses least, with its misses.
local least, reasons = choice.pick { item(1, { loss = 3, cut = 1 }), item(2, { loss = 9, cut = 0, silence = 0.9 }), item(3, { loss = 9, cut = 1, silence = 0 }) }
assert(least.step == 1 or least.step == 2)
assert(not reasons.all_within and reasons.reasons[1]:find("no checkpoint is within all tolerances", 1, true))
assert(choice.pick {} == nil)
