--- Turn one recording into codes and back into sound, or codes (.npy) into sound.
-- opah run vqgan -i clip.wav -o fake.wav --checkpoint-path F
local audio, config, progress = require "opah.audio", require "opah.config", require "opah.progress"
local tensor, vq = require "opah.tensor", require "opah.vq"

local args = config.parse_args(arg, {
  flags = {
    { "input-path", "file", "test.wav", "a recording, or codes in a .npy file", short = "i" },
    { "output-path", "path", "fake.wav", "the sound to write", short = "o" },
    { "config-name", "string", "firefly_gan_vq", "the codec's configuration: a stock name, a Lua table file or a YAML file" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4/firefly-gan-vq-fsq-8x1024-21hz-generator.pth", "the codec's weights" },
    { "device", "string", "cpu", "accepted for compatibility; everything runs on the processor", short = "d" },
  },
})

local codec = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
local codes
if args.input_path:lower():match("%.npy$") then
  codes = tensor.load_npy(args.input_path)
else
  local samples = audio.load(args.input_path, { sample_rate = codec.sample_rate })
  codes = codec:encode(samples, { whole = true })   -- the last, partly filled frame as well
  local beside = args.output_path:gsub("%.[^./]*$", "") .. ".npy"
  tensor.save_npy(beside, codes)
  progress.log(("codes: %d x %d -> %s"):format(codes:size(1), codes:size(2), beside))
end
local samples = codec:decode(codes)
audio.save(args.output_path, samples, codec.sample_rate)
progress.log(("sound: %.2f s -> %s"):format(#samples / codec.sample_rate, args.output_path))
return 0
