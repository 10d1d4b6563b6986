-- A text that is spoken several times in step, without a server: what is sent is what opah.best_of chooses, with a voice's adapters too.
local opah = require "opah"
local lora, tensor, vq = opah.lora, opah.tensor, opah.vq
local best_of, run = require "opah.best_of", require "opah.run"
local codecs, speaker = require "opah.serving.codecs", require "opah.serving.speaker"
local voice = require "opah.embedded".voice

local model, codec = opah.lm.load(voice.model), vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
local words = "The quiet farmer found the basket under the garden."
local settings = { seed = 20, temperature = 1.2, top_p = 0.95, repetition_penalty = 1, max_new_tokens = 200 }

-- A voice with an adapter that changes what it says.
lora.apply(model, "r_4_alpha_8", { seed = 1 })
tensor.manual_seed(1)
tensor.no_grad(function()
  for name, t in pairs(model:named_parameters()) do
    if name:find("lora_B", 1, true) and name:find("attention", 1, true) then t:fill_(0.05) end
  end
end)
lora.save(model, "adapter.ckpt")
lora.remove(model)
run("voice", { "pack", "Ann", "--adapter", "adapter.ckpt", "--references", "0", "--output", "." })

local function server(streams, queue)
  local speaks = speaker.new { model = model, codecs = codecs.new(codec, model.config.num_codebooks, {}), streams = streams, queue = queue }
  speaks:add_role("rms")
  speaks:load("Ann.voice")
  return speaks
end

--- What a route would send, the job it was of, and in how many steps.
local function spoken(speaks, name, count, text)
  local job = speaks:speak { text = text or words, voice = speaks:voice(name), settings = settings, best_of = count }
  local route = coroutine.create(function() return job:sound() end)
  for steps = 1, 2000 do
    speaks:step()
    local ok, result = coroutine.resume(route)
    if not ok then return nil, job, result end
    if coroutine.status(route) == "dead" then return result, job, steps end
  end
  error "it never ends"
end

-- What best_of chooses with the same adapters on the model.
local function chosen(adapter)
  local options = { text = words, speaker = not adapter and "rms" or nil, codec = codec }
  for name, value in pairs(settings) do options[name] = value end
  if adapter then lora.load(model, adapter) end
  local codes, info = best_of.generate(model, options, 4)
  if adapter then lora.remove(model) end
  return codes, info
end

local speaks = server(8, 4)
for name, adapter in pairs { rms = false, Ann = "adapter.ckpt" } do
  local codes, info = chosen(adapter)
  local sound, job = spoken(speaks, name, 4)
  assert(job.chosen.seed == info.seed and math.abs(job.chosen.share - info.share) < 1e-4 and job.frames == codes:size(2), name)
  for i, sample in ipairs(info.samples) do assert(math.abs(sample.share - job.samples[i].share) < 1e-4, name) end
  -- The same sound, bit for bit, as that seed alone.
  settings.seed = info.seed
  local alone = spoken(speaks, name, 1)
  settings.seed = 20
  assert(sound:equal(alone) and speaks.active == 0)
  local details = {}
  job:tell(details)
  assert(details.best_of == 4 and details.seed == info.seed and details.frames == job.frames)
end
assert(speaks.spoken == 4 and #model:parameters() == 0, "no adapter stays on the model")

-- Each sample has a place, all begin together, and texts that wait keep their order.
local first = speaks:speak { text = words, voice = speaks:voice "rms", settings = settings, best_of = 6 }
assert(speaks.active == 6)
local second = speaks:speak { text = words, voice = speaks:voice "Ann", settings = settings, best_of = 3 }
local third = speaks:speak { text = words, voice = speaks:voice "rms", settings = settings }
assert(speaks.active == 6 and #speaks.waiting == 2, "a text for which there is room does not overtake")
speaks:step()
first:cancel()
assert(speaks.active == 0)
speaks:step()
assert(speaks.active == 4 and #speaks.waiting == 0)
third:cancel()
second:cancel()
assert(speaks.active == 0 and not speaks:step())

local function refused(status, words_of_it, ...)
  local ok, problem = pcall(...)
  assert(not ok and problem.status == status and problem.message:find(words_of_it, 1, true), tostring(problem.message))
end
refused(400, "best_of 9 needs as many places", speaks.speak, speaks, { text = words, voice = speaks:voice "rms", best_of = 9 })
local small = server(4, 0)
local held = small:speak { text = words, voice = small:voice "rms", best_of = 2 }
refused(429, "ask again later", small.speak, small, { text = words, voice = small:voice "rms", best_of = 3 })
held:cancel()

-- A text whose sound cannot be told with it, and one that cannot be spoken at all: told, and nothing goes on.
local sound, _, problem = spoken(speaks, "rms", 2, (words .. " "):rep(40))
assert(not sound and problem.status == 400 and problem.param == "best_of")
sound, _, problem = spoken(speaks, "rms", 3, "...")
assert(not sound and (problem.kind == "text" or problem.kind == "argument"), tostring(problem))
