--- What a server speaks with: the model, the codec and the voices that a command line names, and what they take.
local config, fs, lm = require "opah.config", require "opah.fs", require "opah.lm"
local planning, progress, vq = require "opah.planning", require "opah.progress", require "opah.vq"
local codecs, embedded, speaker = require "opah.serving.codecs", require "opah.embedded", require "opah.serving.speaker"

local loading = {}

--- The embedded voice where it is asked for; else model and codec must be named.
function loading.resolve(args)
  if args.embedded then
    local voice = embedded.voice
    args.checkpoint_path, args.vq_checkpoint_path, args.vq_config_name = voice.model, voice.codec_checkpoint,
      voice.codec_config
    args.speaker, args.defaults = args.speaker or table.concat(voice.speakers, ","), voice.generate
  elseif not args.vq_checkpoint_path then
    config.usage_error("--vq-checkpoint-path is needed: the codec that makes sound (or --embedded for the voice that "
      .. "comes with the program)")
  end
  if args.codec and #args.codec_config > #args.codec then
    config.usage_error(("%d --codec-config for %d --codec"):format(#args.codec_config, #args.codec))
  end
  if args.best_of and args.best_of > args.streams then
    config.usage_error(("--best-of %d needs as many --streams, and there are %d"):format(args.best_of, args.streams))
  end
  return args
end

--- Bytes of memory of a server that speaks `args.streams` texts at a time.
function loading.memory(args)
  local cost = lm.generation_cost(args.checkpoint_path, { weights = args.weights, num_samples = args.streams })
  local _, stored = planning.weights(args.checkpoint_path)
  return planning.program + stored + cost.weight_bytes + 3.5 * fs.stat(args.vq_checkpoint_path).size + codecs.memory(args.voice, codecs.named(args))
    + args.streams * 1024 * cost.cache_bytes_per_token + 64e6
end

--- The speaker with its voices and roles, ready to speak at once; second, the codec.
function loading.speaker(args)
  local model = lm.load(args.checkpoint_path, { weights = args.weights })
  local codec = vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path }
  local known = codecs.new(codec, model.config.num_codebooks, codecs.named(args))
  local speaks = speaker.new { model = model, codecs = known, streams = args.streams, queue = args.queue,
    defaults = args.defaults }
  for _, path in ipairs(args.voice) do speaks:load(path) end
  for _, name in ipairs(speaker.names(args.speaker)) do speaks:add_role(name) end
  speaks.usual = speaks.order[1]             -- what is loaded later is for those who ask for it
  -- The vocoder's tables are made at first use: now, and not while somebody waits.
  codec:decoder()
  return speaks, codec
end

--- The token that clients must have, from a file or the variable OPAH_TOKEN; nil when neither is given. One that is given
--- and empty ends the recipe: whoever gives a token does not want to serve without.
---
---     fs.write("token.txt", "\u{FEFF}secret\n")
---     loading.token { token_file = "token.txt" }          --> "secret"
---     fs.write("token.txt", "\n")
---     pcall(loading.token, { token_file = "token.txt" })  --> false, ...token.txt holds no token...
function loading.token(args)
  local text = os.getenv("OPAH_TOKEN")
  if args.token_file then text = fs.read(args.token_file) end
  if not text then return nil end
  local from = progress.name(args.token_file or "OPAH_TOKEN")
  local token = text:gsub("^\u{FEFF}", ""):match("^%s*(.-)%s*$")
  if token == "" then config.usage_error(from .. " holds no token: write one, or leave it out") end
  if token:find("[^!-~]") then
    config.usage_error(from .. ": a token is of printable ASCII characters without blanks")
  end
  return token
end

return loading
