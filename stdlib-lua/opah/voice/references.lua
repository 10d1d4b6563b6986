--- Reference clips of a voice: what a model hears before it speaks.
local audio, config, data, fs = require "opah.audio", require "opah.config", require "opah.data", require "opah.fs"
local measures, progress, scripts, statistics = require "opah.audition.measures", require "opah.progress", require "opah.scripts", require "opah.statistics"
local tensor, text = require "opah.tensor", require "opah.text"

local references = {}

-- Seconds a reference should last: long enough for a voice to be known by, short enough to leave room for what is said.
local shortest, longest, best = 3, 15, 7

--- The `count` clips of packs that suit best: of a good length, spoken at the speaker's middle pace, without repetitions.
--- `{ text, codes }` each.
function references.choose(packs, speaker, count, frame_rate)
  local names, order, clips, paces = {}, {}, {}, {}
  for _, path in ipairs(packs) do
    for group in data.read(path) do
      if not names[group.name] then names[group.name], order[#order + 1] = true, group.name end
      if not speaker or group.name == speaker then
        for _, sentence in ipairs(group.sentences) do
          local line = table.concat(sentence.texts, " ")
          local _, letters = scripts.count(line)
          local seconds = sentence.codes:size(2) / frame_rate
          if letters > 0 and seconds > 0 then
            paces[#paces + 1] = letters / seconds
            clips[#clips + 1] = { text = line, codes = sentence.codes, seconds = seconds, pace = letters / seconds }
          end
        end
      end
    end
  end
  if speaker and not names[speaker] then
    config.usage_error(("--speaker: nobody is called %s in the packs, only %s"):format(speaker, table.concat(order, ", ")))
  elseif not speaker and #order > 1 then
    config.usage_error(("--speaker is needed: the packs hold %s, and a voice is one of them"):format(table.concat(order, ", ")))
  end
  local middle = statistics.median(paces)
  for _, clip in ipairs(clips) do
    local outside = clip.seconds < shortest and shortest - clip.seconds or math.max(0, clip.seconds - longest)
    clip.cost = math.abs(math.log(clip.pace / middle)) + math.abs(clip.seconds - best) / best + outside + 4 * measures.repetition(clip.codes)
  end
  table.sort(clips, function(a, b)
    if a.cost ~= b.cost then return a.cost < b.cost end
    return a.text < b.text
  end)
  return table.move(clips, 1, math.min(count, #clips), 1, {}), speaker or order[1]
end

--- A clip that was named: its recording with label and codes beside it; codes are made with `codec` when there are none.
function references.named(path, codec)
  local stem = path:gsub("%.[^./]*$", "")
  local label = fs.exists(stem .. ".lab") and stem .. ".lab" or stem .. ".txt"
  if not fs.exists(label) then config.usage_error(("--reference %s: there is no %s.lab that says what is spoken"):format(path, stem)) end
  local is_codes = path:lower():find("%.npy$") ~= nil
  local clip = { text = (text.read_label(label)), sound = not is_codes and path or nil }
  local notes = clip.sound and audio.info(path).notes
  if codec and not is_codes then
    local samples, info = audio.load(path)
    clip.codes, notes = codec:encode(samples), info.notes
  elseif fs.exists(stem .. ".npy") then
    clip.codes = tensor.load_npy(stem .. ".npy")
  else
    config.usage_error(("--reference %s: it has no codes beside it: give the codec with --vq-checkpoint-path"):format(path))
  end
  for _, note in ipairs(notes or {}) do progress.log(("  note: %s: %s"):format(progress.name(path), note)) end
  return clip
end

return references
