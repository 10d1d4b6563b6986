--- Say how long a training step, or an extraction, takes on 1, 2, 4, ... machines: before you rent them.
-- opah run scaling --hosts 8 --network 1Gbit --latency 0.2ms
local recipe, scaling, progress = require "opah.recipe", require "opah.scaling", require "opah.progress"

-- Seconds on a two-core machine with the 1.4 model: of a row of 512 tokens, and of the optimizer with all weights.
local row_of_512, whole_row_of_512, whole_update = 8.3, 12.4, 1.5
-- An adapter r_8_alpha_16 of that model, and all of its weights, in bytes of float32.
local adapter_bytes, whole_bytes = 20e6, 2e9
-- Of one second of sound, extracted there; and bytes of a second of 44.1 kHz in 16 bits.
local second_seconds, sound_bytes = 0.019, 88200

local function train(args)
  local network, latency = scaling.network(args)
  local whole = args.all_weights
  local row_seconds = args.row_seconds or (whole and whole_row_of_512 or row_of_512) * args.tokens / 512
  local bytes = args.gradient_megabytes and args.gradient_megabytes * 1e6 or (whole and whole_bytes or adapter_bytes)
  local steps = scaling.steps({
    rows = args.rows, row_seconds = row_seconds, gradient_bytes = bytes, network = network, latency = latency,
    whole = whole,
    update_seconds = whole and not args.row_seconds and whole_update or 0,
  }, args.hosts, args.per_host)
  print(("%d rows %s of %d tokens, %.4g s each; %s of gradients %s; %.4g Gbit/s, %.4g ms"):format(args.rows,
    args.per_host and "per host and step" or "per step", args.tokens, row_seconds, progress.size(bytes),
    whole and "per host" or "per row", network / 1e9, latency * 1e3))
  for _, line in ipairs(scaling.lines(steps)) do print(line) end
  if not args.row_seconds then
    print("Seconds are those of a two-core machine. Of yours: `opah run train --dry-run --hosts N ...`, or --row-seconds.")
  end
  return { steps = steps }
end

local function extract(args)
  local network = scaling.network(args)
  print(("%.4g hours of sound, read from one server over %.4g Gbit/s"):format(args.audio_hours, network / 1e9))
  print("hosts   hours of extraction")
  local list = scaling.extractions({
    audio_hours = args.audio_hours, second_seconds = args.second_seconds or second_seconds,
    bytes_per_second = sound_bytes, network = network,
  }, args.hosts)
  for _, item in ipairs(list) do
    print(("%5d   %19.2f%s"):format(item.hosts, item.hours, item.full and "   the server's cable is full" or ""))
  end
  return { extraction = list }
end

return recipe {
  flags = {
    { "hosts", "integer", 8, "machines of one kind, at most", from = 1, to = 1024 },
    scaling.flags[1], scaling.flags[2],
    { "rows", "integer", 8, "rows of a training step, data.batch_size times trainer.accumulate_grad_batches", from = 1, to = 4096 },
    { "per-host", "boolean", false, "those rows are each machine's own: a step grows with the machines" },
    { "tokens", "integer", 512, "of a row, on average", from = 1, to = 1000000 },
    { "row-seconds", "number", nil, "what a row takes on one machine; told from --tokens unless given", from = 1e-6 },
    { "all-weights", "boolean", false, "all weights are trained instead of an adapter" },
    { "gradient-megabytes", "number", nil, "4 bytes for each trained number; 20 for an adapter, 2000 for all weights unless given", from = 1e-6 },
    { "audio-hours", "number", nil, "tell of extracting so many hours of sound (wav, 44.1 kHz) instead", from = 1e-3 },
    { "second-seconds", "number", nil, "what extracting a second of sound takes on one machine; 0.019 unless given", from = 1e-9 },
  },
  run = function(args)
    progress.result(args.audio_hours and extract(args) or train(args))
    return 0
  end,
}
