--- GET /api/events?since=VERSION: what changes while the page is open, as server-sent events: `clips` (findings, edits
-- from other pages), `runs` (folders and checkpoints) and `metrics` (lines of a run).
local json, machine = require "opah.json", require "opah.machine"

local events = {}

-- Seconds from one look to the next, and between signs of life: who is gone is told by a failing write.
local pause, quiet = 0.5, 10
-- Pages that are open at a time; each holds a connection.
local most_open = 16
local loop = require "opah.serving.loop"

function events.route(context, studio)
  if studio.open >= most_open then loop.fail(503, ("%d pages are open already: close some"):format(most_open)) end
  local since = math.tointeger(tonumber(context.request.query.since)) or 0
  studio.open = studio.open + 1
  local remover <close> = setmetatable({}, { __close = function() studio.open = studio.open - 1 end })
  context.deadline = math.huge
  context:start("text/event-stream")
  local written = machine.now()
  local function send(name, text)
    context:write(("event: %s\ndata: %s\n\n"):format(name, text))
    written = machine.now()
  end
  send("hello", json.encode { start = studio.start })
  local seen, runs_version = {}, -1
  while not studio.listener.ending do
    -- A page that does not read is not sent more.
    if context.request.pending < 1024 * 1024 then
      if studio.clips.version ~= since then
        local changes, version = studio.clips:changes(since, { undo = studio.history:describe() })
        send("clips", changes)
        since = version
      end
      studio.runs:look()
      if studio.runs.version ~= runs_version then
        runs_version = studio.runs.version
        send("runs", json.encode { version = runs_version })
      end
      for _, news in ipairs(studio.runs:news(seen)) do send("metrics", json.encode(news)) end
      if machine.now() - written > quiet then
        context:write(": still here\n\n")
        written = machine.now()
      end
    end
    coroutine.yield(pause)
  end
  context:finish()
end

return events
