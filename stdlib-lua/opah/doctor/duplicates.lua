--- Clips that are there twice: the same bytes, or the same sound in another coding, level or with other silence
-- around it.
local fingerprint = require "opah.doctor.fingerprint"

local duplicates = {}

-- Fewer differing bits than this are the same sound (the paper's own limit is 0.35; the same words spoken twice give
-- 0.4 and more).
local same = 0.3
-- Two clips are compared when this many of their words are equal at about the same distance.
local hits = 2
-- Words that so many clips have tell nothing.
local common = 64

--- Pairs `{ a, b, share }` of positions in `clips` whose fingerprints (`clip.print`) are of the same sound: at least
--- 70 % of the shorter one is compared. Words are looked up, so the cost grows with the number of clips and not with
--- its square.
---@param clips table[]
---@return table[]
function duplicates.by_sound(clips)
  local places = {}
  for number, clip in ipairs(clips) do
    local before
    for i, word in ipairs(clip.print or {}) do
      -- A word that stays is a steady sound or silence.
      if word ~= before and word ~= 0 and word ~= 0xFFFFFFFF then
        local list = places[word]
        if not list then list = {}; places[word] = list end
        if #list < 2 * common then list[#list + 1], list[#list + 2] = number, i end
      end
      before = word
    end
  end
  local votes = {}
  for _, list in pairs(places) do
    if #list > 2 and #list < 2 * common then
      for i = 1, #list - 3, 2 do
        for j = i + 2, #list - 1, 2 do
          if list[i] ~= list[j] then
            local key = list[i] * 0x1000000 + list[j]
            local offset = list[i + 1] - list[j + 1]
            votes[key] = votes[key] or {}
            votes[key][offset] = (votes[key][offset] or 0) + 1
          end
        end
      end
    end
  end
  local pairs_ = {}
  for key, offsets in pairs(votes) do
    local a, b = key // 0x1000000, key % 0x1000000
    local best = 1
    for offset, count in pairs(offsets) do
      local near = count + (offsets[offset - 1] or 0) + (offsets[offset + 1] or 0)
      if near >= hits then
        for shift = offset - 1, offset + 1 do
          local share, words = fingerprint.difference(clips[a].print, clips[b].print, shift)
          if words >= 0.7 * math.min(#clips[a].print, #clips[b].print) then best = math.min(best, share) end
        end
      end
    end
    if best < same then pairs_[#pairs_ + 1] = { math.min(a, b), math.max(a, b), best } end
  end
  table.sort(pairs_, function(x, y)
    if x[1] ~= y[1] then return x[1] < y[1] end
    return x[2] < y[2]
  end)
  return pairs_
end

--- Adds `duplicate` and `near-duplicate` for each clip that an earlier one is the same as.
---@param clips table[] With `file`, `digest` and `print`.
---@param found opah.doctor.Faults
function duplicates.find(clips, found)
  local first = {}
  for _, clip in ipairs(clips) do
    if clip.digest then
      if first[clip.digest] then
        found:add("duplicate", clip.file, "the same file as " .. first[clip.digest].file)
        clip.twin = first[clip.digest]
      else first[clip.digest] = clip end
    end
  end
  local named = {}
  for _, pair in ipairs(duplicates.by_sound(clips)) do
    local a, b = clips[pair[1]], clips[pair[2]]
    if not b.twin and not a.twin and not named[b] then
      named[b] = true
      found:add("near-duplicate", b.file,
        ("it sounds like %s (%.0f %% of the fingerprint's bits differ)"):format(a.file, 100 * pair[3]))
    end
  end
end

return duplicates
