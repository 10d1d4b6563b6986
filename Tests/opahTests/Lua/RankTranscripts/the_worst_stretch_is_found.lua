local likelihood = require "opah.transcripts.likelihood"
local own, other = tensor.full({ 40 }, 0.5), tensor.full({ 40 }, 4.0)
own:narrow(1, 21, 8):fill_(3.6)                  -- a wrong word
own:narrow(1, 1, 8):fill_(0.1)                   -- a pause: hardly anything is open, with any text
other:narrow(1, 1, 8):fill_(0.1)
local share, first = likelihood.worst(own, { other, other + 0.0 })
assert(first == 21 and math.abs(share - 3.6 / 4.5) < 1e-5, share .. " at " .. first)
-- A clip shorter than a stretch is one.
share, first = likelihood.worst(tensor.new { 1.0, 2.0 }, { tensor.new { 2.0, 3.0 } })
assert(first == 1 and math.abs(share - 1.5 / 3) < 1e-6, share)
