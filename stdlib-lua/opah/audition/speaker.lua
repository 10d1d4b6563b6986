--- What the packs of a run tell of its speaker: how fast texts are spoken, and how the codes are spread.
local config, data, features = require "opah.config", require "opah.data", require "opah.audition.features"
local measures, scripts, sentences = require "opah.audition.measures", require "opah.scripts", require "opah.audition.sentences"
local median = require "opah.statistics".median

local speaker = {}

-- Without clips of a script: letters a second as measured of many readers, roughly; Han and kana count as what they are.
local usual = { Japanese = 7.5, Han = 4.5, Hangul = 6.5, Latin = 14, Cyrillic = 13, Arabic = 11 }

--- The script of a text, Latin where it has no letters, and how many of its characters are spoken.
local function written(line)
  local counts, letters = scripts.count(line)
  return scripts.main(counts) or "Latin", letters
end

--- Goes through packs: `{ name, clips, frames, rates, scripts, spread, repetition, own_distance }` of the speaker `asked`, or of
--- the only one; of all together when there are several and none was asked for (`name` is nil then). `rates` are letters a
--- second by script, `repetition` is the most that the speaker's own clips have, `own_distance` how far a tenth of the clips lies
--- from the rest: no voice will come nearer. Nil without packs.
function speaker.read(packs, asked, reader, frame_rate)
  if #packs == 0 then return nil end
  local names, order, chosen = {}, {}, {}
  for _, path in ipairs(packs) do
    for group in data.read(path) do
      if not names[group.name] then
        names[group.name] = true
        order[#order + 1] = group.name
      end
      if not asked or group.name == asked then
        for _, sentence in ipairs(group.sentences) do chosen[#chosen + 1] = sentence end
      end
    end
  end
  if asked and not names[asked] then
    table.sort(order)
    config.usage_error(("--speaker: nobody is called %s in the packs, only %s"):format(asked, table.concat(order, ", ")))
  end
  local found = { name = asked or #order == 1 and order[1] or nil, names = order, clips = #chosen, frames = 0, rates = {}, scripts = {} }
  local letters, frames, parts, repetition = {}, {}, {}, 0.0
  for i, sentence in ipairs(chosen) do
    local codes = sentence.codes
    local length = codes:size(2)
    local script, count = written(table.concat(sentence.texts, " "))
    letters[script], frames[script] = (letters[script] or 0) + count, (frames[script] or 0) + length
    found.scripts[script] = (found.scripts[script] or 0) + 1
    found.frames = found.frames + length
    if length > 0 then
      local part = i % 10
      parts[part] = features.add(parts[part], reader:spread(codes))
      repetition = math.max(repetition, measures.repetition(codes))
    end
  end
  for script, count in pairs(letters) do
    if frames[script] > 0 and count > 0 then found.rates[script] = count * frame_rate / frames[script] end
  end
  found.repetition = repetition
  local distances = {}
  for part = 0, 9 do
    local rest
    for other = 0, 9 do if other ~= part then rest = features.add(rest, parts[other]) end end
    if parts[part] and rest then distances[#distances + 1] = features.distance(parts[part], rest) end
    found.spread = features.add(found.spread, parts[part])
  end
  found.own_distance = median(distances)
  return found
end

--- Seconds that a text would take the speaker, and whether that is only a guess, since no clip is written like it.
function speaker.expected(found, line)
  local script, letters = written(line)
  local rate = found and found.rates[script]
  return math.max(1, letters) / (rate or usual[script] or usual.Latin), rate == nil
end

--- The languages of the sentences that suit the speaker: of every script that a tenth of the clips are written in.
function speaker.languages(found)
  local list, seen = {}, {}
  for script, count in pairs(found and found.scripts or {}) do
    local language = sentences.language(script)
    if language and count * 10 >= found.clips and not seen[language] then
      seen[language] = true
      list[#list + 1] = language
    end
  end
  table.sort(list)
  return #list > 0 and list or { "en" }
end

return speaker
