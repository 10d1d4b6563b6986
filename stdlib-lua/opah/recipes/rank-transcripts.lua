--- Find wrong transcripts: clips ordered by how little their text explains their codes, the most doubtful first, on a page.
-- opah run rank-transcripts data --checkpoint-path C --lora-weight results/P/checkpoints/step_000000100.ckpt
-- What each text leaves open of its clip's codes (the negative log-likelihood under the model, in nats a code) is set against what other
-- clips' texts leave open, word by word: a wrong word explains no more than those do. A model that knows the voice sees most; of an adapter that was trained on
-- these very clips an early checkpoint does, as later ones have learned the wrong texts by heart.
local audio, recipe, data, fs = require "opah.audio", require "opah.recipe", require "opah.data", require "opah.fs"
local json, lm, planning = require "opah.json", require "opah.lm", require "opah.planning"
local progress, stage_over = require "opah.progress", require "opah.stage"
local tables, tensor, text = require "opah.tables", require "opah.tensor", require "opah.text"
local likelihood, ranking = require "opah.transcripts.likelihood", require "opah.transcripts.ranking"
local page, scripts = require "opah.transcripts.page", require "opah.scripts"
local open_digests, own_files = require "opah.graph.digests", require "opah.own_files"

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
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8", "int4" } },
    { "text-extension", "string", ".lab", "suffix of the labels" },
    { "use-speaker", "boolean", false, "the speaker's name is the role, as in training with use_speaker" },
    { "contrast", "integer", 2, "how many other texts each clip is tried with; 0 ranks by its own likelihood alone", from = 0, to = 16 },
    { "top", "integer", 30, "so many of the most doubtful clips are shown", from = 1, to = 1000 },
    { "output", "output", "out/rank-transcripts", "the folder for the page and ranks.json" },
  },
  plan = plan,
  run = function(args)
    own_files.page(fs.join(args.output, "index.html"))
    own_files.json(fs.join(args.output, "ranks.json"), 1)
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
        local counts, letters = scripts.count(line)
        clips[#clips + 1] = {
          path = path, codes_path = clip.codes, sound = clip.audio, speaker = clip.speaker or "", text = line, letters = letters,
          script = scripts.main(counts) or "",
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

    local digests = open_digests(fs.join(args.output, ".digests.json"))
    local kept_path = fs.join(args.output, "likelihoods.json")
    local weights_path = planning.weights(args.checkpoint_path)
    -- The first word says what is kept of a clip; other figures need another one.
    local under = { "nll, gain, worst, at", args.lora_weight and digests:of(args.lora_weight) or "", args.weights, tostring(args.use_speaker) }
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
        -- The recording says how long it is; codes alone do not say at what rate they are.
        local has_sound, info = pcall(audio.info, clip.sound or "")
        clip.seconds = has_sound and info.duration > 0 and info.duration or clip.frames / frame_rate
        clip.pace = clip.letters / clip.seconds
        local texts = ranking.others(clip, clips, args.contrast)
        local name = text.digest(table.concat({ digests:of(clip.codes_path), clip.text, args.use_speaker and clip.speaker or "",
          table.unpack(texts) }, "\n"))
        local entry = known[name]
        if not entry then
          local role = args.use_speaker and clip.speaker or nil
          local own, others, sum = likelihood.frames(model, clip.text, codes, role), {}, 0
          for i, other in ipairs(texts) do
            others[i] = likelihood.frames(model, other, codes, role)
            sum = sum + others[i]:mean():item()
          end
          entry = { own:mean():item() }
          if #others > 0 then entry[2], entry[3], entry[4] = sum / #others - entry[1], likelihood.worst(own, others) end
        end
        clip.nll, clip.gain, clip.worst, clip.at = table.unpack(entry)
        -- The middle of the stretch, as seconds of the clip.
        clip.at = clip.at and math.min(clip.at + 3, clip.frames) / clip.frames * clip.seconds
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

    local shown = tables({ "rank", "doubt", "worst", "at", "nll", "letters/s", "clip", "text" }, { digits = 3 })
    for rank = 1, math.min(args.top, #ranked) do
      local clip = ranked[rank]
      shown:add { rank, clip.doubt, clip.worst or "", clip.at or "", clip.nll, clip.pace, progress.name(clip.path, { output = true }),
        progress.name(clip.text, { output = true }) }
    end
    print(shown:text())
    local index = fs.join(args.output, "index.html")
    page.write(index, ranked, { folder = args.folder, model = args.checkpoint_path, adapter = args.lora_weight, top = args.top })
    local list, worst = {}, {}
    for rank, clip in ipairs(ranked) do
      list[rank] = {
        rank = rank, path = clip.path, speaker = clip.speaker, text = clip.text, doubt = clip.doubt, nll = clip.nll, gain = clip.gain,
        worst = clip.worst, at = clip.at, seconds = clip.seconds, letters_per_second = clip.pace, pace_score = clip.pace_score, nll_score = clip.nll_score,
      }
      if rank <= args.top then worst[rank] = { path = clip.path, doubt = clip.doubt, nll = clip.nll, letters_per_second = clip.pace, text = clip.text } end
    end
    fs.write(fs.join(args.output, "ranks.json"), json.encode(list, { indent = 2 }))
    progress.result { clips = #ranked, page = index, ranks = fs.join(args.output, "ranks.json"), worst = worst }
    return stage:finish("clips ranked", "worst first; " .. progress.name(index))
  end,
}
