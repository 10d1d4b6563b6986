--- Speaks the pieces of a long text and keeps each with its codes, so that a stopped run goes on, a changed text is only spoken
-- where it changed, and one piece can be spoken again.
local best_of = require "opah.best_of"
local audio, config, fs, json = require "opah.audio", require "opah.config", require "opah.fs", require "opah.json"
local measures, progress = require "opah.audition.measures", require "opah.progress"
local tensor, text = require "opah.tensor", require "opah.text"

local speaking = {}

--- What an earlier run kept in `folder`, by the name of each piece.
local function kept(folder)
  local path, by_name = fs.join(folder, "pieces.json"), {}
  if not fs.exists(path) then return by_name end
  local ok, content = pcall(json.decode, fs.read(path))
  if ok and type(content) == "table" and content.format == 1 then
    for _, list in ipairs { content.pieces or {}, content.unused or {} } do
      for _, entry in ipairs(type(list) == "table" and list or {}) do
        local name = type(entry) == "table" and entry.name
        if type(name) == "string" and math.type(entry.frames) == "integer" then by_name[name] = by_name[name] or entry end
      end
    end
  end
  return by_name
end

--- Speaks `pieces` into `folder`. `setting` has `generate` (options of model:generate), `key` (a digest of all that it depends on), `seed`,
--- `best_of` (how often each piece is spoken, to keep the best), `again` (numbers), `anchor` (whether the first piece is heard before the others), `frame_rate`, `codec` and `codec_key`; `model()` is
--- loaded when there is something to say. A piece that cannot be spoken is told to `stage` and left out. Gives the entries, in order.
function speaking.run(folder, pieces, setting, model, stage)
  local earlier, again, entries, loaded = kept(folder), {}, {}, nil
  for _, number in ipairs(setting.again) do
    if number < 1 or number > #pieces then
      config.usage_error(("--again %d: there are pieces 1 to %d"):format(number, #pieces))
    end
    again[number] = true
  end
  local seen, names = {}, {}
  for i, piece in ipairs(pieces) do
    seen[piece.spoken] = (seen[piece.spoken] or 0) + 1
    names[i] = ("%s-%d"):format(text.digest(piece.spoken):sub(1, 12), seen[piece.spoken])
  end
  local function fresh(number)
    local entry = earlier[names[number]]
    if not entry or entry.key ~= setting.key or entry.spoken ~= pieces[number].spoken then return false end
    if not fs.exists(fs.join(folder, entry.name .. ".npy")) then return false end
    -- One that was spoken again on purpose stays as it was chosen, and the seed of --again is for its pieces alone.
    return not again[number] and (entry.chosen or next(again) ~= nil or entry.seed == setting.seed)
  end
  local function save()
    local listed, unused = {}, {}
    local is_used = {}
    for i, name in ipairs(names) do
      is_used[name] = true
      if entries[i] or earlier[name] then listed[#listed + 1] = entries[i] or earlier[name] end
    end
    for name, entry in pairs(earlier) do if not is_used[name] then unused[#unused + 1] = entry end end
    table.sort(unused, function(a, b) return a.name < b.name end)
    fs.write(fs.join(folder, "pieces.json"), json.encode({ format = 1, pieces = listed, unused = unused }, { indent = 2 }))
  end

  for number in pairs(again) do
    local entry = earlier[names[number]]
    if entry and entry.seed == setting.seed and entry.key == setting.key then
      config.usage_error(("--again %d: piece %d was spoken with seed %d before, and would be the same: give another --seed")
        :format(number, number, setting.seed))
    end
  end
  for i, piece in ipairs(pieces) do
    stage:try(("piece %d"):format(i), function()
      local name = names[i]
      local path = fs.join(folder, name .. ".npy")
      local entry = fresh(i) and earlier[name]
      if entry then
        entry.number = i
      else
        loaded = loaded or model()
        local wanted = { text = piece.spoken, seed = setting.seed }
        for key, value in pairs(setting.generate) do wanted[key] = value end
        if setting.anchor and i > 1 and entries[1] then
          wanted.prompt_text, wanted.prompt_tokens = { entries[1].spoken }, { tensor.load_npy(fs.join(folder, entries[1].name .. ".npy")) }
        end
        local codes, info, kept_seed
        if setting.best_of > 1 then
          codes, info = best_of.generate(loaded, wanted, setting.best_of)
          progress.log(("piece %d: %s"):format(i, best_of.told(info)))
          kept_seed = info.seed
        else
          codes, info = loaded:generate(wanted)
        end
        tensor.save_npy(path, codes)
        entry = {
          number = i, name = name, text = piece.text, spoken = piece.spoken, seed = setting.seed, kept_seed = kept_seed, key = setting.key, chosen = again[i] or nil,
          frames = codes:size(2), seconds = codes:size(2) / setting.frame_rate, cut = info.length_limit_hit or nil,
          repetition = measures.repetition(codes), fresh = true,
        }
      end
      if setting.codec and entry.frames > 0 then
        local wav = fs.join(folder, name .. ".wav")
        if entry.fresh or entry.codec ~= setting.codec_key or not fs.exists(wav) then
          audio.save(wav, setting.codec:decode(tensor.load_npy(path)), setting.codec.sample_rate)
          entry.codec = setting.codec_key
        end
      end
      local is_new = entry.fresh
      entry.fresh = nil
      entries[i] = entry
      if is_new then save() end
    end)
  end
  save()
  return entries
end

--- What to listen to once more: pieces that were cut off at the length limit, and those that repeat themselves.
function speaking.doubtful(entries, count)
  local list = {}
  for i = 1, count do
    local entry = entries[i]
    if entry and entry.cut then list[#list + 1] = ("piece %d was cut off at the length limit"):format(i)
    elseif entry and entry.repetition > 0.3 then list[#list + 1] = ("piece %d repeats itself"):format(i) end
  end
  return list
end

--- The samples of all pieces with their pauses, and the cues `{ first, last, text }`, seconds. A cue that has a time begins then, or when
--- the one before has ended. Second, how many began late.
function speaking.join(folder, pieces, entries, rate, with_sound, frame_rate)
  local parts, cues, position, late = {}, {}, 0, 0
  local function silence(samples)
    if samples <= 0 then return end
    if with_sound then parts[#parts + 1] = tensor.zeros(samples) end
    position = position + samples
  end
  for i, piece in ipairs(pieces) do
    local entry = entries[i]
    if entry and entry.frames > 0 then
      if piece.at then
        local wanted = math.floor(piece.at * rate + 0.5)
        if wanted < position then late = late + 1 end
        silence(wanted - position)
      else
        silence(math.floor(piece.pause * rate + 0.5))
      end
      local length = math.floor(entry.frames / frame_rate * rate + 0.5)
      if with_sound then
        local samples = audio.load(fs.join(folder, entry.name .. ".wav"))
        parts[#parts + 1], length = samples, #samples
      end
      cues[#cues + 1] = { first = position / rate, last = (position + length) / rate, text = piece.text }
      position = position + length
    end
  end
  return with_sound and #parts > 0 and tensor.cat(parts, 1) or nil, cues, late
end

--- Tells what is doubtful, for people.
function speaking.tell(list)
  for i = 1, math.min(#list, 20) do progress.warn(list[i] .. (i == 1 and " (speak it again: --again N --seed S)" or "")) end
  if #list > 20 then progress.warn(("and %d pieces more"):format(#list - 20)) end
end

return speaking
