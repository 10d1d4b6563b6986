--- Speaks with voices: their adapters live on the base model, nothing merged, their references heard first.
local config, fs, lora = require "opah.config", require "opah.fs", require "opah.lora"
local progress = require "opah.progress"
local codecs, folder = require "opah.voice.codec", require "opah.voice.folder"

local use = {}

--- The path of a voice that is called `name`: NAME.voice in the folders of OPAH_VOICES (parted by colons), in voices/ or here; nil
--- when there is none.
function use.find(name)
  if not folder.is_name(name) then return nil end
  local folders = {}
  for place in (os.getenv("OPAH_VOICES") or ""):gmatch("[^:]+") do folders[#folders + 1] = place end
  table.move({ "voices", "." }, 1, 2, #folders + 1, folders)
  for _, place in ipairs(folders) do
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

--- An error when a voice was made with another codec: its codes would mean another sound.
function use.check_codec(opened, codec)
  for _, voice in ipairs(opened) do
    if not codecs.fits(voice.manifest, codec:codes_digest(), codec:digest()) then
      local said = voice.manifest.codec
      error(fs.error("checkpoint", ("%s: this voice was made with another codec (digest %s) than --vq-checkpoint-path (%s)"):format(voice.path,
        codecs.short(said.digest), codecs.short(codec:codes_digest())), said.file and "it holds its codec: " .. said.file
        or "give the codec that it was made with"), 0)
    end
  end
end

return use
