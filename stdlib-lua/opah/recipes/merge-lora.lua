--- Merge an adapter into its base model, and prove that the result says the same.
-- opah run merge-lora --lora-config r_8_alpha_16 --base-weight B --lora-weight W --output O
local recipe, lora, progress = require "opah.recipe", require "opah.lora", require "opah.progress"
local planning = require "opah.planning"

return recipe {
  flags = {
    { "lora-config", "string", nil,
      "rank and strength; what the file records unless given, r_8_alpha_16 for files that record nothing" },
    { "base-weight", "folder", "checkpoints/fish-speech-1.4", "the model that the adapter was trained on" },
    { "lora-weight", "file", nil, "the adapter: a checkpoint of a training run", required = true },
    { "output", "path", nil, "the folder for the merged model: new, empty, or that of an earlier merge", required = true },
    { "overwrite", "boolean", false, "write into the output folder even if it holds other things, replacing files of the same names" },
  },
  plan = function(args)
    local path, bytes = planning.weights(args.base_weight)
    return {
      -- The base is mapped, and merged matrices stand beside it until they are written.
      memory = planning.program + 2 * bytes, disk = bytes, folder = args.output,
      lines = { path .. ": " .. progress.size(bytes) },
    }
  end,
  run = function(args)
    local report = lora.merge_files {
      lora_config = args.lora_config, base_weight = args.base_weight, lora_weight = args.lora_weight, output = args.output,
      overwrite = args.overwrite,
    }
    for _, note in ipairs(report.notes) do progress.log("note: " .. note) end
    progress.log(("merged %d of %d tensors (rank %d, alpha %g) into %s")
      :format(report.changed, report.tensors, report.rank, report.lora_alpha, args.output))
    progress.log(("proof: merged and base+adapter logits differ by at most %.2g on the test batch")
      :format(report.max_logit_difference))
    progress.result { output = args.output, tensors = report.tensors, changed = report.changed, max_logit_difference = report.max_logit_difference }
    return 0
  end,
}
