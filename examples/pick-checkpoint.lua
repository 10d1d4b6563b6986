--- Pick the earliest good checkpoint of a run by its loss on held-out clips, and hear it beside the first and last.
-- opah run examples/pick-checkpoint.lua --results results/my_voice --model checkpoints/fish-speech-1.4
-- needs: a finished run and its base model; without options, a short run on the example voices is made first
-- expect: a table of checkpoints with the picked one marked, the same sentences from each under auditions/
local opah = require "opah"
local callbacks, fs, lm = opah.callbacks, opah.fs, opah.lm
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "results", "folder", nil, "the folder of a run: results/P" },
    { "model", "folder", embedded.model, "the base model" },
    { "config-name", "string", embedded.codec_config, "the codec's configuration" },
    { "checkpoint-path", "file", embedded.codec_checkpoint, "the codec's weights" },
    { "output", "output", "out/pick-checkpoint", "the folder for auditions" },
    { "tolerance", "number", 0.05, "how much above the lowest loss is good enough, as a share" },
    { "text", "string", { "The harbour is quiet today." }, "what to say; may be given several times", multiple = true },
    { "max-new-tokens", "integer", 60, "frames per sentence at most" },
  },
  run = function(args)
    local results = args.results
    if not results then
      results = fs.join(args.output, "results/voice")
      opah.run(fs.join(opah.home, "examples/fine-tune.lua"), { "--output", args.output, "--max-steps", "80" })
    end

    local measured = callbacks.checkpoints(results)
    if #measured == 0 then error(fs.error("data", results .. " has no checkpoint at a validated step"), 0) end
    local pick = assert(callbacks.earliest_good(measured, args.tolerance))
    local overview = opah.tables { "step", "held-out loss", "picked" }
    for _, item in ipairs(measured) do overview:add { item.step, item.loss, item == pick and "<-" or "" } end
    print(overview:text())
    print(("picked: %s"):format(pick.path))

    -- The same sentences, the same seed: what differs is the checkpoint.
    local codec = opah.vq.load { config = args.config_name, checkpoint = args.checkpoint_path }
    local heard = {}
    for _, item in ipairs { measured[1], pick, measured[#measured] } do
      if not heard[item.path] then
        heard[item.path] = true
        local voice = callbacks.audition {
          model = lm.load(args.model, { lora = item.path }), codec = codec, sentences = args.text,
          folder = fs.join(args.output, "auditions"), generate = { max_new_tokens = args.max_new_tokens },
        }
        voice:on_checkpoint(item.path)
        print(("step %d: %s"):format(item.step, fs.dirname(voice.files[1])))
      end
    end
  end,
}
