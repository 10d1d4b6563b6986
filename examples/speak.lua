--- Speak a sentence with the embedded voice, which Opah trained from nothing: sixty words of English, two speakers.
-- opah run examples/speak.lua --text "The quiet farmer found the basket under the garden." --speaker slt
-- needs: nothing; the weights are in examples/checkpoints/voice, with the sixty words in its README
-- expect: out/speak/hello.wav to be understood, and its codes
local opah = require "opah"
local audio, fs, lm, tensor, vq = opah.audio, opah.fs, opah.lm, opah.tensor, opah.vq
local best_of, voice = require "opah.best_of", require "opah.embedded".voice

return opah.recipe {
  flags = {
    { "text", "string", "The old bird waited behind the harbour again.", "what to say, in the words that the model knows" },
    { "speaker", "string", "rms", "who says it", choices = voice.speakers },
    { "best-of", "integer", voice.best_of, "how often it is spoken: the one that the text explains best is kept", from = 1, to = 1024 },
    { "seed", "integer", 1, "the same seed gives the same sound" },
    { "output", "output", "out/speak", "the folder for hello.wav and hello.npy" },
  },
  run = function(args)
    local model = lm.load(voice.model)
    local codec = vq.load { config = voice.codec_config, checkpoint = voice.codec_checkpoint }
    local options = { text = args.text, speaker = args.speaker, seed = args.seed, codec = codec }
    for name, value in pairs(voice.generate) do options[name] = value end
    local codes, info = best_of.generate(model, options, args.best_of)
    local samples = codec:decode(codes)

    fs.mkdir(args.output)
    tensor.save_npy(fs.join(args.output, "hello.npy"), codes)
    audio.save(fs.join(args.output, "hello.wav"), samples, codec.sample_rate)
    opah.progress.log(best_of.told(info))
    print("sound: " .. fs.join(args.output, "hello.wav"))
  end,
}
