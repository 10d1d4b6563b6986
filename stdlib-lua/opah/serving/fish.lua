--- The routes of fish-speech's own API server (release 1.5): POST /v1/tts, /v1/vqgan/encode, /v1/vqgan/decode, /v1/health.
-- Bodies are JSON or MessagePack, with the fields and defaults of its schema.
local audio, fs, http = require "opah.audio", require "opah.fs", require "opah.http"
local json, tensor = require "opah.json", require "opah.tensor"
local job, loop, sound = require "opah.serving.job", require "opah.serving.loop", require "opah.serving.sound"
local field = loop.field

local fish = {}

-- Seconds of a recording, recordings and frames of a request: what is done at once, so that others do not wait long.
local longest, most_clips, most_frames = 60, 8, 1300

--- Bytes of a field: themselves in MessagePack, base 64 in JSON.
local function bytes_of(context, value)
  if type(value) ~= "string" then loop.fail(400, "a recording must be bytes (MessagePack), or base 64 (JSON)") end
  if (context.request.headers["content-type"] or ""):find("msgpack", 1, true) then return value end
  local ok, bytes = pcall(http.base64_decode, value)
  return ok and bytes or loop.fail(400, "a recording is not base 64")
end

local function list_of(body, name, most, needed)
  local list = field(body, name, "table") or needed and loop.fail(400, name .. " is missing: " .. needed, { param = name }) or {}
  for key in pairs(list) do
    if math.type(key) ~= "integer" or key < 1 or key > #list then loop.fail(400, name .. " must be a list", { param = name }) end
  end
  if #list > most then loop.fail(400, ("%s has %d entries, and at most %d are taken"):format(name, #list, most), { param = name }) end
  return list
end

--- The codes of a recording that came as bytes; what is wrong with it names which one it is.
local function codes_of(context, bytes, codec, name)
  local samples = sound.decode(bytes_of(context, bytes), codec.sample_rate, longest, name)
  local ok, codes = pcall(codec.encode, codec, samples)
  if ok then return codes end
  if codes.kind ~= "audio" then error(codes, 0) end
  error(fs.error("audio", name .. ": " .. codes.message, codes.hint), 0)
end

local function tts(context, server)
  local body = context:fields()
  local text = field(body, "text", "string") or loop.fail(400, "text is missing: what to say", { param = "text" })
  if utf8.len(text) > server.max_text then loop.fail(400, ("Text is too long, max length is %d"):format(server.max_text), { param = "text" }) end
  local format = field(body, "format", "string") or "wav"
  if not sound.media_types[format] then loop.fail(400, "format is wav, pcm, mp3, flac or opus", { param = "format" }) end
  local streaming = field(body, "streaming", "boolean")
  if streaming and format ~= "wav" and format ~= "pcm" then loop.fail(400, "streaming only supports wav and pcm", { param = "format" }) end
  local settings = {
    seed = field(body, "seed", "integer") or server.seed(), chunk_length = field(body, "chunk_length", "integer", 1, 1000),
    max_new_tokens = field(body, "max_new_tokens", "integer", 0, 8192), top_p = field(body, "top_p", "number", 0.01, 1),
    repetition_penalty = field(body, "repetition_penalty", "number", 0.5, 2), temperature = field(body, "temperature", "number", 0.01, 2),
  }
  local voice = server.speaker:voice(field(body, "reference_id", "string"), server.places)
  local count, codec = job.count(body, server), voice.codec
  local texts, codes
  for i, reference in ipairs(list_of(body, "references", most_clips)) do
    if type(reference) ~= "table" then loop.fail(400, "a reference has audio and text", { param = "references" }) end
    local spoken = field(reference, "text", "string") or loop.fail(400, "a reference has no text", { param = "references" })
    texts, codes = texts or {}, codes or {}
    texts[i], codes[i] = spoken, codes_of(context, reference.audio, codec, "reference " .. i)
  end
  context.details.voice, context.details.characters = voice.name, utf8.len(text)
  if server.log_texts then context.details.text = text end
  local rate = codec.sample_rate
  local headers = { ["Content-Disposition"] = "attachment; filename=audio." .. format }

  local spoken <close> = server.speaker:speak { text = text, voice = voice, settings = settings, prompt_text = texts, prompt_tokens = codes, best_of = count }
  if count > 1 then headers["X-Seed"] = tostring(spoken:choose().seed) end      -- gives it again, with best_of 1
  if streaming then
    sound.stream(context, spoken, format, rate, headers)
  else
    context:bytes(200, sound.media_types[format], sound.encode(spoken:sound(), rate, format), headers)
  end
  spoken:tell(context.details)
end

--- The answer in the form in which the request came.
local function reply(context, value)
  if (context.request.headers["content-type"] or ""):find("msgpack", 1, true) then
    return context:bytes(200, "application/msgpack", http.msgpack_encode(value, { binary = true }))
  end
  for i, bytes in ipairs(value.audios or {}) do value.audios[i] = http.base64(bytes) end
  return context:json(200, value)
end

--- The codec of the voice that a body names, which fish-speech's own clients never do; else the server's.
local function codec_of(body, server)
  local name = field(body, "reference_id", "string")
  return name and server.speaker:voice(name, server.places).codec or server.codec
end

local function encode(context, server)
  local body, tokens = context:fields(), {}
  local codec = codec_of(body, server)
  for i, clip in ipairs(list_of(body, "audios", most_clips, "recordings")) do
    tokens[i] = codes_of(context, clip, codec, "clip " .. i):totable()
    coroutine.yield()
  end
  reply(context, { tokens = tokens })
end

--- Whether all values of two-dimensional lists are whole numbers: a tensor would cut others.
local function are_whole(lists)
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      if type(value) ~= "number" or not math.tointeger(value) then return false end
    end
  end
  return true
end

local function decode(context, server)
  local body, audios, frames = context:fields(), {}, 0
  local codec = codec_of(body, server)
  for i, tokens in ipairs(list_of(body, "tokens", most_clips, "codes of recordings")) do
    local ok, codes = pcall(tensor.new, tokens, { dtype = "int32" })
    if not ok then
      if codes.kind == "interrupted" then error(codes, 0) end
      loop.fail(400, "tokens are lists of whole numbers [codebooks, frames]: " .. codes.message, { param = "tokens" })
    end
    if codes:dim() ~= 2 then loop.fail(400, "tokens are lists of whole numbers [codebooks, frames]", { param = "tokens" }) end
    frames = frames + codes:size(2)
    if frames > most_frames then loop.fail(400, ("more than %d frames in one request"):format(most_frames), { param = "tokens" }) end
    if not are_whole(tokens) then loop.fail(400, "tokens are lists of whole numbers [codebooks, frames]", { param = "tokens" }) end
    local ok_too, samples = pcall(codec.decode, codec, codes)
    if not ok_too then
      if samples.kind == "interrupted" then error(samples, 0) end
      loop.fail(400, samples.message, { param = "tokens" })
    end
    audios[i] = audio.bytes(samples, { format = "float16" })
    coroutine.yield()
  end
  reply(context, { audios = audios })
end

--- The routes, for a server `{ speaker, codec, max_text, places, ... }`.
function fish.routes(server)
  local function health(context) context:json(200, json.decode '{"status": "ok"}') end
  return {
    ["POST /v1/tts"] = function(context) return tts(context, server) end,
    ["POST /v1/vqgan/encode"] = function(context) return encode(context, server) end,
    ["POST /v1/vqgan/decode"] = function(context) return decode(context, server) end,
    ["GET /v1/health"] = health, ["POST /v1/health"] = health,
  }
end

return fish
