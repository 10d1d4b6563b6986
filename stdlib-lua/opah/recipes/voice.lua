--- A finished voice in one folder: pack it of a run, look into it, check it. `generate --voice` speaks with it.
-- opah run voice pack Alice --run results/alice --licence CC-BY-4.0 --consent "Alice agreed in writing on ..."
-- opah run voice inspect voices/Alice.voice
-- opah run voice verify voices/Alice.voice --model checkpoints/fish-speech-1.4
-- A voice holds adapters with their scales, reference clips, settings, what was stated about rights, and --with-codec a codec
-- of its own. What was not stated is named as missing; nothing is made up.
local config, fs, lm = require "opah.config", require "opah.fs", require "opah.lm"
local json, progress, tables = require "opah.json", require "opah.progress", require "opah.tables"
local vq = require "opah.vq"
local choice, runs = require "opah.audition.choice", require "opah.audition.run"
local codecs, folder, pack = require "opah.voice.codec", require "opah.voice.folder", require "opah.voice.pack"
local references = require "opah.voice.references"
local recipe = require "opah.recipe"

return recipe {
  positionals = {
    { "action", "string", "pack, inspect or verify" },
    { "voice", "string", "the name of the voice to make, or the path of one" },
  },
  flags = {
    { "run", "folder", nil, "pack: the run that trained it, results/P" },
    { "checkpoint", "file", nil, "pack: which checkpoint of it; what `opah run pick` chose unless given" },
    { "adapter", "file", {}, "pack: an adapter more, or without --run the only ones; may be given several times", multiple = true },
    { "scale", "number", {}, "pack: how strong the adapters are, in their order, the run's first; 1 unless given", multiple = true, from = -10, to = 10 },
    { "model", "folder", nil, "the base model; for pack the run's unless given, for verify it is tried" },
    { "output", "path", "voices", "pack: the folder that NAME.voice goes to" },
    { "overwrite", "boolean", false, "pack: replace a voice that is there" },
    { "speaker", "string", nil, "pack: whose voice it is, as the packs call the speaker" },
    { "packs", "path", {}, "pack: packs to take references from; the run's unless given", multiple = true },
    { "reference", "file", {}, "pack: a recording as reference, with its .lab (and .npy) beside it", multiple = true },
    { "references", "integer", 1, "pack: how many references are chosen from the packs when none is named", from = 0, to = 16 },
    { "vq-checkpoint-path", "file", nil, "the codec's weights: makes codes of references, and is recorded or checked" },
    { "vq-config-name", "string", "firefly_gan_vq", "the codec's configuration" },
    { "with-codec", "boolean", false, "pack: the voice holds a copy of the codec, as one needs that others do not have" },
    { "language", "string", {}, "pack: a language that it speaks, such as en; may be given several times", multiple = true },
    { "licence", "string", nil, "pack: under which licence the voice is given, such as CC-BY-4.0" },
    { "consent", "string", nil, "pack: what the speaker agreed to, how and when" },
    { "provenance", "string", nil, "pack: where the recordings come from" },
    { "author", "string", nil, "pack: who made the voice" },
    { "temperature", "number", 0.7, "pack: how it is to be spoken with", above = 0, below = 2 },
    { "top-p", "number", 0.7, "pack: the same", above = 0, to = 1 },
    { "repetition-penalty", "number", 1.2, "pack: the same", above = 0, to = 10 },
    { "chunk-length", "integer", 100, "pack: the same", from = 1, to = 100000 },
    { "min-frames", "integer", 0, "pack: the same", from = 0, to = 10000 },
  },
  run = function(args)
    --- The checkpoint to take of a run, and why it is this one.
    local function chosen_checkpoint(run)
      if args.checkpoint then return args.checkpoint, "named" end
      local path = fs.join(run.folder, "pick.json")
      if fs.exists(path) then
        local ok, told = pcall(json.decode, fs.read(path))
        local taken
        for _, item in ipairs(run.checkpoints) do
          if ok and type(told) == "table" and item.step == told.step then taken = item end
        end
        if not taken or fs.digest(taken.path) ~= told.digest then
          error(fs.error("data", path .. ": the checkpoint that was picked is not there any more, or another one now",
            ("opah run pick %s chooses again; --checkpoint names one"):format(run.folder)), 0)
        end
        return taken.path, "picked: " .. tostring(told.reasons and told.reasons[1])
      end
      local list = {}
      for _, item in ipairs(run.checkpoints) do
        if item.loss then list[#list + 1] = { step = item.step, path = item.path, measures = { loss = item.loss } } end
      end
      local best = choice.pick(list)
      if not best then
        config.usage_error(("%s has no validated checkpoint: name one with --checkpoint"):format(run.folder))
      end
      progress.log(("note: nobody has picked a checkpoint (opah run pick %s): step %d is taken, the earliest good one by held-out loss")
        :format(progress.name(run.folder), best.step))
      return best.path, "the earliest good one by the loss on held-out clips; nobody has listened"
    end

    --- What is known of a voice's making, from the run's folder and its checkpoint.
    local function made_from(run, path, why)
      local told = { program = "opah " .. require "opah".version, checkpoint = fs.basename(path), choice = why }
      if run then told.run = fs.basename(fs.resolve(run.folder)) end
      local ok, saved = pcall(require "opah.checkpoint".load, path)
      local recorded = ok and type(saved.opah) == "table" and saved.opah.run or {}
      told.dataset_digest, told.max_length, told.learning_rate = recorded.dataset_digest, recorded.max_length, recorded.lr
      return told
    end

    local actions = {}

    function actions.pack()
      if not folder.is_name(args.voice) then
        config.usage_error(("%s is no name for a voice: letters, digits, blanks, - and _ make one"):format(progress.name(args.voice)))
      end
      if args.with_codec and not args.vq_checkpoint_path then
        config.usage_error("--with-codec needs --vq-checkpoint-path: the codec that the voice is to hold")
      end
      if not args.run and #args.adapter == 0 and not args.model then
        config.usage_error("--run is needed (or --adapter): what the voice is made of")
      end
      local run = args.run and runs.read(args.run)
      local adapters, why = {}, nil
      if run then
        local path
        path, why = chosen_checkpoint(run)
        adapters[1] = { path = path }
      elseif args.checkpoint then
        adapters[1], why = { path = args.checkpoint }, "named"
      end
      for _, path in ipairs(args.adapter) do adapters[#adapters + 1] = { path = path } end
      if #args.scale > #adapters then
        config.usage_error(("%d --scale for %d adapters"):format(#args.scale, #adapters))
      end
      for i, item in ipairs(adapters) do item.scale = args.scale[i] or 1 end

      local base = args.model or run and run.model
      base = base and (base:match("^(.*)/[^/]*%.pth$") or base)
      local settings = base and fs.join(base, "config.json")
      local manifest = {
        name = args.voice, speaker = args.speaker, languages = args.language,
        base = { name = base and fs.basename(fs.resolve(base)), digest = args.model and lm.load(args.model):digest() or nil },
        generation = {}, statements = {}, made_from = adapters[1] and made_from(run, adapters[1].path, why) or {},
      }
      if settings and fs.exists(settings) then manifest.base.codebooks = json.decode(fs.read(settings)).num_codebooks end

      local codec = args.vq_checkpoint_path and vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path }
      if codec then manifest.codec = codecs.told(codec) end
      local clips = {}
      for i, path in ipairs(args.reference) do clips[i] = references.named(path, codec) end
      if #clips == 0 and args.references > 0 then
        local there, missing = runs.packs(run or { packs = {} }, args.packs)
        for _, path in ipairs(missing) do progress.warn(progress.name(path) .. ": these packs are not there: no reference is taken from them") end
        if #there > 0 then
          local name
          clips, name = references.choose(there, args.speaker, args.references, codec and codec.frame_rate or 44100 / 2048)
          manifest.speaker = manifest.speaker or name
        end
      end
      if run and run.use_speaker then manifest.role = manifest.speaker end

      local missing = {}
      for _, name in ipairs(folder.statements) do
        local value = args[name]
        if value and value:find("%S") then manifest.statements[name] = value else missing[#missing + 1] = name end
      end
      if #args.language == 0 then missing[#missing + 1] = "language" end
      for _, setting in ipairs(folder.generation) do manifest.generation[setting.name] = args[setting.name] end

      local path = fs.join(args.output, args.voice .. ".voice")
      local opened = pack.write(path, { manifest = manifest, adapters = adapters, references = clips, codec = args.with_codec and codec or nil, base = args.model }, args.overwrite)
      for _, name in ipairs(missing) do progress.warn(("missing: %s (--%s): the voice and its card say that it is not stated"):format(name, name)) end
      if #clips == 0 then progress.warn("missing: a reference clip (--reference, or --packs): the voice has adapters alone") end
      local bytes = 0
      for _, file in pairs(opened.manifest.files) do bytes = bytes + file.size end
      print(("%s: %d adapters, %d references, %s"):format(path, #adapters, #clips, progress.size(bytes)))
      progress.result { voice = path, adapters = #adapters, references = #clips, bytes = bytes, missing = missing }
      return 0
    end

    --- The path that was given, or that of a voice of that name.
    local function opened_voice()
      local path = args.voice
      if not fs.exists(path) then path = require "opah.voice.use".find(path) or path end
      return folder.open((path:gsub("/+$", "")))
    end

    --- What a voice says of itself, line by line.
    function actions.inspect()
      local opened = opened_voice()
      local manifest = opened.manifest
      local shown = tables { "what", "value" }
      local function row(what, value)
        if value ~= nil and value ~= "" then shown:add { what, progress.name(tostring(value), { output = true }) } end
      end
      row("name", manifest.name)
      row("speaker", manifest.speaker)
      row("role", manifest.role)
      row("languages", table.concat(manifest.languages or {}, ", "))
      row("base", (manifest.base.name and manifest.base.name .. ", " or "") .. "digest " .. manifest.base.digest)
      local codec = manifest.codec or {}
      row("codec", codec.digest and ("%sdigest %s"):format(codec.file and codec.file .. ", " or "", codec.digest))
      for _, adapter in ipairs(manifest.adapters) do row("adapter", ("%s, scale %g"):format(adapter.file, adapter.scale)) end
      for _, reference in ipairs(manifest.references) do
        row("reference", ("%s%s: %s"):format(reference.codes, reference.sound and " and " .. reference.sound or "", reference.text))
      end
      for _, setting in ipairs(folder.generation) do row(setting.name, manifest.generation and manifest.generation[setting.name]) end
      local missing = {}
      for _, name in ipairs(folder.statements) do
        local value = manifest.statements and manifest.statements[name]
        row(name, value or "not stated")
        if not value then missing[#missing + 1] = name end
      end
      print(shown:text())
      progress.result { voice = opened.path, name = manifest.name, base = manifest.base.digest, adapters = #manifest.adapters,
        references = #manifest.references, missing = missing }
      return 0
    end

    --- Everything that can be checked without speaking; with --model, that it is the base and takes the adapters.
    function actions.verify()
      local opened = opened_voice()
      for _, adapter in ipairs(opened.manifest.adapters) do folder.adapter(opened, adapter) end
      for _, reference in ipairs(opened.manifest.references) do
        folder.codes(opened, reference)
        if reference.sound then require "opah.audio".info(fs.join(opened.path, reference.sound)) end
      end
      codecs.load(opened)
      local use = require "opah.voice.use"
      if args.model then use.apply(lm.load(args.model), { opened }) end
      if args.vq_checkpoint_path then
        use.check_codec({ opened }, vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path })
      end
      for _, name in ipairs(folder.strangers(opened)) do
        progress.warn(("note: %s is not part of the voice and is never read"):format(progress.name(name)))
      end
      local missing = {}
      for _, name in ipairs(folder.statements) do
        if not (opened.manifest.statements and opened.manifest.statements[name]) then missing[#missing + 1] = name end
      end
      if #missing > 0 then progress.warn("note: not stated: " .. table.concat(missing, ", ")) end
      local count = 0
      for _ in pairs(opened.manifest.files) do count = count + 1 end
      print(("%s: %d files are as they were packed%s"):format(progress.name(opened.path, { output = true }), count,
        args.model and ", and the base takes its adapters" or ""))
      progress.result { voice = opened.path, files = count, missing = missing, base_tried = args.model ~= nil }
      return 0
    end

    local action = actions[args.action]
    if not action then
      config.usage_error(("voice %s: what is to be done is pack, inspect or verify"):format(progress.name(args.action)))
    end
    return action()
  end,
}
