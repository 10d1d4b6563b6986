local ranking = require "opah.transcripts.ranking"
local clips = {}
for i = 1, 100 do
  local hard = i % 7 == 0 and 1.5 or 0
  clips[i] = { path = ("%03d"):format(i), speaker = i % 2 == 0 and "a" or "b", script = "latin", pace = 12 + i % 5, nll = 3 + hard + 0.01 * (i % 11), worst = 0.5 + 0.02 * (i % 9) }
end
clips[31].worst, clips[31].nll = 1.05, 3.5
clips[64].worst, clips[64].nll = 0.98, 3.6
ranking.sort(clips)
local first = { [clips[1].path] = true, [clips[2].path] = true }
assert(first["031"] and first["064"], clips[1].path .. " " .. clips[2].path)
assert(clips[1].doubt > 3)
-- Without other texts the likelihood itself decides, for each speaker apart.
local plain = {}
for i = 1, 40 do
  plain[i] = { path = ("%03d"):format(i), speaker = i <= 20 and "calm" or "loud", script = "latin", pace = 12, nll = (i <= 20 and 2 or 4) + 0.01 * (i % 5) }
end
plain[7].nll = 2.5                               -- far for its speaker, and below all of the other
ranking.sort(plain)
assert(plain[1].path == "007", plain[1].path)
-- Where all are alike, nothing stands out.
local alike = {}
for i = 1, 8 do alike[i] = { path = tostring(i), speaker = "s", script = "latin", pace = 10, nll = 3.0 } end
assert(ranking.sort(alike)[1].doubt == 0)
