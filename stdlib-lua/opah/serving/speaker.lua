--- Voices, and texts that are being spoken with them. All texts of a voice go in step, and so do those of all voices without
-- adapters; the base's weights are in memory once. More texts than there are places wait in a queue.
local config, fs, lora = require "opah.config", require "opah.fs", require "opah.lora"
local tensor = require "opah.tensor"
local folder, loop, use = require "opah.voice.folder", require "opah.serving.loop", require "opah.voice.use"
local trim = require "opah.trim"

local Speaker = {}
Speaker.__index = Speaker

local speaker = {}

-- Frames that are decoded together: few at first, so that sound begins soon, later what a stretch of the vocoder takes. The
-- same for every text, whether it is streamed or not: so both are the same sound, bit for bit.
local first_frames, most_frames = 2, 32

--- A speaker of `options`: model, codec, `streams` that are spoken at a time, `queue` that wait.
function speaker.new(options)
  return setmetatable({
    model = options.model, codec = options.codec, streams = options.streams, most_waiting = options.queue,
    voices = {}, order = {}, active = 0, waiting = {}, jobs = {}, frames = 0, spoken = 0, steps = 0,
    base = options.model:session(), defaults = options.defaults or {},
  }, Speaker)
end

local function add(self, voice)
  if not self.voices[voice.name] then self.order[#self.order + 1] = voice.name end
  self.voices[voice.name] = voice
end

--- A voice that is a role of the model.
function Speaker:add_role(name) add(self, { name = name, role = name, settings = {}, session = self.base, kind = "role" }) end

--- A voice of a folder NAME.voice, checked and loaded; its adapters stay beside the others' on the same weights.
function Speaker:load(path)
  local opened = folder.open((path:gsub("(.)/+$", "%1")))
  use.check_codec({ opened }, self.codec)
  local texts, codes = use.references({ opened })
  local session = self.base
  if #opened.manifest.adapters > 0 then
    local ok, problem = pcall(use.apply, self.model, { opened })
    if ok then session = self.model:session() end
    lora.remove(self.model)
    if not ok then error(problem, 0) end
  end
  local name = opened.manifest.name
  add(self, { name = name, role = opened.manifest.role, settings = opened.manifest.generation or {}, texts = texts, codes = codes, session = session, path = path,
    kind = "voice" })
  return name
end

--- Forgets a voice; texts that are being spoken with it go on.
function Speaker:unload(name)
  self.voices[name] = nil
  for i, known in ipairs(self.order) do
    if known == name then return table.remove(self.order, i) end
  end
end

--- The voice of a name, loaded from its folder where it is not there yet; the first voice without a name.
function Speaker:voice(name, places)
  name = name or self.order[1]
  if not name then return { name = "default", settings = {}, session = self.base } end
  local voice = self.voices[name]
  if not voice and folder.is_name(name) then
    for _, place in ipairs(places or {}) do
      local path = fs.join(place, name .. ".voice")
      if fs.exists(fs.join(path, "voice.json")) then
        voice = self.voices[self:load(path)]
        break
      end
    end
  end
  if not voice then
    loop.fail(400, ("there is no voice %s: GET /v1/voices lists them%s"):format(name, #self.order > 0 and " (" .. table.concat(self.order, ", ") .. ")" or ""),
      { param = "voice", code = "voice_not_found" })
  end
  return voice
end

local Job = {}
Job.__index = Job

--- Begins to speak `options.text` with `options.voice`, or lets it wait. To be held by a `<close>` variable.
function Speaker:speak(options)
  if self.active >= self.streams and #self.waiting >= self.most_waiting then
    loop.fail(429, ("%d texts are being spoken and %d wait: ask again later"):format(self.active, #self.waiting), { retry_after = 2 })
  end
  local voice = options.voice
  local settings = { text = options.text, speaker = voice.role, codec = self.codec, prompt_text = options.prompt_text or voice.texts,
    prompt_tokens = options.prompt_tokens or voice.codes }
  for _, source in ipairs { self.defaults, voice.settings, options.settings or {} } do
    for name, value in pairs(source) do settings[name] = value end
  end
  local job = setmetatable({ speaker = self, session = voice.session, settings = settings, codes = {}, size = first_frames, frames = 0 }, Job)
  self.waiting[#self.waiting + 1] = job
  self:fill()
  return job
end

--- Gives free places to those who have waited longest.
function Speaker:fill()
  while self.active < self.streams and #self.waiting > 0 do
    local job = table.remove(self.waiting, 1)
    local ok, number = pcall(job.session.add, job.session, job.settings)
    if ok then
      job.number, self.active = number, self.active + 1
      self.jobs[job.session] = self.jobs[job.session] or {}
      self.jobs[job.session][number] = job
    else
      if number.kind == "interrupted" then error(number, 0) end
      job.problem = number
    end
  end
end

local function ended(self, job)
  self.jobs[job.session][job.number] = nil
  job.number, self.active = nil, self.active - 1
end

--- One frame more of everything; whether something is being spoken.
function Speaker:step()
  self:fill()
  if self.active == 0 then return false end
  self.steps = self.steps + 1
  for session, jobs in pairs(self.jobs) do
    if next(jobs) then
      for _, event in ipairs(session:step()) do
        local job = jobs[event.number]
        if event.codes then
          job.codes[#job.codes + 1] = event.codes
          job.frames, self.frames = job.frames + 1, self.frames + 1
        else
          if event.problem then
            job.problem = event.problem
          else
            job.ended, job.cut, self.spoken = true, event.length_limit_hit, self.spoken + 1
          end
          ended(self, job)
        end
      end
    else
      self.jobs[session] = nil
    end
  end
  return true
end

--- The next samples; waits for them in a route. nil at the end.
function Job:read()
  while true do
    local count = math.min(#self.codes, self.size)
    if count == self.size or self.ended and count > 0 then
      local frames = table.move(self.codes, 1, count, 1, {})
      self.codes = table.move(self.codes, count + 1, #self.codes, 1, {})
      self.size = math.min(self.size * 2, most_frames)
      self.decoder = self.decoder or self.speaker.codec:decoder()     -- megabytes: only for those who have a place
      return self.decoder:append(tensor.new(frames, { dtype = "int32" }):t():contiguous())
    end
    if self.problem then error(self.problem, 0) end
    if self.ended then return nil end
    coroutine.yield()
  end
end

--- All samples.
function Job:samples()
  local pieces = {}
  for piece in function() return self:read() end do pieces[#pieces + 1] = piece end
  if #pieces == 0 then loop.fail(500, "the model said nothing") end
  return tensor.cat(pieces)
end

--- Gives up what is not spoken yet.
function Job:cancel()
  local by = self.speaker
  if self.number then
    self.session:cancel(self.number)
    ended(by, self)
  end
  for i, waiting in ipairs(by.waiting) do
    if waiting == self then table.remove(by.waiting, i) break end
  end
  local _ <close> = self.decoder        -- its memory is free at once
  self.decoder = nil
end

Job.__close = Job.cancel

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
