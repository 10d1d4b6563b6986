--- What only shows when a speaker's clips are seen together: how fast the words come, texts that are there twice, who
-- is heard most.
local scripts, statistics = require "opah.scripts", require "opah.statistics"
local fs, json = require "opah.fs", require "opah.json"
local duration = require "opah.progress".duration
local speakers = {}

-- Fewer clips than this say nothing about what is usual.
local enough = 8
-- Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): a modified z-score above 3.5 is an outlier.
local outlier = 3.5
-- And nobody speaks at less than half or more than twice the usual rate: what deviates less is no fault, however even
-- the rest is.
local factor = 1.6
-- The least deviation of the logarithms: some voices, such as a machine's, hardly vary.
local narrowest = 1.4826 * 0.05

--- Gives all clips of a speaker one spelling of the name, as packing counts them: composed or not, as an accent beside its
--- letter, it is the same.
---
---     clips = { { speaker = "\u{E9}" }, { speaker = "e\u{301}" } }
---     speakers.unite(clips)
---     clips[1].speaker == clips[2].speaker  --> true
---@param clips table[]
function speakers.unite(clips)
  local spelt, names = {}, {}
  for _, clip in ipairs(clips) do
    if not spelt[clip.speaker] then spelt[clip.speaker], names[#names + 1] = clip.speaker, json.encode(clip.speaker) end
  end
  -- Keys that are the same text are one key of an object.
  local function kept(list) return json.decode("{" .. table.concat(list, ":1,") .. (#list > 0 and ":1}" or "}")) end
  local all = kept(names)
  for name in pairs(spelt) do
    if not all[name] then
      for other in pairs(all) do
        local both = kept { json.encode(name), json.encode(other) }
        if not (both[name] and both[other]) then spelt[name] = other end
      end
    end
  end
  for _, clip in ipairs(clips) do clip.speaker = spelt[clip.speaker] end
end

--- Adds `same-speaker` for folders at several places that have one name: packing takes their clips for one speaker's.
---
---     found = require "opah.doctor.faults" ()
---     speakers.folders({ { speaker = "A", file = "one/A/1.wav" }, { speaker = "A", file = "two/A/1.wav" } }, found)
---     found.list[1].what  --> "one/A and two/A are both the speaker A"
---@param clips table[]
---@param found opah.doctor.Faults
function speakers.folders(clips, found)
  local by, order = {}, {}
  for _, clip in ipairs(clips) do
    local folder = fs.dirname(clip.file)
    local above, own = fs.dirname(folder), by[clip.speaker]
    if not own then
      own = { folders = {}, seen = {} }
      by[clip.speaker], order[#order + 1] = own, clip.speaker
    end
    if not own.seen[above] then own.seen[above], own.folders[#own.folders + 1] = true, folder end
  end
  for _, speaker in ipairs(order) do
    local folders = by[speaker].folders
    if #folders > 1 then
      local what = "%s and %s are %s the speaker %s"
      found:add("same-speaker", folders[1], what:format(table.concat(folders, ", ", 1, #folders - 1), folders[#folders],
        #folders == 2 and "both" or "all", speaker))
    end
  end
end

--- Rates differ by script: a Han character is a syllable, a Latin letter is not.
local function groups(clips)
  local by, order = {}, {}
  for _, clip in ipairs(clips) do
    if clip.rate then
      local key = clip.speaker .. "\0" .. (clip.script or "")
      if not by[key] then by[key], order[#order + 1] = {}, key end
      table.insert(by[key], clip)
    end
  end
  return by, order
end

--- Adds `speech-rate`: letters per second of a clip (without the silence at its ends) far from what the same speaker
--- usually has, in deviations from the median (a modified z-score) of the logarithms, since twice as fast and half as fast
--- are equally far.
function speakers.rates(clips, found)
  local by, order = groups(clips)
  for _, key in ipairs(order) do
    local list = by[key]
    if #list >= enough then
      local rates = {}
      for i, clip in ipairs(list) do rates[i] = math.log(clip.rate) end
      local usual, deviation = statistics.spread(rates)
      deviation = math.max(deviation, narrowest)
      for _, clip in ipairs(list) do
        local distance = math.log(clip.rate) - usual
        if math.abs(distance) / deviation > outlier and math.abs(distance) > math.log(factor) then
          found:add("speech-rate", clip.file,
            ("%.1f letters per second, where %s usually has %.1f: %s"):format(clip.rate, clip.speaker,
            math.exp(usual), distance > 0 and "too much text, or sound is missing"
              or "too little text, or nothing is said for a while"))
        end
      end
    end
  end
end

--- Adds `other-script` for a label whose letters are of another script than nine of ten of the same speaker's.
function speakers.scripts(clips, found)
  local by = {}
  for _, clip in ipairs(clips) do
    if clip.script then
      -- A label in kanji alone is Japanese where the others have kana.
      local own = by[clip.speaker] or { total = 0, counts = {} }
      by[clip.speaker] = own
      own.total, own.counts[clip.script] = own.total + 1, (own.counts[clip.script] or 0) + 1
    end
  end
  for _, clip in ipairs(clips) do
    local own = clip.script and by[clip.speaker]
    if own and own.total >= enough then
      for script, count in pairs(own.counts) do
        local kin = script == "Japanese" and clip.script == "Han"
        if script ~= clip.script and not kin and count >= 0.9 * own.total then
          found:add("other-script", clip.file,
            ("its label is in %s, and %d of %d labels of %s in %s"):format(clip.script, count, own.total,
            clip.speaker, script))
        end
      end
    end
  end
end

--- Adds `same-text` for each clip whose words an earlier clip of the same speaker has, where the sound is another.
function speakers.texts(clips, found)
  local first = {}
  for _, clip in ipairs(clips) do
    -- "Yes." is said more than once.
    if clip.text and clip.letters >= 12 and not clip.twin then
      local key = clip.speaker .. "\0" .. clip.text
      if first[key] then found:add("same-text", clip.file, "the label is that of " .. first[key].file)
      else first[key] = clip end
    end
  end
end

--- Rows `{ speaker, clips, minutes, share, letters per second }`, most first; adds `speaker-balance` for who has less
--- than a tenth of what the most heard speaker has.
function speakers.balance(clips, found, folder)
  local by, list, total = {}, {}, 0
  for _, clip in ipairs(clips) do
    local own = by[clip.speaker]
    if not own then
      own = { speaker = clip.speaker, clips = 0, seconds = 0, rates = {} }
      by[clip.speaker], list[#list + 1] = own, own
    end
    own.clips, own.seconds, total = own.clips + 1, own.seconds + (clip.seconds or 0), total + (clip.seconds or 0)
    if clip.rate then own.rates[#own.rates + 1] = clip.rate end
  end
  table.sort(list, function(a, b)
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.speaker < b.speaker
  end)
  local rows = {}
  for i, own in ipairs(list) do
    if own.seconds < 0.1 * list[1].seconds then
      found:add("speaker-balance", folder .. "/" .. own.speaker, ("%s has %s of sound, and %s has %s"):format(
        own.speaker, duration(own.seconds), list[1].speaker, duration(list[1].seconds)))
    end
    rows[i] = { own.speaker, own.clips, own.seconds / 60, total > 0 and 100 * own.seconds / total or 0,
      statistics.median(own.rates) or 0 }
  end
  return rows
end

--- Sets `text`, `letters`, `script` and `rate` (letters per second) of a clip.
function speakers.describe(clip, line)
  local counts, letters = scripts.count(line)
  clip.text, clip.letters, clip.script = line, letters, scripts.main(counts)
  local spoken = clip.seconds and clip.seconds - (clip.lead or 0) - (clip.tail or 0)
  if spoken and spoken >= 0.5 and letters > 0 then clip.rate = letters / spoken end
end

return speakers
