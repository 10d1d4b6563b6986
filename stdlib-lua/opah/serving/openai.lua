--- The routes of OpenAI's audio API: POST /v1/audio/speech, GET /v1/models, and GET /v1/voices, which others added to it.
local audio, http, json = require "opah.audio", require "opah.http", require "opah.json"
local job, loop, sound = require "opah.serving.job", require "opah.serving.loop", require "opah.serving.sound"
local field = loop.field

local openai = {}

local function speech(context, server)
  local body = context:fields()
  local text = field(body, "input", "string") or loop.fail(400, "input is missing: what to say", { param = "input" })
  if utf8.len(text) > server.max_text then
    loop.fail(400, ("input has %d characters, and at most %d are taken"):format(utf8.len(text), server.max_text), { param = "input" })
  end
  local format = field(body, "response_format", "string") or "mp3"
  local media_type = sound.media_types[format]
  if not media_type then loop.fail(400, "response_format is wav, flac, mp3, opus or pcm", { param = "response_format" }) end
  local stream = field(body, "stream_format", "string")
  if stream and stream ~= "audio" and stream ~= "sse" then loop.fail(400, "stream_format is audio or sse", { param = "stream_format" }) end
  if (field(body, "speed", "number") or 1) ~= 1 then
    loop.fail(400, "speed can only be 1: this model has no control of its pace, and stretched sound would not be its voice", { param = "speed" })
  end
  if (field(body, "instructions", "string") or "") ~= "" then
    loop.fail(400, "this model takes no instructions", { param = "instructions" })
  end
  local count, voice = job.count(body, server), body.voice
  if type(voice) == "table" then             -- { id = "..." }
    voice = field(voice, "id", "string") or loop.fail(400, "voice must be a name, or an object with its id", { param = "voice" })
  else
    voice = field(body, "voice", "string")
  end
  local found = server.speaker:voice(voice, server.places)
  context.details.voice, context.details.characters = found.name, utf8.len(text)
  if server.log_texts then context.details.text = text end
  local rate = found.codec.sample_rate

  local spoken <close> = server.speaker:speak { text = text, voice = found, settings = { seed = server.seed() }, best_of = count }
  local can_stream = format == "pcm" or format == "wav"
  if stream == "sse" then
    local begun = false
    local function event(value)
      if not begun then
        context:start("text/event-stream", { ["Cache-Control"] = "no-store" })
        begun = true
      end
      context:write("data: " .. json.encode(value) .. "\n\n")
    end
    local function delta(bytes) event { type = "speech.audio.delta", audio = http.base64(bytes) } end
    if can_stream then
      for samples in function() return spoken:read() end do
        delta((not begun and format == "wav" and sound.wave_head(rate) or "") .. audio.bytes(samples))
      end
    else
      delta(sound.encode(spoken:sound(), rate, format))        -- these are made of the whole
    end
    event { type = "speech.audio.done", usage = { input_tokens = 0, output_tokens = spoken.frames, total_tokens = spoken.frames } }
    context:finish()
  elseif format == "pcm" or format == "wav" and stream == "audio" then
    sound.stream(context, spoken, format, rate, { ["X-Sample-Rate"] = tostring(rate) })
  else
    context:bytes(200, media_type, sound.encode(spoken:sound(), rate, format))
  end
  spoken:tell(context.details)
end

--- The routes, for a server `{ speaker, codec, model_name, max_text, places, ... }`.
function openai.routes(server)
  return {
    ["POST /v1/audio/speech"] = function(context) return speech(context, server) end,
    ["GET /v1/models"] = function(context)
      context:json(200, { object = "list", data = { { id = server.model_name, object = "model", created = server.started, owned_by = "opah" } } })
    end,
    ["GET /v1/voices"] = function(context)
      local list = {}
      for i, name in ipairs(server.speaker.order) do
        local voice = server.speaker.voices[name]
        list[i] = { id = name, name = name, kind = voice.kind, sample_rate = voice.codec.sample_rate }
      end
      context:json(200, { object = "list", data = list, voices = list })
    end,
    --- Forgets a voice that was loaded; its folder stays, and is loaded anew when it is asked for.
    ["DELETE /v1/voices/*"] = function(context, name)
      local voice = server.speaker.voices[name] or loop.fail(404, "there is no voice " .. name)
      if voice.kind == "role" then
        loop.fail(409, name .. " is a role of the model, which takes no memory of its own", { code = "voice_is_a_role" })
      end
      server.speaker:unload(name)
      context:json(200, { id = name, deleted = true })
    end,
  }
end

return openai
