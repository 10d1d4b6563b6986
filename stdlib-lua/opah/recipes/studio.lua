--- A page to hear and correct clips and labels, watch training, compare checkpoints, and speak.
-- opah run studio data
-- Then open the address that it prints. With --embedded, or with --checkpoint-path and --vq-checkpoint-path, the page
-- also speaks what is typed. Excluded clips go to the --quarantine folder, from which `opah run doctor data
-- --quarantine ... --restore` moves them back as well. Ctrl-C or SIGTERM ends it.
local config, fs, http = require "opah.config", require "opah.fs", require "opah.http"
local opah, planning, progress = require "opah", require "opah.planning", require "opah.progress"
local examining, recipe = require "opah.doctor.clips", require "opah.recipe"
local loading, loop = require "opah.serving.loading", require "opah.serving.loop"
local guard, routes = require "opah.studio.guard", require "opah.studio.routes"

--- The folders that were not named; a model only where one is asked for.
local function resolve(args)
  local folder = fs.resolve(args.input_dir)
  args.quarantine = args.quarantine or folder .. "-quarantine"
  if fs.overlap(folder, args.quarantine) then
    config.usage_error(("--quarantine %s overlaps %s: choose a folder beside it"):format(args.quarantine,
      args.input_dir))
  end
  args.page = args.page or fs.join(opah.home or error(fs.error("file", "the page is not beside the program",
    "set OPAH_HOME, or give --page"), 0),
    "stdlib-lua/opah/studio")
  args.speaks = args.embedded or args.checkpoint_path ~= nil
  if args.speaks then loading.resolve(args) end
  if not args.speaks and (args.vq_checkpoint_path or #args.voice > 0) then
    config.usage_error("--checkpoint-path is needed: the model that speaks (or --embedded for the voice that comes "
      .. "with the program)")
  end
  return args
end

return recipe {
  positionals = { { "input_dir", "folder", "clips with their labels and, where there are, codes" } },
  flags = {
    { "results", "path", "results", "the folder of training runs; one that appears later is seen" },
    { "quarantine", "path", nil, "where excluded clips go; INPUT_DIR-quarantine unless given" },
    { "recursive", "boolean", true, "enter the folders below" },
    { "text-extension", "string", examining.usual.text_extension, "suffixes of the labels, the preferred one first",
      multiple = true },
    { "address", "string", "127.0.0.1", "where to listen; any other than this machine's own needs a token" },
    { "port", "integer", 8090, "where to listen; 0 takes a free one", from = 0, to = 65535 },
    { "token-file", "file", nil, "a file with the token that requests must carry; else the variable OPAH_TOKEN" },
    { "embedded", "boolean", false, "type and speak with the small voice that comes with the program" },
    { "checkpoint-path", "path", nil, "type and speak with this model" },
    { "vq-checkpoint-path", "file", nil, "its codec's weights" },
    { "vq-config-name", "string", "firefly_gan_vq", "its codec's configuration" },
    { "weights", "string", "stored", "how weights are held", choices = { "stored", "float32", "bfloat16", "int8", "int4" } },
    { "voice", "folder", {}, "a voice (NAME.voice) to speak with", multiple = true },
    { "speaker", "string", nil, "roles that the model was trained with: \"Ann,Ben\"" },
    { "page", "folder", nil, "a folder with your own page: a changed copy of stdlib-lua/opah/studio" },
  },
  plan = function(args)
    resolve(args)
    args.streams = 2
    return {
      seconds = 1, lines = { args.speaks and "a page, and a model that speaks" or "a page" },
      memory = (args.speaks and loading.memory(args) or planning.program) + 200e6,
    }
  end,
  run = function(args)
    resolve(args)
    args.streams, args.queue = 2, 8
    local token = loading.token(args)
    local _ <close> = fs.lock(args.input_dir, "a studio", { name = ".opah-studio.lock" })
    local studio = routes.studio {
      folder = args.input_dir, recursive = args.recursive, text_extension = args.text_extension,
        quarantine = args.quarantine,
      results = args.results, page = args.page,
    }
    if args.speaks then studio.speaker = loading.speaker(args) end
    local listener <close> = http.listen {
      address = args.address, port = args.port, token = token, graceful = true, max_body = 1 << 20,
        max_bodies = 8 << 20,
    }
    studio.listener = listener
    local host = listener.address:find(":", 1, true) and "[" .. listener.address .. "]" or listener.address
    local address = ("http://%s:%d"):format(host, listener.port)
    progress.log(("studio: %d clips of %s: open %s/ in a browser"):format(#studio.clips.order,
      progress.name(args.input_dir), address))
    progress.event { event = "listening", address = address }
    progress.result { address = listener.address, port = listener.port, clips = #studio.clips.order }
    loop.run(listener, {
      routes = routes.of(studio), headers = guard.headers, timeout = 120,
      -- Pages ask for much: only what changes something, or fails, is worth a line.
      log = function(entry)
        if entry.method ~= "GET" or (entry.status or 500) >= 400 and entry.status ~= 499 then loop.log(entry) end
      end,
      -- Findings are looked for when nothing is being spoken.
      work = function() return studio.speaker and studio.speaker:step() or studio.clips:step() end,
    })
    progress.log("studio: ended")
    return 0
  end,
}
