--- Hear every checkpoint of a run: the same sentences, the same seeds, measured, on one page. Run again, it speaks what is new.
-- opah run audition results/P --vq-checkpoint-path F
-- It works on a run that is still going. --recognizer and --scorer take a command of yours, such as 'whisper-cli -f {wav}'.
-- `opah run pick results/P` then chooses.
local config, fs, json, lm = require "opah.config", require "opah.fs", require "opah.json", require "opah.lm"
local planning, progress, tables = require "opah.planning", require "opah.progress", require "opah.tables"
local stage_over, tensor, text, vq = require "opah.stage", require "opah.tensor", require "opah.text", require "opah.vq"
local choice, command, features = require "opah.audition.choice", require "opah.audition.command", require "opah.audition.features"
local page, runs, sentences = require "opah.audition.page", require "opah.audition.run", require "opah.audition.sentences"
local speaker, speaking = require "opah.audition.speaker", require "opah.audition.speaking"
local open_digests = require "opah.graph.digests"
local own_files, recipe = require "opah.own_files", require "opah.recipe"

-- Frames a second, and the levels of a code, of the released codecs.
local frame_rate, levels = 44100 / 2048, { 8, 5, 5, 5 }

--- Which checkpoints are heard: every so many, counted from the last, which is always among them.
local function chosen(found, every)
  local list = {}
  for i, item in ipairs(found.checkpoints) do
    if (#found.checkpoints - i) % every == 0 then list[#list + 1] = item end
  end
  return list
end

--- What was asked for with everything resolved that can be told without loading a model.
local function prepare(args)
  if #args.prompt_text ~= #args.prompt_tokens then
    config.usage_error(("%d --prompt-text for %d --prompt-tokens: give both for each reference"):format(#args.prompt_text, #args.prompt_tokens))
  end
  local asked = { timeout = args.timeout }
  for _, name in ipairs { "recognizer", "scorer" } do
    if args[name] then
      if not args.vq_checkpoint_path then
        config.usage_error(("--%s hears sound: give the codec's weights with --vq-checkpoint-path"):format(name))
      end
      asked[name] = command.parse("--" .. name, args[name])
    end
  end
  asked.run = runs.read(args.run)
  asked.model = runs.model(asked.run, args.model)
  asked.packs, asked.missing_packs = runs.packs(asked.run, args.packs)
  asked.checkpoints = chosen(asked.run, args.every)
  if #asked.checkpoints == 0 then
    error(fs.error("data", args.run .. " has no checkpoint yet", "wait for the first one: callbacks.model_checkpoint.every_n_train_steps"), 0)
  end
  asked.output = args.output or fs.join(args.run, "audition")
  local lines = args.texts and sentences.read(args.texts)
  for _, language in ipairs(args.language) do
    if not sentences.of[language] then
      config.usage_error(("--language %s: there are sentences in %s; --texts takes your own"):format(language, table.concat(sentences.languages(), ", ")))
    end
  end
  asked.lines = lines
  asked.seeds = {}
  for i = 1, args.num_samples do asked.seeds[i] = args.seed + i - 1 end
  return asked
end

local function lines_for(args, asked, voice)
  if asked.lines then return asked.lines end
  local list = {}
  for _, language in ipairs(#args.language > 0 and args.language or speaker.languages(voice)) do
    table.move(sentences.of[language], 1, #sentences.of[language], #list + 1, list)
  end
  return list
end

local function plan(args)
  local asked = prepare(args)
  local count = #asked.checkpoints * #(asked.lines or sentences.of.en) * #asked.seeds
  local cost, rates = lm.generation_cost(asked.model, { weights = args.weights }), planning.rates()
  local _, stored = planning.weights(asked.model)
  local seconds = 5 * count                      -- of speech: a sentence takes about five
  local codec = args.vq_checkpoint_path and 3.5 * fs.stat(args.vq_checkpoint_path).size or 0
  return {
    seconds = 1 + seconds * frame_rate * cost.bytes_per_frame / rates.read_bandwidth / 0.85,
    memory = planning.program + stored + (args.weights ~= "stored" and cost.weight_bytes or 0) + codec + cost.cache_bytes_per_token * 1000,
    disk = seconds * (frame_rate * 32 + (codec > 0 and 90000 or 0)) + (codec > 0 and 3e4 * count or 0), folder = asked.output,
    lines = { ("%d checkpoints, about %s of speech; what was spoken before is not spoken again"):format(#asked.checkpoints, progress.duration(seconds)) },
    memory_advice = "leave the weights as stored", disk_advice = "free some space, or hear fewer checkpoints: --every",
  }
end

return recipe {
  positionals = { { "run", "folder", "the folder of a run: results/P" } },
  flags = {
    { "model", "folder", nil, "the base model, unless the run's settings name it" },
    { "vq-checkpoint-path", "file", nil, "the codec's weights: sound, silence and pictures as well" },
    { "vq-config-name", "string", "firefly_gan_vq", "the codec's configuration" },
    { "packs", "path", {}, "packs of the speaker, unless the run's settings name them", multiple = true },
    { "speaker", "string", nil, "whose clips in the packs the voice is compared with; needed when there are several speakers" },
    { "texts", "file", nil, "sentences of your own, one on each line" },
    { "language", "string", {}, "languages of the sentences that come with the program; those of the packs unless given", multiple = true },
    { "num-samples", "integer", 1, "how often each sentence is spoken, with seeds one after another", from = 1, to = 64 },
    { "seed", "integer", 1, "the first seed" },
    { "every", "integer", 1, "hear every so many checkpoints, the last one always", from = 1 },
    { "prompt-text", "string", {}, "what is said in a reference; as often as --prompt-tokens", multiple = true },
    { "prompt-tokens", "file", {}, "codes of a reference recording (.npy)", multiple = true },
    { "max-new-tokens", "integer", 0, "at most so many frames; 0 for three times what is expected", from = 0 },
    { "top-p", "number", 0.7, "sample from the likeliest share", above = 0, to = 1 },
    { "repetition-penalty", "number", 1.2, "above 1 avoids codes said shortly before", above = 0, below = 2 },
    { "temperature", "number", 0.7, "below 1 is more certain", above = 0, below = 2 },
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8", "int4" } },
    { "recognizer", "string", nil, "a command that prints what it hears, as in 'CMD {wav}': word and character error rates" },
    { "scorer", "string", nil, "a command that prints a number for a sound, as in 'CMD {wav}'; higher is better" },
    { "timeout", "number", 60, "seconds that such a command may take for one sound", above = 0, to = 86400 },
    { "output", "path", nil, "the folder for sound and page; RUN/audition unless given" },
  },
  plan = plan,
  run = function(args)
    local asked = prepare(args)
    own_files.page(fs.join(asked.output, "index.html"))
    own_files.json(fs.join(asked.output, "audition.json"), "checkpoints")
    local _ <close> = fs.lock(asked.output, "an audition")
    local digests = open_digests(fs.join(asked.output, ".digests.json"))
    local codec = args.vq_checkpoint_path and vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path }
    if codec then frame_rate, levels = codec.frame_rate, codec.config.quantizer.levels end
    local reader = features.new(levels)
    for _, path in ipairs(asked.missing_packs) do progress.warn(("%s: these packs are not there: give them with --packs"):format(progress.name(path))) end
    local voice = speaker.read(asked.packs, args.speaker, reader, frame_rate)
    if not voice then
      progress.warn("without packs the speaker's pace is a guess, and there is no distance to the speaker (--packs)")
    elseif not voice.name then
      progress.log(("note: the packs hold %d speakers (%s): the voice is compared with all of them together, unless --speaker says whose it is")
        :format(#voice.names, table.concat(voice.names, ", ")))
    end
    local lines = lines_for(args, asked, voice)

    local prompts = {}
    for i, path in ipairs(args.prompt_tokens) do prompts[i] = tensor.load_npy(path) end
    local setting = {
      speaker = voice, reader = reader, frame_rate = frame_rate, codec = codec, max_new_tokens = args.max_new_tokens,
      recognizer = asked.recognizer, scorer = asked.scorer, timeout = args.timeout,
      generate = {
        top_p = args.top_p, temperature = args.temperature, repetition_penalty = args.repetition_penalty,
        speaker = asked.run.use_speaker and args.speaker or nil, codec = codec, codebook_size = not codec and reader.size or nil,
        prompt_text = #prompts > 0 and args.prompt_text or nil, prompt_tokens = #prompts > 0 and prompts or nil,
      },
    }

    --- What everything that is spoken depends on, besides the sentence and the checkpoint.
    local function digest_all(paths)
      local list = {}
      for _, path in ipairs(paths) do
        local inside = fs.stat(path).kind == "folder" and fs.list(path) or { path }
        for _, name in ipairs(inside) do list[#list + 1] = digests:of(name) end
      end
      return list
    end
    local weights_path = planning.weights(asked.model)
    local common = json.encode {
      model = digest_all { weights_path }, packs = digest_all(asked.packs), speaker = args.speaker or json.null, weights = args.weights,
      prompts = digest_all(args.prompt_tokens), prompt_text = args.prompt_text, role = setting.generate.speaker or json.null,
      codec = args.vq_checkpoint_path and digest_all { args.vq_checkpoint_path } or json.null, config = args.vq_config_name,
      max_new_tokens = args.max_new_tokens, top_p = args.top_p, temperature = args.temperature, penalty = args.repetition_penalty,
    }

    -- What is there, and how much is to be spoken.
    local work, count = {}, 0
    for i, item in ipairs(asked.checkpoints) do
      local name = ("step_%09d"):format(item.step)
      local entry = { item = item, name = name, folder = fs.join(asked.output, name), digest = digests:of(item.path) }
      entry.kept = speaking.open(entry.folder, text.digest(common .. (entry.digest or "")))
      count = count + #speaking.missing(entry.kept, lines, asked.seeds, entry.folder)
      work[i] = entry
    end
    digests:save()

    local stage <close> = stage_over("audition", count)
    local results = {}
    for _, entry in ipairs(work) do
      local ok, list = pcall(speaking.checkpoint, entry.folder, entry.kept, lines, asked.seeds, setting,
        function() return runs.load(asked.model, entry.item.path, args.weights) end,
        function() stage.bar:step(1) end, function(path, problem) stage:skip(path, problem) end)
      if ok then
        stage.done = stage.done + 1
        local measured = speaking.summary(list)
        measured.loss = entry.item.loss
        results[#results + 1] = {
          step = entry.item.step, path = entry.item.path, digest = entry.digest, folder = entry.name, spoken = list, measures = measured,
        }
      else
        if type(list) == "userdata" and list.fatal then error(list, 0) end
        stage:skip(entry.item.path, list)
      end
    end
    stage.bar:done()

    local shown = { { "loss", "held-out loss" }, { "cut", "cut off" }, { "ratio", "length ratio" }, { "repetition", "repeated" }, { "silence", "silence" },
      { "distance", "distance" }, { "word_error", "word errors" }, { "character_error", "character errors" }, { "score", "score" } }
    local picked, why = choice.pick(results)
    local columns, header = {}, { "step" }
    for _, column in ipairs(shown) do
      local any = false
      for _, result in ipairs(results) do any = any or result.measures[column[1]] ~= nil end
      if any then columns[#columns + 1], header[#header + 1] = column[1], column[2] end
    end
    header[#header + 1] = "picked"
    local overview = tables(header, { digits = 4 })
    for _, result in ipairs(results) do
      local row = { result.step }
      for _, name in ipairs(columns) do
        local value = result.measures[name]
        row[#row + 1] = value and value + 0.0 or ""
      end
      row[#row + 1] = result == picked and "<-" or ""
      overview:add(row)
    end

    local notes = {}
    if picked then notes[1] = ("Step %d would be picked: %s."):format(picked.step, why.reasons[1]) end
    if voice and voice.own_distance then
      notes[#notes + 1] = ("Distances compare with %s. A tenth of the speaker's own clips lies %.3f from the rest: no voice comes nearer.")
        :format(voice.name or "all speakers of the packs", voice.own_distance)
    end
    if not codec then notes[#notes + 1] = "There is no sound, since no codec was given (--vq-checkpoint-path)." end
    fs.write(fs.join(asked.output, "audition.json"), json.encode({
      format = 1, run = args.run, model = asked.model, texts = lines, seeds = asked.seeds, checkpoints = results,
      speaker = voice and { name = voice.name, clips = voice.clips, rates = voice.rates, own_distance = voice.own_distance, repetition = voice.repetition } or nil,
    }, { indent = 2 }))
    local html = fs.join(asked.output, "index.html")
    page.write(html, { title = "Audition of " .. fs.basename(args.run), notes = notes, table = overview, checkpoints = results, picked = picked and picked.step })
    progress.event { event = "output", path = fs.resolve(html) }
    if #results > 0 then print(overview:text()) end
    progress.result {
      checkpoints = #results, spoken = count, page = html, picked = picked and picked.step, sentences = #lines * #asked.seeds,
    }
    return stage:finish("checkpoints heard", ("%d sentences spoken now; %s"):format(count, progress.name(html)))
  end,
}
