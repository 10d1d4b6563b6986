--- Speaks the sentences at one checkpoint and measures them. What was spoken stays in the checkpoint's folder, with
-- audition.json, which says what of: a second run only speaks, hears and scores what is new.
local audio, command, errors = require "opah.audio", require "opah.audition.command", require "opah.audition.errors"
local features, fs, json = require "opah.audition.features", require "opah.fs", require "opah.json"
local measures, plot, speaker = require "opah.audition.measures", require "opah.plot", require "opah.audition.speaker"
local mean_of, tensor, text = require "opah.statistics".mean, require "opah.tensor", require "opah.text"

local speaking = {}

local format = 1

--- What an earlier run left in `folder`; nothing when it was spoken with another model or other settings.
function speaking.open(folder, key)
  local path = fs.join(folder, "audition.json")
  if fs.exists(path) then
    local ok, kept = pcall(json.decode, fs.read(path))
    if ok and type(kept) == "table" and kept.format == format and kept.key == key then return kept end
  end
  return { format = format, key = key, spoken = {} }
end

--- The name of the files of a sentence: it depends on nothing but the sentence.
local function name_of(line, seed) return ("%s-%d"):format(text.digest(line):sub(1, 8), seed) end

--- Which of the sentences were not spoken yet.
function speaking.missing(kept, lines, seeds, folder)
  local list = {}
  for _, line in ipairs(lines) do
    for _, seed in ipairs(seeds) do
      local name = name_of(line, seed)
      local entry = kept.spoken[name]
      if not entry or entry.text ~= line or not fs.exists(fs.join(folder, name .. ".npy"))
        or entry.sound and not fs.exists(fs.join(folder, entry.sound)) then
        list[#list + 1] = { text = line, seed = seed, name = name }
      end
    end
  end
  return list
end

--- Speaks one sentence: codes, and with a codec sound and its picture. Gives what is kept of it.
local function speak(model, item, setting, folder)
  local expected, guessed = speaker.expected(setting.speaker, item.text)
  local limit = setting.max_new_tokens
  if limit == 0 then limit = math.ceil(3 * expected * setting.frame_rate) + 22 end
  local wanted = { text = item.text, seed = item.seed, max_new_tokens = limit }
  for name, value in pairs(setting.generate) do wanted[name] = value end
  local codes, info = model:generate(wanted)
  local entry = {
    text = item.text, seed = item.seed, frames = codes:size(2), seconds = codes:size(2) / setting.frame_rate,
    ended = not info.length_limit_hit, expected = expected, guessed = guessed or nil,
    repetition = measures.repetition(codes), codes = item.name .. ".npy",
  }
  entry.ratio = entry.seconds / expected
  if setting.speaker and entry.frames > 0 then
    entry.distance = features.distance(setting.reader:spread(codes), setting.speaker.spread)
  end
  tensor.save_npy(fs.join(folder, entry.codes), codes)
  if setting.codec and entry.frames > 0 then
    local samples, rate = setting.codec:decode(codes), setting.codec.sample_rate
    entry.sound, entry.picture = item.name .. ".wav", item.name .. ".png"
    audio.save(fs.join(folder, entry.sound), samples, rate)
    fs.write(fs.join(folder, entry.picture), plot.spectrogram(samples, rate):png { width = 320, height = 240 })
    entry.silence = measures.silence(samples, rate)
  end
  return entry
end

--- Asks a recogniser or a scorer about an entry's sound, unless the same one was asked before.
local function ask(entry, field, parsed, folder, timeout, read)
  local kept = entry[field]
  if kept and kept.command == parsed.line then return false end
  entry[field] = nil
  local answer = read(command.run(parsed, fs.join(folder, entry.sound), timeout))
  answer.command = parsed.line
  entry[field] = answer
  return true
end

--- An entry with what the commands of now told of it: what another one told before is kept for its own time, and not shown.
local function as_asked(entry, setting)
  local copy = {}
  for name, value in pairs(entry) do copy[name] = value end
  for field, parsed in pairs { heard = setting.recognizer or false, scored = setting.scorer or false } do
    if not (parsed and copy[field] and copy[field].command == parsed.line) then copy[field] = nil end
  end
  return copy
end

--- Speaks what is missing at a checkpoint, whose `model()` is loaded only when something is, and asks the commands. `each` is
--- called after each sentence; `failed(path, problem)` hears of commands that gave nothing.
function speaking.checkpoint(folder, kept, lines, seeds, setting, model, each, failed)
  local missing = speaking.missing(kept, lines, seeds, folder)
  local path = fs.join(folder, "audition.json")
  local function save() fs.write(path, json.encode(kept, { indent = 2 })) end
  if #missing > 0 then
    fs.mkdir(folder)
    local loaded = model()
    for _, item in ipairs(missing) do
      kept.spoken[item.name] = speak(loaded, item, setting, folder)
      save()
      each()
    end
  end
  local list = {}
  for _, line in ipairs(lines) do
    for _, seed in ipairs(seeds) do list[#list + 1] = kept.spoken[name_of(line, seed)] end
  end
  for _, entry in ipairs(list) do
    for field, parsed in pairs { heard = setting.recognizer, scored = setting.scorer } do
      if entry.sound then
        local ok, result = pcall(ask, entry, field, parsed, folder, setting.timeout, function(output)
          if field == "scored" then return { value = command.number(parsed, output) } end
          local rates = errors.rates(entry.text, output)
          return { text = output, word_error = rates.words, character_error = rates.characters }
        end)
        if not ok then
          if type(result) == "userdata" and result.fatal then error(result, 0) end
          failed(fs.join(folder, entry.sound), result)
        end
        if result then save() end
      end
    end
  end
  for i, entry in ipairs(list) do list[i] = as_asked(entry, setting) end
  return list
end

--- The measures of a checkpoint: means over its sentences as speaking.checkpoint gives them, `cut` is the share that did not
--- end by themselves.
function speaking.summary(list)
  local function mean(value)
    local values = {}
    for _, entry in ipairs(list) do values[#values + 1] = value(entry) end
    return mean_of(values)
  end
  local function told(entry, field, name) return entry[field] and entry[field][name] end
  return {
    cut = mean(function(entry) return entry.ended and 0 or 1 end),
    length = mean(function(entry) return math.abs(math.log(math.max(entry.ratio, 0.01))) end),
    ratio = mean(function(entry) return entry.ratio end),
    repetition = mean(function(entry) return entry.repetition end),
    silence = mean(function(entry) return entry.silence end),
    distance = mean(function(entry) return entry.distance end),
    word_error = mean(function(entry) return told(entry, "heard", "word_error") end),
    character_error = mean(function(entry) return told(entry, "heard", "character_error") end),
    score = mean(function(entry) return told(entry, "scored", "value") end),
  }
end

return speaking
