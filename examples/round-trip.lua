--- One clip through the codec and back: what the codes keep of a voice is the most that fine-tuning can give.
-- opah run examples/round-trip.lua --input clip.wav --config-name firefly_gan_vq --checkpoint-path F
-- needs: a recording and a codec; without options, a clip of Alice and the tiny random codec (which gives noise)
-- expect: reconstructed.wav, its distance from the original, and report.html to see and hear both
local opah = require "opah"
local audio, fs = opah.audio, opah.fs
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "input", "file", fs.join(embedded.speech, "Alice/0.00-2.10.mp3"), "the recording" },
    { "output", "output", "out/round-trip", "the folder for the results" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
  },
  run = function(args)
    local codec = opah.vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    local samples = audio.load(args.input, { sample_rate = codec.sample_rate })
    local codes = codec:encode(samples)
    local again = codec:decode(codes)

    -- Codes cover whole frames: the last part of a frame is not in them.
    local length = #again
    local kept = samples[{ { 1, length } }]
    local function mel(x) return audio.log_mel(x, { sample_rate = codec.sample_rate }) end
    local distance = (mel(kept) - mel(again)):abs():mean():item()

    local seconds = #samples / codec.sample_rate
    local bits = codes:numel() * math.log(codec.codebook_size, 2)
    print(("%.2f s -> %d x %d codes -> %.2f s"):format(seconds, codes:size(1), codes:size(2), length / codec.sample_rate))
    print(("%.1f kbit/s instead of %.1f"):format(bits / seconds / 1000, codec.sample_rate * 16 / 1000))
    print(("distance of the log-mel spectrograms: %.3f"):format(distance))

    fs.mkdir(args.output)
    opah.tensor.save_npy(fs.join(args.output, "codes.npy"), codes)
    audio.save(fs.join(args.output, "reconstructed.wav"), again, codec.sample_rate)
    opah.report.html(fs.join(args.output, "report.html"), {
      title = "Through the codec and back",
      { heading = "Original" },
      { spectrogram = kept, sample_rate = codec.sample_rate },
      { audio = kept, sample_rate = codec.sample_rate, label = args.input },
      { heading = "From its codes" },
      { spectrogram = again, sample_rate = codec.sample_rate },
      { audio = again, sample_rate = codec.sample_rate, label = ("distance %.3f"):format(distance) },
    })
  end,
}
