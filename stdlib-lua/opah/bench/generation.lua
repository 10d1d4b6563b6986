--- Generation: frames per second with weights of each form, one stream and four.
local lm, machine = require "opah.lm", require "opah.machine"
local floors = require "opah.bench.floors"

local bytes = { float32 = 4, bfloat16 = 2, int8 = 1 }

local function generate(form, streams)
  return function(bench)
    local model = lm.load(bench:fixture(form == "float32" and "float32" or "bfloat16"), { weights = form })
    local frames = bench.quick and 6 or 100
    -- Frames per second of all streams together, from the first step's end to the last's: without the prompt.
    local function run(count, seed)
      local told, first, last = 0, nil, nil
      model:generate {
        text = "The harbour is quiet today.", max_new_tokens = count, min_frames = count, num_samples = streams, seed = seed,
        on_frame = function()
          told = told + 1
          last = machine.now()
          if told == streams then first = last end
        end,
      }
      return (told - streams) / (last - first)
    end
    run(4, 1)
    bench:settle()
    local values = {}
    for i = 1, math.max(1, bench.repeats - 1) do values[i] = run(frames, i) end
    local cost = floors.generation(model.config, bytes[form], streams)
    return { values = values, cost = { bytes = cost.bytes / streams, flops = cost.flops / streams }, details = { frames = frames, streams = streams } }
  end
end

local near = { "fraction", ">=", 0.85 }
return {
  { name = "generate-float32", what = "generation, float32 weights, one stream", unit = "frames/s", run = generate("float32", 1), goals = { near } },
  { name = "generate-bf16", what = "generation, bf16 weights, one stream", unit = "frames/s", run = generate("bfloat16", 1), goals = { near } },
  { name = "generate-int8", what = "generation, int8 weights, one stream", unit = "frames/s", run = generate("int8", 1),
    goals = { near, { "measured", ">=", 18 } } },
  { name = "generate-4-streams", what = "generation, bf16 weights, four streams", unit = "frames/s", run = generate("bfloat16", 4), goals = { near } },
}
