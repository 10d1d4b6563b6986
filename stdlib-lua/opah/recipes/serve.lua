--- Serve a voice to other programs: OpenAI's audio API, fish-speech's own API, metrics.
-- opah run serve --embedded speaks with the voice that comes with the program:
-- curl http://127.0.0.1:8080/v1/audio/speech --json '{"input": "The old bird waited.", "voice": "slt", "response_format": "wav"}' -o a.wav
-- opah run serve --voice voices/Ann.voice --checkpoint-path C --vq-checkpoint-path F: a voice that `opah run voice pack` made.
-- --best-of 8 speaks each text eight times and sends the sample that it explains best; a request's best_of decides for itself.
-- For other machines: --address 0.0.0.0 and a token in the variable OPAH_TOKEN. SIGTERM ends it when all are answered.
local config, fs, http, machine = require "opah.config", require "opah.fs", require "opah.http", require "opah.machine"
local progress, recipe = require "opah.progress", require "opah.recipe"
local fish, loading, loop = require "opah.serving.fish", require "opah.serving.loading", require "opah.serving.loop"
local metrics, openai = require "opah.serving.metrics", require "opah.serving.openai"

--- Connections that may be open: one for each text that is spoken or waits, and more for short questions. Each is an open
-- file, and the program has some of its own.
local function connections(args)
  local count = math.max(256, args.streams + args.queue + 64)
  local needed <const> = count + 64
  local file <close> = assert(io.open("/proc/self/limits"))
  local allowed = tonumber(file:read("a"):match("Max open files%s+(%d+)"))       -- nil where it says "unlimited"
  if allowed and needed > allowed then
    config.usage_error(("--queue %d needs %d open files, and this process may have %d: say ulimit -n %d before, or choose a shorter queue")
      :format(args.queue, needed, allowed, needed))
  end
  return count
end

return recipe {
  flags = {
    { "embedded", "boolean", false, "serve the small voice that comes with the program" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4", "the model" },
    { "vq-checkpoint-path", "file", nil, "the codec's weights" },
    { "vq-config-name", "string", "firefly_gan_vq", "the codec's configuration" },
    { "codec", "file", {}, "weights of a codec more, for voices that were made with it and do not hold it", multiple = true },
    { "codec-config", "string", {}, "its configuration, as often as --codec; firefly_gan_vq unless given", multiple = true },
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8", "int4" } },
    { "voice", "folder", {}, "a voice (NAME.voice) to load at the start; the first is what clients get who name none", multiple = true },
    { "voices", "folder", {}, "a folder whose voices are loaded when they are asked for", multiple = true },
    { "speaker", "string", nil, "roles that the model was trained with, served as voices: \"Ann,Ben\"" },
    { "address", "string", "127.0.0.1", "where to listen; any other than this machine's own needs a token" },
    { "port", "integer", 8080, "where to listen; 0 takes a free one", from = 0, to = 65535 },
    { "token-file", "file", nil, "a file with the token that requests must carry; else the variable OPAH_TOKEN" },
    { "cors", "string", {}, "an origin whose pages may ask from a browser, or *", multiple = true },
    { "streams", "integer", 16, "texts that are spoken at a time", from = 1, to = 64 },
    { "best-of", "integer", 1, "how often a text is spoken whose request has no best_of: the sample that its text explains best is sent", from = 1, to = 8 },
    { "queue", "integer", 64, "texts that may wait; more are told 429", from = 0, to = 4096 },
    { "timeout", "number", 120, "seconds that a request may take", above = 0, to = 86400 },
    { "max-text", "integer", 4096, "characters of a text", from = 1, to = 100000 },
    { "seed", "integer", nil, "the same for every request that names none; else each has its own" },
    { "log-texts", "boolean", false, "the log also says what was said" },
  },
  plan = function(args)
    loading.resolve(args)
    return { seconds = 1, memory = loading.memory(args), lines = { ("up to %d texts at a time"):format(args.streams) } }
  end,
  run = function(args)
    loading.resolve(args)
    local most_connections, token = connections(args), loading.token(args)
    local speaks, codec = loading.speaker(args)

    local listener <close> = http.listen {
      address = args.address, port = args.port, token = token, origins = args.cors, graceful = true,
      max_connections = most_connections, max_queue = math.max(64, args.streams + args.queue),
    }
    local requests = 0
    local server = {
      speaker = speaks, codec = codec, listener = listener, began = machine.now(), started = os.time(), max_text = args.max_text, best_of = args.best_of, places = args.voices,
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
