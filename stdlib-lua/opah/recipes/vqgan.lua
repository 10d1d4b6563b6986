--- Turn one recording into codes and back into sound, or codes (.npy) into sound.
-- opah run vqgan -i clip.wav -o fake.wav --checkpoint-path F
local audio, recipe, fs, progress = require "opah.audio", require "opah.recipe", require "opah.fs", require "opah.progress"
local config, own_files = require "opah.config", require "opah.own_files"
local planning, tensor, vq = require "opah.planning", require "opah.tensor", require "opah.vq"
local duration = progress.duration

return recipe {
  flags = {
    { "input-path", "file", "test.wav", "a recording, or codes in a .npy file", short = "i" },
    { "output-path", "path", "fake.wav", "the sound to write", short = "o" },
    { "config-name", "string", "firefly_gan_vq", "the codec's configuration: a stock name, a Lua table file or a YAML file" },
    { "checkpoint-path", "path", "checkpoints/fish-speech-1.4/firefly-gan-vq-fsq-8x1024-21hz-generator.pth", "the codec's weights" },
    { "device", "string", "cpu", "accepted for compatibility; everything runs on the processor", short = "d" },
  },
  plan = function(args)
    local codec, is_codes = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }, args.input_path:lower():match("%.npy$")
    local cost, seconds
    if is_codes then
      local codes = tensor.load_npy(args.input_path)
      cost, seconds = codec:cost { frames = codes:size(2) }, codes:size(2) / codec.frame_rate
    else
      seconds = audio.info(args.input_path).duration
      cost = codec:cost { seconds = seconds }
    end
    -- Decoding takes 0.6 to 0.7 of the operations of its layers written out. Weights as read and as the kernels want them.
    local operations = (is_codes and 0 or cost.encode_operations / 0.8) + 0.7 * cost.decode_operations
    return {
      seconds = 0.5 + operations / planning.rates().matrix_rate,
      memory = planning.program + 60e6 + 3.5 * fs.stat(args.checkpoint_path).size + (is_codes and 0 or 2 * cost.encode_bytes),
      disk = 2 * seconds * codec.sample_rate, folder = fs.dirname(args.output_path), lines = { duration(seconds) .. " of sound" },
    }
  end,
  run = function(args)
    local beside = args.output_path:gsub("%.[^./]*$", "") .. ".npy"
    local given, input = args.input_path:lower():match("%.npy$"), fs.resolve(args.input_path)
    if fs.resolve(args.output_path) == input then config.usage_error("--output-path is --input-path") end
    local is_own = own_files.made_by { "vqgan" }
    if not given then own_files.any(beside, is_own) end
    local codec = vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    local function note(text) progress.log(("  note: %s: %s"):format(progress.name(args.input_path), text)) end
    local codes
    if given then
      codes = tensor.load_npy(args.input_path)
    else
      local samples, info = audio.load(args.input_path, { sample_rate = codec.sample_rate })
      for _, text in ipairs(info.notes) do note(text) end
      codes = codec:encode(samples, { whole = true })   -- the last, partly filled frame as well
    end
    local made <close> = fs.made("vqgan", { codec = codec:digest(), whole = true }, { overwrite = true })
    -- The codes of an earlier recording must not stay beside the sound of another one.
    if fs.resolve(beside) ~= input and is_own(beside) and made:drop(beside) then progress.log(beside .. " of an earlier run removed") end
    local count, notes
    made:make(args.output_path, { [given and "codes" or "sound"] = args.input_path }, function()
      count, notes = codec:decode_to(args.output_path, codes)   -- a stretch at a time: hours of sound fit
    end)
    for _, text in ipairs(notes) do note(text) end
    if not given then
      made:make(beside, { sound = args.input_path }, function() tensor.save_npy(beside, codes) end)
      progress.log(("codes: %d x %d -> %s"):format(codes:size(1), codes:size(2), beside))
    elseif fs.exists(beside) and fs.resolve(beside) ~= input then
      progress.log(("note: %s lies beside the sound and holds other codes"):format(beside))
    end
    progress.log(("sound: %.2f s -> %s"):format(count / codec.sample_rate, args.output_path))
    progress.result { output = args.output_path, seconds = count / codec.sample_rate, frames = codes:size(2) }
    return 0
  end,
}
