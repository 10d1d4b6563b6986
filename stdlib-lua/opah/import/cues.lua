--- From the times of cues to the samples that are cut: with padding, which takes at most half of the gap to a
-- neighbour, so that no sample is in two pieces and none of the next cue in this one.
---@class opah.import.cues
local cues = {}

-- Writers round times: what laps over by no more is cut at the next one's beginning. Seconds.
local rounding = 0.05

--- Sets `from` and `to` (samples, from inclusive and counted from 0, to exclusive) of the entries of one recording, or
--- `problem`. Entries without text are silence: they bound nothing, and stay without samples. In order of time.
---
---     list = { { first = 1, last = 2, text = "one" }, { first = 2.1, last = 3, text = "two" } }
---     cues.bounds(list, 100, 350, 0.2)
---     list[1].from, list[1].to, list[2].from, list[2].to  --> 80, 205, 205, 320
---@param entries table[] With `first` and `last` in seconds.
---@param rate integer Hz
---@param frames integer Samples of the recording.
---@param padding number seconds
function cues.bounds(entries, rate, frames, padding)
  -- Times that no recording has, in fewer digits than they have.
  local function told(seconds) return (math.abs(seconds) < 1e9 and "%.3f" or "%g"):format(seconds) end
  local function sample(seconds) return seconds == math.huge and frames or math.floor(seconds * rate + 0.5) end
  local spoken = {}
  for _, entry in ipairs(entries) do
    if not entry.problem and entry.text ~= "" then
      if not (entry.first >= 0 and entry.last > entry.first) or sample(entry.last) <= sample(entry.first) then
        entry.problem = ("from %s to %s s there is nothing"):format(told(entry.first), told(entry.last))
      elseif sample(entry.first) >= frames then
        entry.problem = ("it begins at %s s, and the recording ends at %.3f s"):format(told(entry.first), frames / rate)
      elseif entry.last ~= math.huge and entry.last > frames / rate + 1 then
        entry.problem = ("it ends at %s s, and the recording at %.3f s"):format(told(entry.last), frames / rate)
        entry.remedy = "is this the recording that the times belong to?"
      else
        entry.begins, entry.ends = sample(entry.first), math.min(sample(entry.last), frames)
        spoken[#spoken + 1] = entry
      end
    end
  end
  table.sort(spoken, function(a, b)
    if a.begins ~= b.begins then return a.begins < b.begins end
    return a.ends < b.ends
  end)
  -- Two at a time are spoken over each other, and the text of neither is what is heard.
  local furthest
  for _, entry in ipairs(spoken) do
    if furthest and entry.begins < furthest.ends then
      local seconds = (furthest.ends - entry.begins) / rate
      if seconds <= rounding and entry.ends > furthest.ends then
        furthest.ends = entry.begins
      else
        local text = "it overlaps the cue at %.3f s"
        entry.problem = entry.problem or text:format(furthest.first)
        furthest.problem = furthest.problem or text:format(entry.first)
        entry.remedy, furthest.remedy = "correct the times, or leave one of the two out",
          "correct the times, or leave one of the two out"
      end
    end
    if not furthest or entry.ends > furthest.ends then furthest = entry end
  end
  local pad, before = math.floor(padding * rate + 0.5), 0
  for i, entry in ipairs(spoken) do
    local after = spoken[i + 1] and spoken[i + 1].begins
    entry.from = math.max(entry.begins - pad, math.min(before, entry.begins))
    local middle = after and math.max(entry.ends, (entry.ends + after) // 2) or frames
    entry.to = math.min(entry.ends + pad, middle)
    before = math.max(before, middle)
  end
end

return cues
