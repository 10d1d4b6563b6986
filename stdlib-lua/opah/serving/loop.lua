--- Requests and the routes that answer them. Each request is a coroutine: a route that waits lets the others go on, so that
-- a short question is answered while a long text is being spoken. There is one interpreter, and one route runs at a time.
-- `coroutine.yield()` waits for what `work` does next, `coroutine.yield(seconds)` at least as long as that; a route that goes
-- on without end, such as a stream of events, sets `context.deadline = math.huge`.
local http, json, machine = require "opah.http", require "opah.json", require "opah.machine"
local progress = require "opah.progress"

local loop = {}

--- Ends a route with an answer that says what is wrong, in the form of OpenAI's errors. The log says `details.problem` instead, where
-- there is one: what only those who run the server are to know.
function loop.fail(status, message, details)
  details = details or {}
  error({ status = status, message = message, param = details.param, code = details.code, retry_after = details.retry_after,
    problem = details.problem }, 0)
end

local kinds = { [401] = "authentication_error", [404] = "invalid_request_error", [429] = "rate_limit_error" }

-- What a route is given: the request, and shorter ways to answer it.
local Context = {}
Context.__index = Context

--- Adds the headers that all answers have.
local function with_always(context, headers)
  for name, value in pairs(context.always) do headers[name] = headers[name] or value end
  return headers
end

local function send(context, status, headers, body)
  context.status = status
  with_always(context, headers)
  return context.request:respond(status, headers, body)
end

--- The whole answer as JSON.
function Context:json(status, value) return send(self, status, { ["Content-Type"] = "application/json" }, json.encode(value)) end

--- The whole answer as bytes of a media type.
function Context:bytes(status, media_type, bytes, headers)
  headers = headers or {}
  headers["Content-Type"] = media_type
  return send(self, status, headers, bytes)
end

--- Begins an answer that comes in pieces.
function Context:start(media_type, headers)
  headers = headers or {}
  headers["Content-Type"] = media_type
  self.status = 200
  self.request:start(200, with_always(self, headers))
end

--- The next piece of it.
function Context:write(bytes)
  if not self.request:write(bytes) then error({ gone = true }, 0) end
end

function Context:finish() self.request:finish() end

--- The fields that came as JSON or MessagePack.
function Context:fields()
  local request = self.request
  local media_type = (request.headers["content-type"] or "application/json"):match("^%s*([^;%s]*)"):lower()
  local ok, value
  if media_type == "application/msgpack" or media_type == "application/x-msgpack" then
    ok, value = pcall(http.msgpack_decode, request.body)
  elseif media_type == "application/json" then
    ok, value = pcall(json.decode, request.body)
  else
    loop.fail(415, "the body must be application/json or application/msgpack")
  end
  if not ok then
    if value.kind == "interrupted" then error(value, 0) end
    loop.fail(400, "the body cannot be read: " .. tostring(value.message))
  end
  if type(value) ~= "table" or #value > 0 then loop.fail(400, "the body must be an object with fields") end
  return value
end

--- The field `name` of a body, nil where it is missing or null. `kind` is string, number, integer, boolean or table (a list).
function loop.field(body, name, kind, low, high)
  local value = body[name]
  if value == nil or value == json.null then return nil end
  local fits = type(value) == kind
  if kind == "integer" then
    value = type(value) == "number" and math.tointeger(value) or nil      -- a text of digits is no number
    fits = value ~= nil
  end
  if not fits then
    local wanted = kind == "integer" and "whole number" or kind == "table" and "list" or kind
    loop.fail(400, ("%s must be a %s"):format(name, wanted), { param = name })
  end
  if low and not (value >= low and value <= high) then
    loop.fail(400, ("%s must be from %s to %s"):format(name, low, high), { param = name })
  end
  if kind == "string" and not utf8.len(value) then loop.fail(400, name .. " is not UTF-8 text", { param = name }) end
  return value
end

--- The error that a route ended with, as an answer.
local function answer_error(context, problem)
  if context.request.answered then return context.request:abort() end
  local status, message, hint = 500, "the server failed: its log says why", nil
  if type(problem) == "table" and problem.status then
    status, message = problem.status, problem.message
  elseif type(problem) ~= "string" and (problem.kind == "argument" or problem.kind == "audio" or problem.kind == "text" or problem.kind == "format") then
    status, message, hint = 400, problem.message, problem.hint
  end
  local details = type(problem) == "table" and problem or {}
  local headers = { ["Content-Type"] = "application/json" }
  if status == 429 or status == 503 or status == 504 then headers["Retry-After"] = tostring(details.retry_after or 1) end
  send(context, status, headers, json.encode { error = {
    message = hint and message .. " (" .. hint .. ")" or message, type = kinds[status] or (status >= 500 and "server_error" or "invalid_request_error"),
    param = details.param or json.null, code = details.code or json.null,
  } })
end

local function route_of(routes, request)
  local route = routes[request.method .. " " .. request.path] or request.method == "HEAD" and routes["GET " .. request.path]
  if route then return route end
  local prefix, rest = request.path:match("^(.*/)([^/]+)$")
  route = prefix and routes[request.method .. " " .. prefix .. "*"]
  if route then return function(context) return route(context, rest) end end
  for key in pairs(routes) do
    if key:match("^%S+ (.*)$") == request.path then
      return function() loop.fail(405, ("%s does not take %s"):format(request.path, request.method)) end
    end
  end
  return function() loop.fail(404, "there is nothing at " .. request.path) end
end

--- Writes what became of a request as a line of JSON on the standard error output (a `log` event with --json).
function loop.log(entry)
  local line = { time = os.date("!%Y-%m-%dT%H:%M:%SZ"), method = entry.method, path = entry.path, status = entry.status, seconds = entry.seconds }
  for name, value in pairs(entry.details or {}) do line[name] = value end
  progress.log(json.encode(line))
end

-- Seconds that nothing is looked at when there is nothing to do, at most.
local longest_wait = 0.2

--- Answers requests until the server is told to end. `options`: `routes` by `METHOD /path` (a last part `*` is any name),
-- `work()` does a step of what routes wait for and says whether there is more, `timeout` seconds for a request, `log(entry)`,
-- `headers` that all answers of routes have.
function loop.run(server, options)
  local tasks, stopping = {}, false

  local function done(task)
    coroutine.close(task.thread)      -- its <close> variables give up what it held
    options.log {
      method = task.context.request.method, path = task.context.request.path, status = task.context.status or 499,
      seconds = tonumber(("%.3f"):format(machine.now() - task.begun)), details = task.context.details,
    }
  end

  --- Lets a request's route go on; whether it has ended.
  local function go_on(task)
    local context = task.context
    local now = machine.now()
    if context.request.gone then
      context.status = 499          -- as proxies log it: the client closed the connection
    elseif now > context.deadline then
      answer_error(context, { status = 504, message = ("the request took more than %g s"):format(options.timeout) })
      context.status = 504
    elseif now < task.wakes then
      return false
    else
      local ok, problem = coroutine.resume(task.thread, context)
      if ok and coroutine.status(task.thread) ~= "dead" then
        task.wakes = problem and machine.now() + problem or 0
        return false
      end
      if not ok then
        if type(problem) ~= "string" and problem.kind == "interrupted" then error(problem, 0) end
        if type(problem) == "table" and problem.gone then
          context.status = 499
        else
          if type(problem) ~= "table" or not problem.status then context.details.problem = tostring(problem):sub(1, 500)
          elseif problem.status >= 500 then context.details.problem = (problem.problem or problem.message):sub(1, 500) end
          answer_error(context, problem)
        end
      elseif not context.request.answered then
        answer_error(context, "the route gave no answer")
      end
    end
    done(task)
    return true
  end

  --- Seconds until a route wants to go on.
  local function wait()
    local seconds, now = longest_wait, machine.now()
    for _, task in ipairs(tasks) do seconds = math.min(seconds, math.max(0, task.wakes - now)) end
    return seconds
  end

  while true do
    if server.ending and not stopping then
      stopping = true
      server:stop()
    end
    local busy = options.work()
    local request = server:next(busy and 0 or wait())
    while request do
      local begun = machine.now()
      local context = setmetatable({ request = request, details = {}, deadline = begun + options.timeout, always = options.headers or {} }, Context)
      tasks[#tasks + 1] = { thread = coroutine.create(route_of(options.routes, request)), context = context, begun = begun, wakes = 0 }
      request = server:next(0)
    end
    local left = {}
    for _, task in ipairs(tasks) do
      if not go_on(task) then left[#left + 1] = task end
    end
    tasks = left
    for _, refused in ipairs(server:refused()) do options.log { status = refused.status, details = { refused = refused.reason } } end
    if stopping and #tasks == 0 and server:idle() then return end
  end
end

return loop
