--- Serve a voice to other programs: OpenAI's audio API, fish-speech's own API, metrics.
-- opah run serve --embedded speaks with the voice that comes with the program:
-- curl http://127.0.0.1:8080/v1/audio/speech -d '{"input": "The old bird waited.", "voice": "slt", "response_format": "wav"}' -o a.wav
-- opah run serve --voice voices/Ann.voice --checkpoint-path C --vq-checkpoint-path F: a voice that `opah run voice pack` made.
-- For other machines: --address 0.0.0.0 and a token in the variable OPAH_TOKEN. SIGTERM ends it when all are answered.
local config, fs, http = require "opah.config", require "opah.fs", require "opah.http"
local lm, machine, planning = require "opah.lm", require "opah.machine", require "opah.planning"
local progress, recipe, vq = require "opah.progress", require "opah.recipe", require "opah.vq"
local embedded = require "opah.embedded"
local fish, loop, metrics = require "opah.serving.fish", require "opah.serving.loop", require "opah.serving.metrics"
local openai, speaker = require "opah.serving.openai", require "opah.serving.speaker"

--- The embedded voice where it is asked for; else model and codec must be named.
local function resolve(args)
  if args.embedded then
    local voice = embedded.voice
    args.checkpoint_path, args.vq_checkpoint_path, args.vq_config_name = voice.model, voice.codec_checkpoint, voice.codec_config
    args.speaker, args.defaults = args.speaker or table.concat(voice.speakers, ","), voice.generate
  elseif not args.vq_checkpoint_path then
    config.usage_error("--vq-checkpoint-path is needed: the codec that makes sound (or --embedded for the voice that comes with the program)")
  end
  return args
end

return recipe {
  flags = {
    { "embedded", "boolean", false, "serve the small voice that comes with the program" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4", "the model" },
    { "vq-checkpoint-path", "file", nil, "the codec's weights" },
    { "vq-config-name", "string", "firefly_gan_vq", "the codec's configuration" },
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8" } },
    { "voice", "folder", {}, "a voice (NAME.voice) to load at the start; the first is what clients get who name none", multiple = true },
    { "voices", "folder", {}, "a folder whose voices are loaded when they are asked for", multiple = true },
    { "speaker", "string", nil, "roles that the model was trained with, served as voices: \"Ann,Ben\"" },
    { "address", "string", "127.0.0.1", "where to listen; any other than this machine's own needs a token" },
    { "port", "integer", 8080, "where to listen; 0 takes a free one", from = 0, to = 65535 },
    { "token-file", "file", nil, "a file with the token that requests must carry; else the variable OPAH_TOKEN" },
    { "cors", "string", {}, "an origin whose pages may ask from a browser, or *", multiple = true },
    { "streams", "integer", 16, "texts that are spoken at a time", from = 1, to = 64 },
    { "queue", "integer", 64, "texts that may wait; more are told 429", from = 0, to = 4096 },
    { "timeout", "number", 120, "seconds that a request may take", above = 0, to = 86400 },
    { "max-text", "integer", 4096, "characters of a text", from = 1, to = 100000 },
    { "seed", "integer", nil, "the same for every request that names none; else each has its own" },
    { "log-texts", "boolean", false, "the log also says what was said" },
  },
  plan = function(args)
    resolve(args)
    local cost = lm.generation_cost(args.checkpoint_path, { weights = args.weights, num_samples = args.streams })
    local _, stored = planning.weights(args.checkpoint_path)
    return {
      seconds = 1, memory = planning.program + stored + cost.weight_bytes + 3.5 * fs.stat(args.vq_checkpoint_path).size
        + args.streams * 1024 * cost.cache_bytes_per_token + 64e6,
      lines = { ("up to %d texts at a time"):format(args.streams) },
    }
  end,
  run = function(args)
    resolve(args)
    local token = args.token_file and fs.read(args.token_file):match("^%s*(.-)%s*$") or os.getenv("OPAH_TOKEN")
    local model = lm.load(args.checkpoint_path, { weights = args.weights })
    local codec = vq.load { config = args.vq_config_name, checkpoint = args.vq_checkpoint_path }
    local speaks = speaker.new { model = model, codec = codec, streams = args.streams, queue = args.queue, defaults = args.defaults }
    for _, path in ipairs(args.voice) do speaks:load(path) end
    for _, name in ipairs(speaker.names(args.speaker)) do speaks:add_role(name) end
    -- The vocoder's tables are made at first use: now, and not while somebody waits.
    speaks.codec:decoder()

    local listener <close> = http.listen {
      address = args.address, port = args.port, token = token ~= "" and token or nil, origins = args.cors, graceful = true,
    }
    local requests = 0
    local server = {
      speaker = speaks, codec = codec, listener = listener, began = machine.now(), started = os.time(), max_text = args.max_text, places = args.voices,
      log_texts = args.log_texts, model_name = fs.basename((args.checkpoint_path:gsub("(.)/+$", "%1"))),
      seed = function()
        requests = requests + 1
        return args.seed or os.time() * 1000 + requests
      end,
    }
    local routes = { ["GET /metrics"] = metrics.route(server) }
    for _, api in ipairs { openai, fish } do
      for name, route in pairs(api.routes(server)) do routes[name] = route end
    end

    progress.log(("listening on http://%s:%d"):format(listener.address, listener.port))
    progress.result { address = listener.address, port = listener.port }
    loop.run(listener, { routes = routes, timeout = args.timeout, log = loop.log, work = function() return speaks:step() end })
    progress.log("all requests are answered: the server ends")
    return 0
  end,
}
