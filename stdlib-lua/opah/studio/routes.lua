--- Where everything of the studio is: the page and its files, what it asks for, and what it may change.
local fs, html, http = require "opah.fs", require "opah.html", require "opah.http"
local clips, edits, events = require "opah.studio.clips", require "opah.studio.edits", require "opah.studio.events"
local guard, history, runs = require "opah.studio.guard", require "opah.studio.history", require "opah.studio.runs"
local speech, views = require "opah.studio.speech", require "opah.studio.views"
local loop, opah = require "opah.serving.loop", require "opah"

local routes = {}

-- The files of the page, by the address that they have.
local files = { ["/"] = "page.html" }
for _, name in ipairs { "page.css", "page.js", "shared.js", "clips.js", "playhead.js", "training.js", "speak.js" } do
  files["/" .. name] = name
end

--- A route whose errors are told to the page as they are: who asks is who owns the files.
local function told(route, studio)
  return function(context)
    local ok, problem = pcall(route, context, studio)
    if ok then return end
    -- A full disk is told as well: who asks can free some space.
    if type(problem) == "userdata" and problem.kind ~= "interrupted" and problem.kind ~= "lua" then
      local reason, remedy = opah.error_text(problem)
      context.details.problem = reason:sub(1, 500)
      loop.fail(problem.kind == "audio" and 400 or 500, remedy and ("%s (%s)"):format(reason, remedy) or reason)
    end
    error(problem, 0)
  end
end

--- The state of a studio over `options`: folder, recursive, text_extension, quarantine, results, page (a folder).
function routes.studio(options)
  return {
    clips = clips.new(options.folder, options), history = history.open(options.folder),
      runs = runs.new(options.results),
    quarantine = options.quarantine, page = options.page, max_text = 4096, start = guard.word(), open = 0,
  }
end

--- Routes by `METHOD /path`, for a studio that also has `listener` and, where there is a model, `speaker` and `codec`.
function routes.of(studio)
  local word = guard.word()
  local list = {}
  for path, name in pairs(files) do
    list["GET " .. path] = function(context)
      local bytes, media_type = http.file(studio.page, name)
      if not bytes then loop.fail(404, "the page's file " .. name .. " is not in " .. studio.page) end
      if name == "page.html" then
        local words = { WORD = word, FOLDER = html.escape(fs.basename(fs.resolve(studio.clips.folder))),
          START = studio.start }
        bytes = bytes:gsub("{{(%u+)}}", words)
      end
      context:bytes(200, media_type, bytes)
    end
  end
  local function all_clips(context)
    studio.clips:refresh()
    context:bytes(200, "application/json",
      (studio.clips:changes(0, { undo = studio.history:describe(), quarantine = studio.quarantine })))
  end
  for name, route in pairs {
    ["events"] = events.route, ["clips"] = all_clips, ["sound"] = views.sound, ["waveform"] = views.waveform,
      ["spectrogram"] = views.spectrogram,
    ["runs"] = runs.list, ["run"] = runs.one, ["curve"] = runs.curve, ["take"] = runs.take, ["voices"] = speech.voices,
  } do
    list["GET /api/" .. name] = told(route, studio)
  end
  for name, route in pairs { ["label"] = edits.label, ["exclude"] = edits.exclude, ["undo"] = edits.undo,
    ["speak"] = speech.speak } do
    list["POST /api/" .. name] = guard.own(word, told(route, studio))
  end
  return list
end

return routes
