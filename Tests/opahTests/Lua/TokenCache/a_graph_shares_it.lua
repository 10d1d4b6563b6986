local opah = require "opah"
local audio, tensor, embedded = opah.audio, opah.tensor, require "opah.embedded"
local codec = embedded.codec()
local cache <close> = require "opah.token_cache".open("cache", codec, { limit = "10GB" })
local graph = opah.graph { folder = arg[1] }
local clips = graph:files("a", { extension = { ".wav", ".mp3", ".flac" } })
local weights = graph:files(embedded.codec_checkpoint)
graph:each("codes", { over = clips, inputs = { weights = weights } }, function(input, output)
  cache:make(input, output .. ".npy", function()
    tensor.save_npy(output .. ".npy", codec:encode(audio.load(input, { sample_rate = codec.sample_rate })))
  end)
end)
local code = graph:run()
print("taken " .. cache.taken)
return code
