--- Which clips stand out among those of their speaker: robust scores, so that a few wrong ones do not hide themselves.
local statistics = require "opah.statistics"

local ranking = {}

-- Fewer clips than this have no spread of their own: they are compared with those of all speakers.
local enough = 6

--- Sets `clip[into]` to how many deviations `clip[field]` lies above the median of its group (`group(clip)`).
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
  local common, scales = { statistics.spread(all) }, {}
  for name, values in pairs(groups) do scales[name] = #values >= enough and { statistics.spread(values) } or common end
  for _, clip in ipairs(clips) do
    if clip[field] then
      local middle, deviation = table.unpack(scales[group(clip)])
      -- Where all are alike, nothing stands out.
      clip[into] = (clip[field] - middle) / math.max(deviation, 1e-6 + 1e-3 * math.abs(middle))
    end
  end
end

--- Texts to set a clip's own against: those of `count` other clips of the same speaker and about the same length, the same ones in
--- every run; of other speakers where there are too few. Clips are `{ path, speaker, text, letters }`.
function ranking.others(clip, clips, count)
  local own, strange = {}, {}
  for _, other in ipairs(clips) do
    if other.text ~= clip.text then table.insert(other.speaker == clip.speaker and own or strange, other) end
  end
  local function far(other) return math.abs(other.letters - clip.letters) end
  local texts, seen = {}, {}
  for _, list in ipairs { own, strange } do
    table.sort(list, function(a, b)
      if far(a) ~= far(b) then return far(a) < far(b) end
      return a.path < b.path
    end)
    for _, other in ipairs(list) do
      if #texts == count then return texts end
      if not seen[other.text] then texts[#texts + 1], seen[other.text] = other.text, true end
    end
  end
  return texts
end

--- Ranks clips `{ path, speaker, script, nll, worst, pace }` in place, the most doubtful first, and gives each a `doubt`: how many
--- deviations it lies on the wrong side of its speaker's. `nll` is what the text leaves open, `worst` the share of it where it
--- explains least beside other clips' texts (nil when that was not asked), `pace` letters a second.
function ranking.sort(clips)
  local function by_speaker(clip) return clip.speaker end
  score(clips, "nll", "nll_score", by_speaker)
  score(clips, "worst", "worst_score", by_speaker)
  for _, clip in ipairs(clips) do clip.log_pace = clip.pace > 0 and math.log(clip.pace) or nil end
  score(clips, "log_pace", "pace_score", function(clip) return clip.speaker .. "\0" .. clip.script end)
  for _, clip in ipairs(clips) do
    -- What a clip's own sound makes hard is hard with any text: it is in the likelihood, and not in the share.
    clip.doubt = clip.worst_score or clip.nll_score
    clip.log_pace = nil
  end
  table.sort(clips, function(a, b)
    if a.doubt ~= b.doubt then return a.doubt > b.doubt end
    return a.path < b.path
  end)
  return clips
end

return ranking
