--- Voices, and texts that are being spoken with them. All texts of a voice go in step, and so do those of all voices without
-- adapters; the base's weights are in memory once. More texts than there are places wait in a queue.
local config, fs, lora = require "opah.config", require "opah.fs", require "opah.lora"
local folder, use = require "opah.voice.folder", require "opah.voice.use"
local job, loop = require "opah.serving.job", require "opah.serving.loop"
local trim = require "opah.trim"

local Speaker = {}
Speaker.__index = Speaker

local speaker = {}

--- A speaker of `options`: model, codecs (`opah.serving.codecs`), `streams` that are spoken at a time, `queue` that wait.
function speaker.new(options)
  return setmetatable({
    model = options.model, codecs = options.codecs, streams = options.streams, most_waiting = options.queue,
    voices = {}, order = {}, paths = {}, active = 0, waiting = {}, spoken_by = {}, frames = 0, spoken = 0, steps = 0,
    base = options.model:session(), defaults = options.defaults or {},
  }, Speaker)
end

local function add(self, voice)
  if not self.voices[voice.name] then self.order[#self.order + 1] = voice.name end
  self.voices[voice.name] = voice
end

--- A voice that is a role of the model.
function Speaker:add_role(name)
  add(self, { name = name, role = name, settings = {}, session = self.base, codec = self.codecs.own, kind = "role" })
end

--- What `work` gives while a voice's adapters are on the model; nothing else may run meanwhile. Without a voice, or adapters, it is the bare model.
function Speaker:with_adapters(opened, work)
  if not opened or #opened.manifest.adapters == 0 then return work() end
  local ok, result = pcall(function()
    use.apply(self.model, { opened })
    return work()
  end)
  lora.remove(self.model)
  if not ok then error(result, 0) end
  return result
end

local function fail(message, hint) error(fs.error("checkpoint", message, hint), 0) end

--- A voice of a folder NAME.voice, checked and loaded; its adapters stay beside the others' on the same weights. `refuse(message, hint)` is
-- called when its codec is not to be found. It is called `name`, where it was asked for by that of its folder, else as it calls itself.
function Speaker:load(path, refuse, name)
  local opened = folder.open((path:gsub("(.)/+$", "%1")))
  local codec, problem, hint = self.codecs:of(opened)
  if not codec then return (refuse or fail)(problem, hint) end
  local texts, codes = use.references({ opened })
  local session = #opened.manifest.adapters == 0 and self.base or self:with_adapters(opened, function() return self.model:session() end)
  -- The vocoder's tables are made at first use: now, and not while somebody waits.
  codec:decoder()
  name = name or opened.manifest.name
  self.paths[name] = path             -- kept when it is unloaded: it is loaded from there again
  add(self, { name = name, role = opened.manifest.role, settings = opened.manifest.generation or {}, texts = texts, codes = codes, session = session, path = path,
    kind = "voice", opened = opened, codec = codec })
  return name
end

--- Forgets a voice; texts that are being spoken with it go on.
function Speaker:unload(name)
  self.voices[name] = nil
  for i, known in ipairs(self.order) do
    if known == name then
      collectgarbage()                    -- what only this voice had: adapters, a codec
      return table.remove(self.order, i)
    end
  end
end

--- How many codecs are in memory for the server and its voices.
function Speaker:codec_count()
  local seen, count = { [self.codecs.own] = true }, 1
  for _, voice in pairs(self.voices) do
    if not seen[voice.codec] then seen[voice.codec], count = true, count + 1 end
  end
  return count
end

--- Folders in which the voice of a name may be.
local function paths_of(self, name, places)
  local list = { self.paths[name] }
  for _, place in ipairs(places or {}) do list[#list + 1] = fs.join(place, name .. ".voice") end
  return list
end

--- The voice `name` of the folder at `path`, for a request: one that cannot be loaded is told, and what is wrong with its files is for the log.
local function loaded(self, name, path)
  local ok, problem = pcall(self.load, self, path, function(message, hint)
    loop.fail(500, ("%s (%s)"):format(message, hint), { param = "voice", code = "voice_codec_not_found" })
  end, name)
  if ok then return self.voices[name] end
  if type(problem) ~= "userdata" or problem.kind == "interrupted" or problem.kind == "lua" then error(problem, 0) end
  loop.fail(500, ("the voice %s cannot be loaded: the server's log says why"):format(name),
    { param = "voice", code = "voice_not_loaded", problem = tostring(problem) })
end

--- The voice of a name, loaded from its folder where it is not there yet; without a name `self.usual`, which no request
--- changes, and where there is none, the bare model.
function Speaker:voice(name, places)
  name = name or self.usual
  if not name then return { name = "default", settings = {}, session = self.base, codec = self.codecs.own } end
  local voice = self.voices[name]
  if not voice and folder.is_name(name) then
    for _, path in ipairs(paths_of(self, name, places)) do
      if fs.exists(fs.join(path, "voice.json")) then
        voice = loaded(self, name, path)
        break
      end
    end
  end
  if not voice then
    local said = #name > 100 and "of such a long name" or name
    loop.fail(400, ("there is no voice %s: GET /v1/voices lists them%s"):format(said, #self.order > 0 and " (" .. table.concat(self.order, ", ") .. ")" or ""),
      { param = "voice", code = "voice_not_found" })
  end
  return voice
end

--- Begins to speak `options.text` with `options.voice`, or lets it wait. `best_of` is how often it is spoken, at the same time: each takes a
-- place. To be held by a `<close>` variable.
function Speaker:speak(options)
  local count = options.best_of or 1
  if count > self.streams then
    loop.fail(400, ("best_of %d needs as many places, and this server speaks %d texts at a time"):format(count, self.streams), { param = "best_of" })
  end
  if (#self.waiting > 0 or self.active + count > self.streams) and #self.waiting >= self.most_waiting then
    loop.fail(429, ("%d texts are being spoken and %d wait: ask again later"):format(self.active, #self.waiting), { retry_after = 2 })
  end
  local voice = options.voice
  local settings = { text = options.text, speaker = voice.role, codec = voice.codec, prompt_text = options.prompt_text or voice.texts,
    prompt_tokens = options.prompt_tokens or voice.codes }
  for _, source in ipairs { self.defaults, voice.settings, options.settings or {} } do
    for name, value in pairs(source) do settings[name] = value end
  end
  local one = job.new(self, voice, settings, count)
  self.waiting[#self.waiting + 1] = one
  self:fill()
  return one
end

--- Gives free places to those who have waited longest: all that a text needs, at once.
function Speaker:fill()
  while #self.waiting > 0 and self.active + #self.waiting[1].samples <= self.streams do
    local one = table.remove(self.waiting, 1)
    local session = one.voice.session
    local spoken = self.spoken_by[session] or {}
    self.spoken_by[session] = spoken
    for number, sample in pairs(one:begin() or {}) do
      spoken[number], self.active = { job = one, sample = sample }, self.active + 1
    end
  end
end

local function ended(self, session, number)
  self.spoken_by[session][number] = nil
  self.active = self.active - 1
end

--- Takes a text's samples out of what is being spoken, and out of the queue.
function Speaker:leave(one)
  local session = one.voice.session
  for _, sample in ipairs(one.samples) do
    local spoken = sample.number and self.spoken_by[session]
    if spoken and spoken[sample.number] then
      session:cancel(sample.number)
      ended(self, session, sample.number)
    end
  end
  for i, waiting in ipairs(self.waiting) do
    if waiting == one then return table.remove(self.waiting, i) end
  end
end

--- One frame more of everything; whether something is being spoken.
function Speaker:step()
  self:fill()
  if self.active == 0 then return false end
  self.steps = self.steps + 1
  for session, spoken in pairs(self.spoken_by) do
    if next(spoken) then
      for _, event in ipairs(session:step()) do
        local one = spoken[event.number]
        if event.codes then self.frames = self.frames + 1 end
        if one.job:take(one.sample, event) then
          ended(self, session, event.number)
          if one.job.left == 0 and not one.job.problem then self.spoken = self.spoken + 1 end
        end
      end
    else
      self.spoken_by[session] = nil
    end
  end
  return true
end

--- Roles from a list "rms,slt".
function speaker.names(text)
  local names = {}
  for name in (text or ""):gmatch("[^,]+") do
    name = trim(name)
    if not folder.is_name(name) then config.usage_error("--speaker: " .. name .. " is no name") end
    names[#names + 1] = name
  end
  return names
end

return speaker
