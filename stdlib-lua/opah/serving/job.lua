--- A text that a server speaks: once, or several times in step, of which the sample that the text explains best is sent. Sample i draws with
-- the seed plus i - 1, and is what that seed gives alone.
local best_of, tensor = require "opah.best_of", require "opah.tensor"
local loop = require "opah.serving.loop"

local Job = {}
Job.__index = Job

local job = { most = 8 }      -- samples of a text

-- Frames that are decoded together: few at first, so that sound begins soon, later what a stretch of the vocoder takes. The
-- same for every text, whether it is streamed or not: so both are the same sound, bit for bit.
local first_frames, most_frames = 2, 32

--- How often a request wants its text spoken: its field best_of, else what the server was started with.
function job.count(body, server) return loop.field(body, "best_of", "integer", 1, job.most) or server.best_of or 1 end

--- A text that waits: `settings` are those of session:add, `count` how often it is to be spoken.
function job.new(speaker, voice, settings, count)
  local samples, seed = {}, settings.seed or 42
  for i = 1, count do samples[i] = { codes = {}, seed = seed + i - 1 } end
  return setmetatable({ speaker = speaker, voice = voice, settings = settings, samples = samples, size = first_frames, frames = 0, left = count }, Job)
end

--- Begins to speak all samples; by the number of each, or nil when one cannot be spoken.
function Job:begin()
  local session, numbers = self.voice.session, {}
  for _, sample in ipairs(self.samples) do
    self.settings.seed = sample.seed
    local ok, number = pcall(session.add, session, self.settings)
    if not ok then
      if number.kind == "interrupted" then error(number, 0) end
      self.problem = number
      for given in pairs(numbers) do session:cancel(given) end
      return nil
    end
    sample.number, numbers[number] = number, sample
  end
  return numbers
end

--- What happened to a sample in a step of its session; whether it is spoken no further.
function Job:take(sample, event)
  if event.codes then
    sample.codes[#sample.codes + 1] = event.codes
    if #self.samples == 1 then self.frames = self.frames + 1 end
    return false
  end
  if event.problem then self.problem = event.problem end
  sample.ended, sample.cut, self.left = not event.problem, event.length_limit_hit, self.left - 1
  return true
end

local function as_tensor(frames) return tensor.new(frames, { dtype = "int32" }):t():contiguous() end

--- Waits in a route until all samples are spoken, and lets others go on while they are compared.
local function best(self)
  local speaker, text = self.speaker, self.settings.text
  local longest = best_of.longest(speaker.model, text)
  while self.left > 0 or self.problem do
    if self.problem then error(self.problem, 0) end
    for _, sample in ipairs(self.samples) do
      if #sample.codes > longest then
        loop.fail(400, ("best_of reads a text together with its sound, %d tokens at most, and this text is too long for it: send it in pieces, or with best_of 1")
          :format(speaker.model.max_length), { param = "best_of" })
      end
    end
    coroutine.yield()
  end
  local chosen
  for _, sample in ipairs(self.samples) do
    sample.share = math.huge
    if #sample.codes > 0 then sample.share = best_of.share(self.voice.session, text, as_tensor(sample.codes), self.settings.speaker) end
    if best_of.better(sample, chosen) then chosen = sample end
    coroutine.yield()
  end
  self.frames = #chosen.codes
  return chosen
end

--- The sample that is sent. The only one is known at once; of several, none is before all are spoken.
function Job:choose()
  self.chosen = self.chosen or (#self.samples == 1 and self.samples[1] or best(self))
  return self.chosen
end

--- The next samples of sound; waits for them in a route. nil at the end.
function Job:read()
  local sample = self:choose()
  while true do
    local count = math.min(#sample.codes, self.size)
    if count == self.size or sample.ended and count > 0 then
      local frames = table.move(sample.codes, 1, count, 1, {})
      sample.codes = table.move(sample.codes, count + 1, #sample.codes, 1, {})
      self.size = math.min(self.size * 2, most_frames)
      self.decoder = self.decoder or self.voice.codec:decoder()     -- megabytes: only for those who have a place
      return self.decoder:append(as_tensor(frames))
    end
    if self.problem then error(self.problem, 0) end
    if sample.ended then return nil end
    coroutine.yield()
  end
end

--- All samples of sound.
function Job:sound()
  local pieces = {}
  for piece in function() return self:read() end do pieces[#pieces + 1] = piece end
  if #pieces == 0 then loop.fail(500, "the model said nothing") end
  return tensor.cat(pieces)
end

--- What the log says of it.
function Job:tell(details)
  details.frames, details.cut = self.frames, self.chosen.cut or nil
  if #self.samples > 1 then
    details.best_of, details.seed, details.share = #self.samples, self.chosen.seed, tonumber(("%.3f"):format(self.chosen.share))
  end
end

--- Gives up what is not spoken yet.
function Job:cancel()
  self.speaker:leave(self)
  local _ <close> = self.decoder        -- its memory is free at once
  self.decoder = nil
end

Job.__close = Job.cancel

return job
