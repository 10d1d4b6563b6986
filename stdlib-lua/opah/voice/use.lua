--- Speaks with voices: their adapters live on the base model, nothing merged, their references heard first.
local config, fs, lora = require "opah.config", require "opah.fs", require "opah.lora"
local progress, vq = require "opah.progress", require "opah.vq"
local codecs, folder = require "opah.voice.codec", require "opah.voice.folder"

local use = {}

--- The folders in which voices are looked for by name: those of OPAH_VOICES (parted by colons), voices/ and this one.
local function places()
  local folders = {}
  for place in (os.getenv("OPAH_VOICES") or ""):gmatch("[^:]+") do folders[#folders + 1] = place end
  return table.move({ "voices", "." }, 1, 2, #folders + 1, folders)
end

--- The names of the voices that can be found by name, in order.
---
---     fs.mkdir "voices/Ann.voice"
---     fs.write("voices/Ann.voice/voice.json", "{}")
---     require "opah.voice.use".names()  --> {"Ann"}
---@return string[]
function use.names()
  local names, seen = {}, {}
  for _, place in ipairs(places()) do
    for _, path in ipairs(fs.glob(fs.join((place:gsub("[%*%?%[%]{}\\]", "\\%0")), "*.voice/voice.json"))) do
      local name = fs.basename(fs.dirname(path)):match("^(.*)%.voice$")
      if name and not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  table.sort(names)
  return names
end

--- The path of a voice that is called `name`: NAME.voice in one of those folders; nil when there is none.
function use.find(name)
  if not folder.is_name(name) then return nil end
  for _, place in ipairs(places()) do
    local path = fs.join(place, name .. ".voice")
    if fs.exists(fs.join(path, "voice.json")) then return path:gsub("^%./", "") end
  end
end

--- Puts the adapters of opened voices on `model`, each times its own scale and the one of its voice in `scales`. A model that is
--- not a voice's base is an error.
function use.apply(model, opened, scales)
  local digest
  for i, voice in ipairs(opened) do
    digest = digest or model:digest()
    local base = voice.manifest.base
    if base.digest ~= digest then
      error(fs.error("checkpoint", ("%s: this voice was made for another base model (%sdigest %s, here %s)"):format(voice.path,
        base.name and base.name .. ", " or "", base.digest:sub(1, 8), digest:sub(1, 8)),
        "give its base model with --checkpoint-path"), 0)
    end
    for _, adapter in ipairs(voice.manifest.adapters) do
      folder.adapter(voice, adapter)
      local scale = adapter.scale * (scales and scales[i] or 1)
      if scale ~= 0 then lora.load(model, fs.join(voice.path, adapter.file), { scale = scale }) end
    end
  end
end

--- Texts and codes of the first voice that has references: two lists.
function use.references(opened)
  for _, voice in ipairs(opened) do
    if #voice.manifest.references > 0 then
      local texts, codes = {}, {}
      for i, reference in ipairs(voice.manifest.references) do
        texts[i], codes[i] = reference.text, folder.codes(voice, reference)
      end
      return texts, codes
    end
  end
  return {}, {}
end

--- Whether an option stands among the words of a command line.
local function given(words, name)
  for _, word in ipairs(words) do
    local option = word:match("^%-%-([^=]+)")
    if option and option:gsub("_", "-") == name then return true end
  end
  return false
end

--- What a command line asks for: `args` of `generate` with its voices opened as `args.voices`. The first voice gives the settings
--- that are not among `words`, the role, and the references unless there are others. `--speaker NAME` means the voice of that
--- name where there is one.
function use.resolve(args, words)
  local paths = table.move(args.voice, 1, #args.voice, 1, {})
  if #args.voice_scale > math.max(#paths, 1) then
    config.usage_error(("%d --voice-scale for %d --voice"):format(#args.voice_scale, #paths))
  end
  if #paths == 0 and args.speaker then
    local path = use.find(args.speaker)
    if path then
      progress.log(("--speaker %s: the voice %s is used"):format(progress.name(args.speaker), progress.name(path)))
      paths[1], args.speaker = path, nil
    end
  end
  if #paths == 0 and #args.voice_scale > 0 then config.usage_error("--voice-scale is how strong a --voice is, and there is none") end
  args.voices = {}
  for i, path in ipairs(paths) do args.voices[i] = folder.open((path:gsub("(.)/+$", "%1"))) end
  local first = args.voices[1]
  if not first then return args end
  args.speaker = args.speaker or first.manifest.role
  for _, setting in ipairs(folder.generation) do
    local value = first.manifest.generation and first.manifest.generation[setting.name]
    if value and not given(words, (setting.name:gsub("_", "-"))) then args[setting.name] = value end
  end
  args.voice_texts, args.voice_codes = {}, {}
  if #args.prompt_tokens == 0 then args.voice_texts, args.voice_codes = use.references(args.voices) end
  return args
end

--- The voice whose codec makes the sound: the first that holds one; nil when none does.
local function holder(opened)
  for _, voice in ipairs(opened) do
    if voice.manifest.codec and voice.manifest.codec.file then return voice end
  end
end

--- The codec that makes the sound of what `args.voices` say, as a server chooses it: one that a voice holds, else the one that
--- the command line names; nil without either.
function use.codec(args)
  local voice = holder(args.voices)
  if not voice then
    return args.vq_checkpoint_path and vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path }
  end
  local said = args.vq_checkpoint_path and "which is used in place of --vq-checkpoint-path" or "which makes the sound"
  progress.log(("%s: it holds its codec, %s"):format(progress.name(voice.path), said))
  return codecs.load(voice)
end

--- The file of its weights, for what it will take; nil without one.
function use.codec_file(args)
  local voice = holder(args.voices)
  return voice and fs.join(voice.path, voice.manifest.codec.file) or args.vq_checkpoint_path
end

--- An error when a voice was made with another codec: its codes would mean another sound.
function use.check_codec(opened, codec)
  for _, voice in ipairs(opened) do
    if not codecs.fits(voice.manifest, codec:codes_digest(), codec:digest()) then
      local said = voice.manifest.codec
      local held = holder(opened)
      error(fs.error("checkpoint", ("%s: this voice was made with another codec (digest %s) than %s (%s)"):format(voice.path,
        codecs.short(said.digest), held and held.path .. " holds" or "--vq-checkpoint-path", codecs.short(codec:codes_digest())),
        held and "voices that are spoken together have one codec" or "give the codec that it was made with"), 0)
    end
  end
end

return use
