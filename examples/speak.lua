--- Speak a sentence with the embedded voice, which Opah trained from nothing: sixty words of English, two speakers.
-- opah run examples/speak.lua --text "The quiet farmer found the basket under the garden." --speaker slt
-- opah run examples/speak.lua --weights japanese/weights --speaker mei --text "ふるい ほん の うしろ に いし が ふたつ あります。"
-- needs: nothing; the weights are in examples/checkpoints/voice, with the sixty words in its README. train-japanese.lua makes others
-- expect: out/speak/hello.wav to be understood, and its codes
local opah = require "opah"
local audio, fs, lm, tensor, vq = opah.audio, opah.fs, opah.lm, opah.tensor, opah.vq
local best_of, voice = require "opah.best_of", require "opah.embedded".voice

return opah.recipe {
  flags = {
    { "text", "string", "The old bird waited behind the harbour again.", "what to say, in the words that the model knows" },
    { "speaker", "string", "rms", "who says it: rms or slt, or whom else the weights were taught" },
    { "weights", "path", voice.model, "the model's folder, with codec.pth and codec.lua in it" },
    { "best-of", "integer", voice.best_of, "how often it is spoken: the one that the text explains best is kept", from = 1, to = 1024 },
    { "seed", "integer", 1, "the same seed gives the same sound" },
    { "output", "output", "out/speak", "the folder for hello.wav and hello.npy" },
  },
  run = function(args)
    local known = " " .. table.concat(voice.speakers, " ") .. " "
    if args.weights == voice.model and not known:find(" " .. args.speaker .. " ", 1, true) then
      opah.config.usage_error("the embedded voice has the speakers" .. known .. "and not " .. args.speaker)
    end
    local model = lm.load(args.weights)
    local codec = vq.load { config = fs.join(args.weights, "codec.lua"), checkpoint = fs.join(args.weights, "codec.pth") }
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
