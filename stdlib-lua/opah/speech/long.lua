--- `generate --input`: a long text from a file to one sound with subtitles, piece by piece.
local audio, config, fs, json = require "opah.audio", require "opah.config", require "opah.fs", require "opah.json"
local planning, progress, stage_over = require "opah.planning", require "opah.progress", require "opah.stage"
local text = require "opah.text"
local book, pronunciation = require "opah.speech.book", require "opah.speech.pronunciation"
local speaking, subtitles = require "opah.speech.speaking", require "opah.subtitles"
local open_digests = require "opah.graph.digests"

local long = {}

--- Options that only mean something with --input.
long.flags = {
  { "input", "file", nil, "a long text (.txt, .md) or subtitles (.srt, .vtt): spoken piece by piece into one sound with subtitles" },
  { "pronunciation", "file", nil, "with --input: how words are said, a line each: written = spoken" },
  { "sentence-pause", "number", 0.3, "with --input: seconds between sentences", from = 0, to = 60 },
  { "paragraph-pause", "number", 0.8, "with --input: seconds between paragraphs", from = 0, to = 60 },
  { "heading-pause", "number", 1.4, "with --input: seconds before and after headings", from = 0, to = 60 },
  { "again", "integer", {}, "with --input: the number of a piece to speak again, with another --seed; may be given several times", multiple = true, from = 1 },
  { "sound", "path", nil, "with --input: the file for the sound, in the form its suffix says (wav, flac, ogg, opus, mp3)" },
  { "overwrite", "boolean", false, "with --input: replace a sound or subtitles that something else wrote" },
  { "loudness", "number", nil, "with --input: loudness of the whole in LUFS, such as -19", from = -60, to = -5 },
}

--- The pieces that `args` ask for; what is wrong with the options ends the recipe.
function long.prepare(args)
  if args.text or args.text_file then config.usage_error("--input is what to say: leave out --text and --text-file") end
  if args.num_samples > 1 then config.usage_error("--input is spoken once: leave out --num-samples, and use --again with another --seed") end
  local stem = fs.basename(args.input):gsub("%.[^.]*$", "")
  args.sound = args.sound or fs.join(args.output, stem .. ".wav")
  if not audio.can_write(args.sound) then
    config.usage_error(("--sound: %s: such files cannot be written: wav, flac, ogg, opus and mp3 can"):format(args.sound))
  end
  if fs.exists(args.sound) and fs.resolve(args.sound) == fs.resolve(args.input) then config.usage_error("--sound is --input") end
  args.pieces_folder = fs.join(args.output, stem .. ".pieces")
  local pauses = { sentence = args.sentence_pause, paragraph = args.paragraph_pause, heading = args.heading_pause }
  local replacements = args.pronunciation and pronunciation.read(args.pronunciation)
  args.pieces, args.piece_notes = book.pieces(args.input, pauses, replacements)
  local bytes = 0
  for _, piece in ipairs(args.pieces) do bytes = bytes + #piece.spoken end
  args.bytes = bytes
  return args
end

--- Digests of all files that what is spoken depends on.
local function digest_of(digests, args)
  local list = {}
  local weights = planning.weights(args.checkpoint_path)
  for _, path in ipairs(fs.stat(weights).kind == "folder" and fs.list(weights) or { weights }) do list[#list + 1] = digests:of(path) end
  if args.lora_weight then list[#list + 1] = digests:of(args.lora_weight) end
  for i, voice in ipairs(args.voices) do
    list[#list + 1] = tostring(args.voice_scale[i] or 1)
    for _, adapter in ipairs(voice.manifest.adapters) do list[#list + 1] = voice.manifest.files[adapter.file].digest .. adapter.scale end
    for _, reference in ipairs(voice.manifest.references) do list[#list + 1] = voice.manifest.files[reference.codes].digest .. reference.text end
  end
  for i, path in ipairs(args.prompt_tokens) do list[#list + 1] = digests:of(path) .. args.prompt_text[i] end
  for _, name in ipairs { "max_new_tokens", "min_frames", "top_p", "temperature", "repetition_penalty", "chunk_length", "iterative_prompt",
    "allow_special", "speaker", "weights" } do
    list[#list + 1] = name .. "=" .. tostring(args[name])
  end
  if args.best_of > 1 then list[#list + 1] = "best_of=" .. args.best_of end
  return text.digest(table.concat(list, "\n"))
end

--- The files that come of it, by what they are.
local function outputs_of(args)
  local stem = args.sound:gsub("%.%w+$", "")
  -- Subtitles that were the input stay: what was spoken has its own beside them.
  local function beside(ending)
    local path = stem .. ending
    if fs.exists(path) and fs.resolve(path) == fs.resolve(args.input) then path = stem .. ".spoken" .. ending end
    return path
  end
  return { sound = args.sound, srt = beside(".srt"), vtt = beside(".vtt") }
end

--- What earlier runs wrote, digests by path; an error when something else stands under a name that is to be written.
local function written_before(record, outputs, overwrite)
  local known = {}
  if fs.exists(record) then
    local ok, content = pcall(json.decode, fs.read(record))
    if ok and type(content) == "table" then known = content end
  end
  local others = {}
  for _, path in pairs(outputs) do
    if fs.exists(path) and known[fs.resolve(path)] ~= fs.digest(path) and not overwrite then others[#others + 1] = path end
  end
  table.sort(others)
  if #others > 0 then
    error(fs.error("file", ("%s: there already, and not as an earlier run wrote it"):format(table.concat(others, ", ")),
      "choose another name with --sound, or replace it with --overwrite"), 0)
  end
  return known
end

--- Speaks what `prepare` found. `load()` gives the model with its adapters, `prompts` are `{ texts, codes }` of the references. Gives the exit code.
function long.run(args, load, codec, prompts)
  for _, note in ipairs(args.piece_notes) do progress.log(("note: %s: %s"):format(progress.name(args.input), note)) end
  if not codec then progress.warn("no sound: give the codec's weights with --vq-checkpoint-path; the codes are kept, and need not be spoken again") end
  local folder = args.pieces_folder
  local _ <close> = fs.lock(folder, "speaking a long text")
  local record, outputs = fs.join(folder, "written.json"), outputs_of(args)
  if not codec then outputs.sound = nil end
  local known = written_before(record, outputs, args.overwrite)
  local digests = open_digests(fs.join(folder, ".digests.json"))
  local frame_rate = codec and codec.frame_rate or 44100 / 2048
  local rate = codec and codec.sample_rate or 44100
  local setting = {
    seed = args.seed, again = args.again, frame_rate = frame_rate, codec = codec, codec_key = codec and codec:digest(),
    key = digest_of(digests, args), best_of = args.best_of, anchor = #prompts.codes == 0 and args.iterative_prompt,
    generate = {
      speaker = args.speaker, max_new_tokens = args.max_new_tokens, min_frames = args.min_frames, top_p = args.top_p,
      temperature = args.temperature, repetition_penalty = args.repetition_penalty, chunk_length = args.chunk_length,
      iterative_prompt = args.iterative_prompt, codec = codec, codebook_size = not codec and 1000 or nil, allow_special = args.allow_special,
      prompt_text = #prompts.codes > 0 and prompts.texts or nil, prompt_tokens = #prompts.codes > 0 and prompts.codes or nil,
    },
  }
  digests:save()
  local stage <close> = stage_over("generate", #args.pieces)
  local entries = speaking.run(folder, args.pieces, setting, load, stage)
  stage.bar:done()
  local doubtful = speaking.doubtful(entries, #args.pieces)
  speaking.tell(doubtful)
  local samples, cues, late = speaking.join(folder, args.pieces, entries, rate, codec ~= nil, frame_rate)
  if late > 0 then progress.warn(("%d cues begin later than their times: what was said before them takes longer"):format(late)) end
  local files = {}
  fs.mkdir(fs.dirname(args.sound))
  if samples then
    if args.loudness then
      local level
      samples, level = audio.normalize_loudness(samples, rate, { loudness = args.loudness })
      for _, note in ipairs(level.notes) do progress.log("note: " .. note) end
    end
    -- Opus knows 48 kHz, and not the codec's rate.
    if args.sound:lower():find("%.opus$") then samples, rate = audio.resample(samples, rate, 48000), 48000 end
    for _, note in ipairs(audio.save(args.sound, samples, rate)) do progress.log(("note: %s: %s"):format(progress.name(args.sound), note)) end
    files[1] = args.sound
  end
  if #cues > 0 then
    fs.write(outputs.srt, subtitles.srt(cues))
    fs.write(outputs.vtt, subtitles.vtt(cues))
    files[#files + 1], files[#files + 2] = outputs.srt, outputs.vtt
  end
  for _, path in ipairs(files) do known[fs.resolve(path)] = fs.digest(path) end
  fs.write(record, json.encode(known))
  table.sort(files)
  for _, path in ipairs(files) do progress.log(progress.name(path)) end
  local frames = 0
  for i = 1, #args.pieces do frames = frames + (entries[i] and entries[i].frames or 0) end
  progress.result { files = files, frames = frames, pieces = #args.pieces, doubtful = doubtful, folder = folder }
  return stage:finish("pieces spoken", ("%s of speech; each piece with its codes in %s"):format(progress.duration(frames / frame_rate), progress.name(folder)))
end

return long
