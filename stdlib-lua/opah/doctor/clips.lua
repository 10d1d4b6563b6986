--- One clip: its recording is decoded once, and everything that is told of its samples is told then.
local audio, fs, text = require "opah.audio", require "opah.fs", require "opah.text"
local codes, fingerprint, hum = require "opah.doctor.codes", require "opah.doctor.fingerprint",
  require "opah.doctor.hum"
local labels, levels, speakers = require "opah.doctor.labels", require "opah.doctor.levels",
  require "opah.doctor.speakers"
local reverberation, spectrum = require "opah.doctor.reverberation", require "opah.doctor.spectrum"

local clips = {}

-- Seconds that are listened to of a long recording: more would only take memory, and it has to be cut in any case.
clips.heard = 300

-- Channels that what measures samples takes.
local most_channels = 64

-- What clips are measured by unless somebody says otherwise: dB, seconds, and the codec of fish-speech 1.4.
clips.usual = {
  text_extension = { ".lab", ".txt" }, max_length = 4096, min_snr = 15, max_silence = 1.0,
  max_reverberation = 0.4, num_codebooks = 8, codebook_size = 1000, sample_rate = 44100, hop_length = 512, downsample = 4,
}

--- What is heard in the samples.
local function measure(clip, samples, info, found, with)
  local rate = info.sample_rate
  for _, note in ipairs(info.notes) do
    found:add("damaged", clip.file, note, "save it again from the original, or check its end", "note")
  end
  local fatal
  for _, fault in ipairs(audio.check(samples, rate)) do
    found:add(fault.code, clip.file, fault.reason, fault.remedy, fault.severity)
    fatal = fatal or fault.severity == "error"
  end
  if fatal then return end
  local mono = samples:size(1) == 1 and samples:squeeze(1) or samples:mean(1)
  local level = levels.measure(mono, rate)
  clip.lead, clip.tail, clip.snr = level.lead, clip.seconds <= clips.heard and level.tail or 0, level.snr
  if level.snr and level.snr < with.min_snr then
    found:add("low-snr", clip.file, ("its voice is only %.0f dB above its pauses"):format(level.snr))
  end
  for _, side in ipairs { "lead", "tail" } do
    if (clip[side] or 0) > with.max_silence then
      found:add("long-" .. side, clip.file, ("%.1f s of silence at its %s"):format(clip[side], side == "lead"
        and "beginning" or "end"))
    end
  end
  local cliff = spectrum.cliff(mono, rate)
  if cliff and cliff < 0.65 * rate / 2 then
    found:add("narrow-band", clip.file,
      ("next to nothing above %.1f kHz, where %d Hz could hold %.1f"):format(cliff / 1000, rate, rate / 2000))
  end
  local mains, hum_level = hum.find(mono, rate)
  if mains then found:add("hum", clip.file, ("%d Hz hum at %.0f dB of full scale"):format(mains, hum_level)) end
  local decay = reverberation.time(mono, rate)
  if decay and decay > with.max_reverberation then
    found:add("reverberation", clip.file, ("its room goes on: %.1f s until a sound has faded by 60 dB"):format(decay))
  end
  clip.print = fingerprint.of(mono, rate)
end

--- Adds the faults of the recording; sets `info`, `seconds`, `decoded`, `lead`, `tail`, `digest` and `print` of the clip.
local function listen(clip, found, with)
  local ok, problem = pcall(function()
    clip.info = audio.info(clip.audio)
    clip.seconds, clip.digest = clip.info.duration, fs.digest(clip.audio)
    local samples, info = audio.load(clip.audio, { mono = false, duration = clip.seconds > clips.heard and clips.heard or nil })
    if samples:size(1) > samples:size(2) then
      local shape = ("%d samples in each of %d channels are no recording"):format(samples:size(2), samples:size(1))
      error(fs.error("audio", shape, "the file is damaged: replace it"), 0)
    end
    if samples:size(1) > most_channels then
      error(fs.error("audio", ("it has %d channels, and at most %d are listened to"):format(samples:size(1), most_channels),
        "keep the channel that has the voice"), 0)
    end
    -- A damaged file gives less than its header says.
    if clip.seconds <= clips.heard then codes.set_length(clip, samples:size(2)) end
    measure(clip, samples, info, found, with)
  end)
  if ok then return end
  if problem.fatal then error(problem, 0) end
  local reason, remedy = require "opah".error_text(problem)
  if reason:sub(1, #clip.audio + 2) == clip.audio .. ": " then reason = reason:sub(#clip.audio + 3) end
  clip.info = nil
  found:add("unreadable", clip.file, reason, remedy)
end

--- The label that training would read: of the first suffix in `with.text_extension` that the clip has.
---@return string?
function clips.label_of(clip, with)
  for _, wanted in ipairs(with.text_extension) do
    for suffix, path in pairs(clip.labels) do if suffix:lower() == wanted:lower() then return path end end
  end
end

--- Adds the faults of the label; sets `label`, `text` and what follows from it.
local function read_label(clip, found, with)
  clip.label = clips.label_of(clip, with)
  local line = clip.words
  if clip.label then
    local ok, value, notes = pcall(text.read_label, clip.label, { encoding = with.label_encoding })
    if not ok then
      if value.kind == "interrupted" then error(value, 0) end
      local reason, remedy = require "opah".error_text(value)
      return found:add("bad-label", clip.file, reason, remedy)
    end
    line = value
    for _, note in ipairs(notes) do
      -- Tags are looked at below, and said by name; an encoding that was named is no news.
      local known = note:find("^tags in") or with.label_encoding and note:find("^converted from")
      if not known then found:add("odd-character", clip.file, "its label: " .. note) end
    end
  end
  if not line then
    return found:add("no-label", clip.file, "it has no label " .. table.concat(with.text_extension, " or "))
  end
  if not text.clean(line):find("[%w\x80-\xFF]") then
    return found:add("bad-label", clip.file, "its label has no words: " .. line)
  end
  labels.check(clip.file, line, found, with)
  speakers.describe(clip, line)
end

--- Adds `too-long` for a clip that does not fit into a training row: frames, the words' tokens, and some for the turn.
local function fit(clip, found, with)
  local frames = clip.frames or clip.info and codes.expected(clip.info, with)
  if not frames then return end
  local words = clip.text and with.tokenizer and #with.tokenizer:encode(text.clean(clip.text)) or 0
  -- A turn of one clip has its roles and ends around it: 16 tokens with the tokenizers of 1.4.
  local tokens = frames + words + 16
  if tokens > with.max_length then
    found:add("too-long", clip.file, ("it takes %d tokens, where a row holds %d (%.0f s)"):format(tokens,
      with.max_length,
      with.max_length * with.downsample * with.hop_length / with.sample_rate))
  end
end

--- Examines one clip, as data.scan gives it. Errors of the machine are raised, faults of the clip are added.
---@param clip table With `file`.
---@param found opah.doctor.Faults
---@param with table
function clips.examine(clip, found, with)
  if clip.audio then
    listen(clip, found, with)
  elseif not clip.codes then
    return
  end
  if not with.audio_only then read_label(clip, found, with) end
  if clip.codes then codes.check(clip, found, with) end
  fit(clip, found, with)
end

return clips
