--- Which clips stand out among those of their speaker: robust scores, so that a few wrong ones do not hide themselves.
local measures = require "opah.audition.measures"

local ranking = {}

-- Fewer clips than this have no spread of their own: they are compared with those of all speakers.
local enough = 6

--- Sets `clip[into]` to how many deviations `clip[field]` lies above the median of its group (`group(clip)`): the deviation is
--- 1.4826 times the median distance from the median, which is a normal distribution's.
local function score(clips, field, into, group)
  local groups, all = {}, {}
  for _, clip in ipairs(clips) do
    if clip[field] then
      local name = group(clip)
      groups[name] = groups[name] or {}
      table.insert(groups[name], clip[field])
      all[#all + 1] = clip[field]
    end
  end
  local function scale(values)
    local middle, distances = measures.median(values), {}
    for i, value in ipairs(values) do distances[i] = math.abs(value - middle) end
    return middle, 1.4826 * measures.median(distances)
  end
  local common = #all > 0 and { scale(all) }
  local scales = {}
  for name, values in pairs(groups) do scales[name] = #values >= enough and { scale(values) } or common end
  for _, clip in ipairs(clips) do
    if clip[field] then
      local middle, deviation = table.unpack(scales[group(clip)])
      -- Where all are alike, nothing stands out.
      clip[into] = (clip[field] - middle) / math.max(deviation, 1e-6 + 1e-3 * math.abs(middle))
    end
  end
end

--- Ranks clips `{ path, speaker, script, nll, gain, pace }` in place, the most doubtful first, and gives each a `doubt`: how many
--- deviations its likelihood lies on the wrong side of its speaker's. `nll` is what the text leaves open, `gain` how much better it
--- explains the codes than other clips' texts do (nil when that was not asked), `pace` letters a second.
function ranking.sort(clips)
  local function by_speaker(clip) return clip.speaker end
  score(clips, "nll", "nll_score", by_speaker)
  score(clips, "gain", "gain_score", by_speaker)
  for _, clip in ipairs(clips) do clip.log_pace = clip.pace > 0 and math.log(clip.pace) or nil end
  score(clips, "log_pace", "pace_score", function(clip) return clip.speaker .. "\0" .. clip.script end)
  for _, clip in ipairs(clips) do
    -- What a clip's own sound makes hard is hard with any text: it is in the likelihood, and not in the gain.
    clip.doubt = clip.gain_score and -clip.gain_score or clip.nll_score
    clip.log_pace = nil
  end
  table.sort(clips, function(a, b)
    if a.doubt ~= b.doubt then return a.doubt > b.doubt end
    return a.path < b.path
  end)
  return clips
end

return ranking
