--- Speak a text: codes in codes_0.npy, codes_1.npy, ... and, given a codec, sound.
-- Samples are spoken together and written as each ends; sample i is the one that the seed plus i gives alone. After Ctrl-C
-- codes_0.partial.npy, ... keep what was said. What an earlier run left under the same names goes when its codes do; what
-- others made is not replaced.
-- opah run generate --text "Hello." --checkpoint-path C --num-samples 2
-- opah run generate --text "Hello." --best-of 8 speaks each version eight times and keeps the one that the text explains best; its seed is told.
-- A long text comes from a file (--text-file speech.txt) or from standard input (--text -).
-- opah run generate --voice voices/Alice.voice --text "Hello." speaks with a voice that `opah run voice pack` made, nothing merged.
-- opah run generate --input book.md --sound book.ogg speaks a book, with subtitles; --again 17 --seed 5 speaks its piece 17 once more.
local config, fs, json, lm = require "opah.config", require "opah.fs", require "opah.json", require "opah.lm"
local planning, progress, tensor = require "opah.planning", require "opah.progress", require "opah.tensor"
local best_of, own_files, recipe = require "opah.best_of", require "opah.own_files", require "opah.recipe"
local roles = require "opah.voice.roles"
local long, read_label, voices = require "opah.speech.long", require "opah.text".read_label, require "opah.voice.use"

-- Samples are spoken together: the model's weights, whose reading takes the time, are read once for all of them. More at
-- once would only take more memory for what each has heard.
local together = 16

--- What to say, from whichever option gives it (`-` is standard input), and in how many pieces it is said where that is known.
local function read_text(args)
  if args.input then
    local said = {}
    for i, piece in ipairs(long.prepare(args).pieces) do said[i] = piece.spoken end
    return table.concat(said, "\n"), #said
  end
  if #args.again > 0 or args.pronunciation or args.sound or args.loudness then
    config.usage_error("--again, --pronunciation, --sound and --loudness are for a long text: give --input")
  end
  if args.text and args.text_file then config.usage_error("--text and --text-file exclude each other: give one") end
  if not (args.text or args.text_file) then config.usage_error("--text or --text-file is needed: what to say") end
  local text, name = args.text, args.text_file
  if text == "-" or name == "-" then
    text, name = io.read("a"), "standard input"
    if not utf8.len(text) then config.usage_error("standard input is not UTF-8 text: --text-file tells other encodings by what they hold") end
    text = text:gsub("^\u{FEFF}", "")
  elseif name then
    if not fs.stat(name) then config.usage_error(("--text-file: %s does not exist"):format(name)) end
    local notes
    text, notes = read_label(name)
    for _, note in ipairs(notes) do progress.log(("note: %s: %s"):format(name, note)) end
  end
  if not text:find("%S") then config.usage_error((name or "--text") .. " is empty: there is nothing to say") end
  return text
end

--- What speaking will take. A byte of text is about 1.4 frames of speech: 15 bytes a second, 21.5 frames a second.
local function plan(args)
  local said
  args.text, said = read_text(args)
  voices.resolve(args, arg)
  local settings, spoken = json.decode(fs.read(fs.join(args.checkpoint_path, "config.json"))), args.num_samples * args.best_of
  local streams = math.min(args.best_of > 1 and args.best_of or args.num_samples, together)
  local pieces = said or args.iterative_prompt and math.ceil(#args.text / args.chunk_length) or 1
  local frames = math.max(1.4 * #args.text, args.min_frames * pieces)
  if args.max_new_tokens > 0 then frames = math.min(frames, args.max_new_tokens * pieces) end
  local length = settings.max_seq_len or 4096
  frames = math.ceil(args.input and frames or math.min(frames, length))
  local heard = #args.text
  for i, path in ipairs(args.prompt_tokens) do heard = heard + #args.prompt_text[i] + tensor.load_npy(path):size(2) end
  for i, codes in ipairs(args.voice_codes or {}) do heard = heard + #args.voice_texts[i] + codes:size(2) end

  local cost = lm.generation_cost(args.checkpoint_path, { weights = args.weights, num_samples = streams, context = heard + math.min(frames, length) // 2 })
  local _, stored = planning.weights(args.checkpoint_path)
  local rates = planning.rates()
  -- Measured: reading reaches 0.85 of its rate; every stream but the first adds arithmetic, at 0.57 of the products' rate.
  local step = cost.bytes_per_frame / rates.read_bandwidth / 0.85
    + cost.operations_per_frame * (1 - 1 / streams) / rates.matrix_rate / 0.57
  -- What was heard goes through the slow layers in one piece, at about 0.6 of the products' rate.
  local hearing = 0.75 * heard * cost.operations_per_frame / streams / rates.matrix_rate
  -- The file is mapped; weights in another form stand beside it. float32 takes its pages' place one by one.
  local converted = args.weights ~= "stored" and math.abs(cost.weight_bytes / stored - 1) > 0.25 and cost.weight_bytes or 0
  local codec_file = voices.codec_file(args)
  local codec = codec_file and 3.5 * fs.stat(codec_file).size or 0
  -- Told with and without its text, by products as of a prompt; with int8 weights it takes a third of this.
  local told = args.best_of > 1 and 2 * 1.6 * spoken * frames * cost.operations_per_frame / streams / rates.matrix_rate or 0
  return {
    seconds = 0.6 + hearing + converted / rates.read_bandwidth * 3 + step * frames * math.ceil(spoken / streams) + told,
    memory = planning.program + (args.weights == "float32" and math.max(stored, converted) or stored + converted) + codec
      + cost.cache_bytes_per_token * streams * (heard + math.min(frames, length))
      -- The whole is joined in memory: its samples, and as many again while they are joined.
      + (args.input and codec > 0 and 3 * 4 * 2048 * frames or 0),
    disk = args.num_samples * frames * (4 * (settings.num_codebooks or 8) + (codec > 0 and (args.input and 8192 or 4096) or 0)), folder = args.output,
    lines = { ("about %d frames for %d bytes of text, %d at a time"):format(frames, #args.text, streams) },
    memory_advice = "ask for fewer samples, or leave the weights as stored",
  }
end

--- The file of a sample, from 0: `.npy` for its codes, `.wav`, and `.partial.npy` for what was said before a stop.
local function path_of(args, sample, ending) return fs.join(args.output, ("codes_%d%s"):format(sample, ending)) end

--- Tells which files earlier runs wrote; an error when something else stands under a name that is to be written. A sound that
--- `opah run vqgan` made of codes goes with them.
local function own_outputs(args)
  local is_own = own_files.made_by { "generate", "vqgan" }
  for sample = 0, args.num_samples - 1 do
    for _, ending in ipairs { ".npy", ".partial.npy", args.vq_checkpoint_path and ".wav" } do
      own_files.any(path_of(args, sample, ending), is_own)
    end
  end
  return is_own
end

local flags = {
  { "text", "string", nil, "what to say; - reads it from standard input" },
  { "text-file", "path", nil, "a file that holds what to say, in place of --text; - is standard input" },
  { "prompt-text", "string", {}, "what is said in the reference; as often as --prompt-tokens", multiple = true },
  { "prompt-tokens", "file", {}, "codes of a reference recording (.npy)", multiple = true },
  { "num-samples", "integer", 1, "how many versions", from = 1, to = 4096 },
  { "best-of", "integer", 1, "how often each version is spoken: the one that its text explains best is kept", from = 1, to = 1024 },
  { "max-new-tokens", "integer", 0, "at most this many frames per piece of text; 0 for what the model holds", from = 0 },
  { "min-frames", "integer", 0, "a piece of text does not end before so many frames", from = 0 },
  { "top-p", "number", 0.7, "sample from the likeliest tokens that make up this share", above = 0, to = 1 },
  { "repetition-penalty", "number", 1.2, "above 1 avoids repeating codes", above = 0, below = 2 },
  { "temperature", "number", 0.7, "below 1 is more certain", above = 0, below = 2 },
  { "checkpoint-path", "folder", "checkpoints/fish-speech-1.4", "the model" },
  { "device", "string", "cpu", "accepted for compatibility" },
  { "compile", "boolean", false, "accepted for compatibility" },
  { "seed", "integer", 42, "the same seed gives the same codes" },
  { "half", "boolean", false, "accepted for compatibility" },
  { "iterative-prompt", "boolean", true, "each piece of text hears what was said before it" },
  { "chunk-length", "integer", 100, "a piece of text has at most this many bytes", from = 1 },
  { "allow-special", "boolean", false, "control tokens in the texts, such as <|im_end|>, count as such instead of being text" },
  { "speaker", "string", nil, "the voice voices/NAME.voice where there is one; else the role that the model was trained with (use_speaker), instead of assistant" },
  { "lora-weight", "file", nil, "an adapter to use without merging" },
  { "voice", "folder", {}, "a voice (NAME.voice): its adapters, references and settings; several add up, the first one's settings count", multiple = true },
  { "voice-scale", "number", {}, "how strong the adapters of each --voice are; 1 unless given", multiple = true, from = -10, to = 10 },
  { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8", "int4" } },
  { "output", "path", ".", "the folder for the codes" },
  { "vq-checkpoint-path", "file", nil, "the codec's weights: writes sound as well; a --voice that holds its codec speaks with that" },
  { "vq-config-name", "string", "firefly_gan_vq", "the codec's configuration" },
}
table.move(long.flags, 1, #long.flags, #flags + 1, flags)

return recipe {
  flags = flags,
  plan = plan,
  run = function(args)
    if #args.prompt_text ~= #args.prompt_tokens then
      config.usage_error(("%d --prompt-text for %d --prompt-tokens: give both for each reference"):format(#args.prompt_text, #args.prompt_tokens))
    end
    args.text = read_text(args)
    voices.resolve(args, arg)
    local is_own = not args.input and own_outputs(args)
    --- The model with its adapters.
    local function load_model()
      local model = lm.load(args.checkpoint_path, { weights = args.weights })
      if args.lora_weight then require "opah.lora".load(model, args.lora_weight) end
      if args.speaker and model.release ~= "1.4" then
        progress.log(("note: fish-speech %s knows no speakers by name: --speaker changes nothing"):format(model.release))
      elseif args.speaker and #args.voices == 0 then
        local note = roles.note(args)
        if note then progress.log("note: " .. note) end
      end
      voices.apply(model, args.voices, args.voice_scale)
      return model
    end
    local model = not args.input and load_model() or nil
    local codec = voices.codec(args)
    local prompt_tokens = {}
    for i, path in ipairs(args.prompt_tokens) do prompt_tokens[i] = tensor.load_npy(path) end
    if #args.voices > 0 then
      if codec then voices.check_codec(args.voices, codec) end
      if #prompt_tokens == 0 then args.prompt_text, prompt_tokens = args.voice_texts, args.voice_codes end
    end
    if args.input then return long.run(args, load_model, codec, { texts = args.prompt_text, codes = prompt_tokens }) end
    assert(model and is_own)

    fs.mkdir(args.output)
    local made <close> = fs.made("generate", {}, { overwrite = true })
    local exit_code = 0
    local written, total = {}, 0   -- files and frames, for programs
    local seeds = args.best_of > 1 and {} or nil   -- of the versions that were kept

    --- Removes what belongs to the codes that an earlier run wrote: their sound, and what it said before it was stopped.
    local function remove_earlier(sample)
      for _, ending in ipairs { ".wav", ".partial.npy" } do
        local path = path_of(args, sample, ending)
        if is_own(path) and made:drop(path) then
          progress.log(path .. " of an earlier run removed")
        elseif fs.exists(path) then
          progress.log(("note: %s lies beside the codes and is not their sound"):format(path))
        end
      end
    end

    --- Writes the codes, and the sound, of a sample (from 0).
    local function write(sample, codes, suffix, note)
      local path = path_of(args, sample, suffix .. ".npy")
      if suffix == "" then remove_earlier(sample) end
      made:make(path, {}, function() tensor.save_npy(path, codes) end)
      written[#written + 1], total = path, total + codes:size(2)
      progress.log(("%s: %d frames%s"):format(path, codes:size(2), note))
      if not codec or suffix ~= "" then return end
      local sound, notes = path_of(args, sample, ".wav"), nil
      -- Without sound, the codes are kept, and the other samples go on.
      local ok, problem = pcall(made.make, made, sound, {}, function() notes = select(2, codec:decode_to(sound, codes)) end)
      if ok then
        for _, text in ipairs(notes) do progress.log(("  note: %s: %s"):format(path, text)) end
        progress.log(sound)
        written[#written + 1] = sound
      else
        if problem.fatal then error(problem, 0) end
        progress.warn(("%s: no sound: %s"):format(path, problem.message))
        exit_code = 3
      end
    end

    local at_once = args.best_of > 1 and 1 or together
    for first = 0, args.num_samples - 1, at_once do
      local count = math.min(at_once, args.num_samples - first)
      local bar <close> = progress.bar(nil, count == 1 and "sample " .. first or ("samples %d-%d"):format(first, first + count - 1))
      local spoken = {}
      for i = 1, count do spoken[i] = {} end
      local options = {
        text = args.text, prompt_text = args.prompt_text, prompt_tokens = prompt_tokens, speaker = args.speaker,
        max_new_tokens = args.max_new_tokens, min_frames = args.min_frames, top_p = args.top_p,
        temperature = args.temperature, repetition_penalty = args.repetition_penalty, chunk_length = args.chunk_length,
        iterative_prompt = args.iterative_prompt, seed = args.seed + first * args.best_of, num_samples = count, codec = codec,
        allow_special = args.allow_special,
        on_frame = function(codes, sample)
          if spoken[sample] then table.insert(spoken[sample], codes) end
          bar:step(1)
        end,
      }
      local function finish(sample, codes, note)
        spoken[sample] = {}
        write(first + sample - 1, codes, "", note)
      end
      local ok, problem = pcall(function()
        if args.best_of > 1 then
          -- What Ctrl-C keeps is of one of them.
          options.on_sample = function(sample) if spoken[sample] then spoken[sample] = {} end end
          local codes, info = best_of.generate(model, options, args.best_of)
          seeds[#seeds + 1] = info.seed
          finish(1, codes, " (" .. best_of.told(info) .. ")")
        else
          options.on_sample = function(sample, codes, info) finish(sample, codes, info.length_limit_hit and " (stopped at the length limit)" or "") end
          model:generate(options)
        end
      end)
      bar:done()
      progress.result { files = written, frames = total, seeds = seeds }
      if not ok then
        -- What was said before Ctrl-C, or whatever else, is kept.
        for i, frames in ipairs(spoken) do
          if #frames > 0 then write(first + i - 1, tensor.new(frames, { dtype = "int32" }):t():contiguous(), ".partial", " (not complete)") end
        end
        progress.result { files = written, frames = total }
        error(problem, 0)
      end
    end
    local later = args.num_samples
    while fs.exists(fs.join(args.output, ("codes_%d.npy"):format(later))) do later = later + 1 end
    if later > args.num_samples then
      local first, last = ("codes_%d.npy"):format(args.num_samples), ("codes_%d.npy"):format(later - 1)
      progress.log(("note: %s in %s: what an earlier run said"):format(first == last and first or first .. " to " .. last, args.output))
    end
    for _, note in ipairs(made:notes()) do progress.log("note: " .. note.text) end
    return exit_code
  end,
}
