--- Makes the folder of a voice: everything is written to a folder beside it, read back, and gets its name when it is whole.
local audio, checkpoint, fs = require "opah.audio", require "opah.checkpoint", require "opah.fs"
local json, lm, lora = require "opah.json", require "opah.lm", require "opah.lora"
local progress, tensor = require "opah.progress", require "opah.tensor"
local card, codecs, folder = require "opah.voice.card", require "opah.voice.codec", require "opah.voice.folder"

local pack = {}

--- The adapter of a checkpoint without the optimizer's state, three times its size: what it says of itself comes along. One of
--- another program says nothing: it is tried on the model at `base`, where that was named, and what it was trained on is written down.
local function adapter(path, target, base)
  -- Whatever is written anew has new checksums: damage is found here or never.
  local saved = checkpoint.load(path, { verify = true })
  if not saved.opah_lora and base then
    local model = lm.load(base)
    lora.load(model, path)
    lora.save(model, target)
    progress.log(("note: %s does not say what it was trained on: %s, as --model says"):format(progress.name(path), progress.name(base)))
    return checkpoint.load(target).opah_lora
  end
  if not saved.opah_lora then
    error(fs.error("checkpoint", progress.name(path) .. ": this checkpoint has no adapter that says what it was trained on",
      "name the base model of an adapter of another program with --model; a run that trained all weights becomes a model folder: "
      .. "opah run extract-model"), 0)
  end
  checkpoint.save(target, { state_dict = saved.state_dict, opah_lora = saved.opah_lora })
  return saved.opah_lora
end

--- Writes a voice to `path`. `made` has its `manifest` so far, `adapters = { { path, scale } }`, `references = { { text, codes, sound } }`
--- the `codec` that it is to hold, if any, and `base`, the model's folder where it was named. Gives the opened voice.
function pack.write(path, made, overwrite)
  fs.mkdir(fs.dirname(path))
  local _ <close> = fs.lock(fs.dirname(path), "packing a voice", { name = ".voices.lock" })
  local draft, old = path .. ".making", path .. ".replaced"
  -- A run that was killed while it replaced the voice: the one that was there comes back, and is replaced only when the new one is whole.
  if fs.exists(old) then
    if fs.exists(path) then fs.remove(old, { recursive = true }) else fs.move(old, path) end
  end
  if fs.exists(path) and not overwrite then
    error(fs.error("file", path .. " is there already", "choose another name, or replace it with --overwrite"), 0)
  end
  if fs.exists(path) and not fs.exists(fs.join(path, "voice.json")) then
    error(fs.error("file", path .. " is there and is no voice: it is not replaced", "choose another name"), 0)
  end
  if fs.exists(draft) then fs.remove(draft, { recursive = true }) end      -- of a run that was killed
  fs.mkdir(draft)
  local ok, problem = pcall(function()
    local manifest = made.manifest
    manifest.format, manifest.version, manifest.adapters, manifest.references, manifest.files = "opah-voice", folder.version, {}, {}, {}
    local function file(name)
      local inside = fs.join(draft, name)
      manifest.files[name] = { size = fs.stat(inside).size, digest = fs.digest(inside) }
      return name
    end
    for i, item in ipairs(made.adapters) do
      local name = ("adapter-%d.ckpt"):format(i)
      local told = adapter(item.path, fs.join(draft, name), made.base)
      if manifest.base.digest and told.base_digest ~= manifest.base.digest then
        error(fs.error("checkpoint", ("%s: it was trained on another base model than %s"):format(item.path, i == 1 and "--model" or made.adapters[1].path),
          "a voice has one base model"), 0)
      end
      manifest.base.digest = told.base_digest
      manifest.adapters[i] = { file = file(name), scale = item.scale, rank = told.rank, alpha = told.alpha, step = told.step }
    end
    for i, item in ipairs(made.references) do
      local name = ("reference-%d"):format(i)
      tensor.save_npy(fs.join(draft, name .. ".npy"), item.codes:to("int32"))
      local entry = { text = item.text, codes = file(name .. ".npy") }
      if item.sound then
        local ending = (item.sound:match("%.(%w+)$") or "wav"):lower()
        audio.info(item.sound)                       -- sound, and nothing else
        fs.copy(item.sound, fs.join(draft, name .. "." .. ending))
        entry.sound = file(name .. "." .. ending)
      end
      manifest.references[i] = entry
      manifest.base.codebooks = item.codes:size(1)
    end
    if made.codec then
      codecs.hold(made.codec, draft, "codec.pth", manifest.codec)
      file("codec.pth")
    end
    local checked, wrong = folder.check(manifest)
    if not checked then error(fs.error("data", "this would be no voice: " .. table.concat(wrong, "; ")), 0) end
    fs.write(fs.join(draft, "README.md"), card.text(manifest))
    fs.write(fs.join(draft, "voice.json"), json.encode(manifest, { indent = 2 }))
    local opened = folder.open(draft)
    for _, reference in ipairs(opened.manifest.references) do folder.codes(opened, reference) end
    codecs.load(opened)
  end)
  if not ok then
    fs.remove(draft, { recursive = true })
    error(problem, 0)
  end
  if fs.exists(path) then
    fs.move(path, old)
    fs.move(draft, path)
    fs.remove(old, { recursive = true })
  else
    fs.move(draft, path)
  end
  return folder.open(path)
end

return pack
