--- Turn clips into codes and look at them: how many frames, and how much of each codebook a voice uses.
-- opah run examples/look-at-codes.lua --input data --config-name firefly_gan_vq --checkpoint-path F
-- needs: recordings and a codec; without options, the example voices and the tiny random codec
-- expect: one .npy of int32 [codebooks, frames] per clip, and a table with a line for each codebook
local opah = require "opah"
local audio, fs, tensor = opah.audio, opah.fs, opah.tensor
local embedded, recordings, stage_over = require "opah.embedded", require "opah.recordings", require "opah.stage"

return opah.recipe {
  flags = {
    { "input", "folder", embedded.speech, "the recordings" },
    { "output", "output", "out/look-at-codes", "the folder for the codes" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
  },
  run = function(args)
    local codec = opah.vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    print(("%d codebooks of %d codes, %.1f frames per second")
      :format(codec.num_codebooks, codec.codebook_size, codec.frame_rate))

    local clips, skipped = recordings.scan(args.input)
    local stage <close> = stage_over("codes", #clips)
    stage:add_skipped(skipped)
    local all = {}
    for _, clip in ipairs(clips) do
      stage:try(clip.audio, function()
        local samples = audio.load(clip.audio, { sample_rate = codec.sample_rate })
        local codes = codec:encode(samples)
        local target = fs.join(args.output, fs.relative(clip.stem, args.input) .. ".npy")
        fs.mkdir(fs.dirname(target))
        tensor.save_npy(target, codes)
        all[#all + 1] = codes
      end)
    end
    if #all == 0 then return stage:finish("clips have codes") end

    -- How often each code occurs, and how many bits a frame carries in each codebook.
    local together = tensor.cat(all, 2)
    local frames = together:size(2)
    local usage = opah.tables { "codebook", "codes used", "entropy (bits)", "most frequent", "its share" }
    for codebook = 1, codec.num_codebooks do
      local counts = {}
      for _, code in ipairs(together[codebook]:totable()) do counts[code] = (counts[code] or 0) + 1 end
      local used, entropy, most = 0, 0, nil
      for code, count in pairs(counts) do
        used, entropy = used + 1, entropy - count / frames * math.log(count / frames, 2)
        if not most or count > counts[most] or count == counts[most] and code < most then most = code end
      end
      usage:add { codebook, used, entropy, most, counts[most] / frames }
    end
    print(("%d clips, %d frames, %.1f s"):format(#all, frames, frames / codec.frame_rate))
    print(usage:text())
    print("the first four frames of the first clip:")
    print(all[1][{ {}, { 1, 4 } }])
    return stage:finish("clips have codes")
  end,
}
