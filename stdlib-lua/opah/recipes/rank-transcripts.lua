--- Find wrong transcripts: clips ordered by how little their text explains their codes, the most doubtful first, on a page.
-- opah run rank-transcripts data --checkpoint-path C --lora-weight results/P/checkpoints/step_000000100.ckpt
-- The negative log-likelihood of each clip's codes under the model (nats a frame, per codebook) is set against that of the same
-- codes after other clips' texts: a wrong text explains no more than those do. A model that knows the voice sees most.
local audio, recipe, data, fs = require "opah.audio", require "opah.recipe", require "opah.data", require "opah.fs"
local json, lm, planning = require "opah.json", require "opah.lm", require "opah.planning"
local progress, report, stage_over = require "opah.progress", require "opah.report", require "opah.stage"
local tables, tensor, text = require "opah.tables", require "opah.tensor", require "opah.text"
local likelihood, ranking = require "opah.transcripts.likelihood", require "opah.transcripts.ranking"
local script_of = require "opah.audition.sentences".script
local open_digests = require "opah.graph.digests"

local frame_rate = 44100 / 2048     -- frames a second of the released codecs

local function plan(args)
  local cost, rates, frames, count = lm.generation_cost(args.checkpoint_path), planning.rates(), 0, 0
  for _, clip in ipairs((data.scan(args.folder))) do
    if clip.codes then
      -- int32 of eight codebooks: 32 bytes a frame.
      count, frames = count + 1, frames + fs.stat(clip.codes).size / 32
    end
  end
  local _, stored = planning.weights(args.checkpoint_path)
  return {
    seconds = 1 + (1 + args.contrast) * 1.6 * frames * cost.operations_per_frame / rates.matrix_rate / 0.6,
    memory = planning.program + 2 * stored + 200e6, disk = 1000 * count + 60000 * args.top, folder = args.output,
    lines = { ("%d clips with codes"):format(count) },
  }
end

return recipe {
  positionals = { { "folder", "folder", "clips with labels and codes, one folder per speaker" } },
  flags = {
    { "checkpoint-path", "folder", "checkpoints/fish-speech-1.4", "the model" },
    { "lora-weight", "file", nil, "an adapter, such as one that was trained on these clips" },
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8" } },
    { "text-extension", "string", ".lab", "suffix of the labels" },
    { "use-speaker", "boolean", false, "the speaker's name is the role, as in training with use_speaker" },
    { "contrast", "integer", 2, "how many other texts each clip is tried with; 0 ranks by its own likelihood alone", from = 0, to = 16 },
    { "top", "integer", 30, "so many of the most doubtful clips are shown", from = 1, to = 1000 },
    { "output", "output", "out/rank-transcripts", "the folder for the page and ranks.json" },
  },
  plan = plan,
  run = function(args)
    local found, skipped, notes = data.scan(args.folder)
    local _ <close> = fs.lock(args.output, "ranking transcripts")
    local clips = {}
    local stage <close> = stage_over("rank-transcripts", #found)
    stage:add_skipped(skipped)
    stage:add_notes(notes)
    for _, clip in ipairs(found) do
      local label = clip.labels[args.text_extension]
      local path = clip.audio or clip.codes or label
      local ok, problem = pcall(function()
        if not label then error(fs.error("data", "it has no label " .. args.text_extension), 0) end
        if not clip.codes then error(fs.error("data", "it has no codes", "opah run extract-vq makes them"), 0) end
        local line = text.clean((text.read_label(label)))
        local script, letters = script_of(line)
        clips[#clips + 1] = {
          path = path, codes_path = clip.codes, sound = clip.audio, speaker = clip.speaker or "", text = line, script = script, letters = letters,
        }
      end)
      if not ok then
        if type(problem) == "userdata" and problem.fatal then error(problem, 0) end
        stage:skip(path, problem)
        stage.bar:step(1)
      end
    end
    if #clips == 0 then
      if #stage.skipped > 0 then return stage:finish("clips ranked") end
      error(fs.error("data", args.folder .. ": there are no clips with labels and codes", "opah run extract-vq makes codes"), 0)
    end

    --- Other clips' texts for each clip: of the same speaker and about the same length, the same ones in every run.
    local function others(clip)
      local list = {}
      for _, other in ipairs(clips) do
        if other.text ~= clip.text and other.speaker == clip.speaker then list[#list + 1] = other end
      end
      if #list < args.contrast then
        for _, other in ipairs(clips) do
          if other.text ~= clip.text and other.speaker ~= clip.speaker then list[#list + 1] = other end
        end
      end
      local function far(other) return math.abs(other.letters - clip.letters) end
      table.sort(list, function(a, b)
        if far(a) ~= far(b) then return far(a) < far(b) end
        return a.path < b.path
      end)
      local texts, seen = {}, {}
      for _, other in ipairs(list) do
        if #texts == args.contrast then break end
        if not seen[other.text] then texts[#texts + 1], seen[other.text] = other.text, true end
      end
      return texts
    end

    local digests = open_digests(fs.join(args.output, ".digests.json"))
    local kept_path = fs.join(args.output, "likelihoods.json")
    local weights_path = planning.weights(args.checkpoint_path)
    local under = { args.lora_weight and digests:of(args.lora_weight) or "", args.weights, tostring(args.use_speaker) }
    for _, path in ipairs(fs.stat(weights_path).kind == "folder" and fs.list(weights_path) or { weights_path }) do under[#under + 1] = digests:of(path) end
    local key = text.digest(table.concat(under, "\n"))
    -- What an earlier run found under the same model; it may have been stopped.
    local known = {}
    if fs.exists(kept_path) then
      local ok, content = pcall(json.decode, fs.read(kept_path))
      if ok and type(content) == "table" and content.key == key and type(content.clips) == "table" then known = content.clips end
    end
    local used = {}
    local function save() fs.write(kept_path, json.encode({ key = key, clips = used })) end

    local model = lm.load(args.checkpoint_path, { weights = args.weights, lora = args.lora_weight })
    local ranked, since = {}, os.time()
    for _, clip in ipairs(clips) do
      stage:try(clip.path, function()
        local codes = tensor.load_npy(clip.codes_path)
        if codes:dim() ~= 2 or codes:size(2) == 0 then error(fs.error("data", clip.codes_path .. ": these are no codes"), 0) end
        clip.frames = codes:size(2)
        clip.seconds = clip.frames / frame_rate
        clip.pace = clip.letters / clip.seconds
        local texts = others(clip)
        local name = text.digest(table.concat({ digests:of(clip.codes_path), clip.text, args.use_speaker and clip.speaker or "", table.unpack(texts) }, "\n"))
        local entry = known[name]
        if not entry then
          local role = args.use_speaker and clip.speaker or nil
          entry = { likelihood.of(model, clip.text, codes, role) }
          local sum = 0
          for _, other in ipairs(texts) do sum = sum + likelihood.of(model, other, codes, role) end
          entry[3] = #texts > 0 and sum / #texts - entry[1] or nil
        end
        clip.nll, clip.token_nll, clip.gain = entry[1], entry[2], entry[3]
        used[name] = entry
        ranked[#ranked + 1] = clip
        if os.time() - since > 20 then
          save()
          since = os.time()
        end
      end)
    end
    save()
    digests:save()
    stage.bar:done()
    if #ranked == 0 then return stage:finish("clips ranked") end
    ranking.sort(ranked)

    local shown = tables({ "rank", "doubt", "nll", "gain", "letters/s", "clip", "text" }, { digits = 4 })
    local blocks = {
      title = "Transcripts by doubt",
      { text = ("%d clips of %s under %s%s. The text of a clip near the top may be another clip's, or miss or add words: listen, and correct "
        .. "the label or leave the clip out."):format(#ranked, args.folder, args.checkpoint_path, args.lora_weight and " with " .. args.lora_weight or "") },
      { text = "doubt: deviations from the middle of the speaker's clips. nll: nats a frame and codebook after the clip's text. gain: how much less "
        .. "that is than after other clips' texts; a right text has a clear gain. letters/s: a pace far from the speaker's hints at missing or added words." },
    }
    local overview = tables({ "rank", "doubt", "nll", "gain", "letters/s", "clip" }, { digits = 4 })
    local function cell(value) return value or "" end
    for rank = 1, math.min(args.top, #ranked) do
      local clip = ranked[rank]
      shown:add { rank, clip.doubt, clip.nll, cell(clip.gain), clip.pace, progress.name(clip.path, { output = true }), progress.name(clip.text, { output = true }) }
      overview:add { rank, clip.doubt, clip.nll, cell(clip.gain), clip.pace, clip.path }
    end
    print(shown:text())
    blocks[#blocks + 1] = overview:block()
    for rank = 1, math.min(args.top, #ranked) do
      local clip = ranked[rank]
      blocks[#blocks + 1] = { heading = ("%d. %s"):format(rank, clip.path) }
      blocks[#blocks + 1] = { text = ("“%s”"):format(clip.text) }
      blocks[#blocks + 1] = { text = ("doubt %.2f, %.2f s, %.1f letters a second (%+.1f deviations)"):format(clip.doubt, clip.seconds, clip.pace, clip.pace_score or 0) }
      if clip.sound then
        -- A recording that cannot be played is still ranked.
        local ok, samples, info = pcall(audio.load, clip.sound, { duration = 30 })
        if ok then
          blocks[#blocks + 1] = { audio = samples, sample_rate = info.sample_rate, label = clip.path }
        elseif type(samples) == "userdata" and samples.fatal then
          error(samples, 0)
        end
      end
    end
    local page = fs.join(args.output, "index.html")
    report.html(page, blocks)
    local list, worst = {}, {}
    for rank, clip in ipairs(ranked) do
      list[rank] = {
        rank = rank, path = clip.path, speaker = clip.speaker, text = clip.text, doubt = clip.doubt, nll = clip.nll, token_nll = clip.token_nll,
        gain = clip.gain, seconds = clip.seconds, letters_per_second = clip.pace, pace_score = clip.pace_score, nll_score = clip.nll_score,
      }
      if rank <= args.top then worst[rank] = { path = clip.path, doubt = clip.doubt, nll = clip.nll, letters_per_second = clip.pace, text = clip.text } end
    end
    fs.write(fs.join(args.output, "ranks.json"), json.encode(list, { indent = 2 }))
    progress.result { clips = #ranked, page = page, ranks = fs.join(args.output, "ranks.json"), worst = worst }
    return stage:finish("clips ranked", "worst first; " .. progress.name(page))
  end,
}
