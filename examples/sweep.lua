--- Try ranks and learning rates: a recipe for each pair, all run as a batch, the outcomes in one table.
-- opah run examples/sweep.lua --ranks 4 --ranks 8 --rates 1e-4 --rates 3e-4
-- needs: packs and a model; without options, the example voices and the tiny random model
-- expect: out/sweep/recipes/*.lua, and a table with the best held-out loss first. With --prepare the recipes are only
-- written; `opah batch out/sweep/recipes --jobs 2` runs them side by side, and this recipe then shows the table.
local opah = require "opah"
local fs, json, progress = opah.fs, opah.json, opah.progress
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "protos", "path", nil, "packs; unless given, those of the example voices" },
    { "model", "folder", embedded.model, "the base model" },
    { "output", "output", "out/sweep", "the folder for recipes and results" },
    { "ranks", "integer", { 2, 8 }, "ranks to try; may be given several times", multiple = true },
    { "rates", "number", { 0.003, 0.01 }, "learning rates to try; may be given several times", multiple = true },
    { "max-steps", "integer", 15, "steps of each run" },
    { "prepare", "boolean", false, "only write the recipes" },
  },
  run = function(args)
    fs.mkdir(args.output)
    local output = fs.resolve(args.output)                -- recipes work from any folder
    local protos = fs.resolve(args.protos or embedded.packs(output))
    local example = fs.join(opah.home, "examples/fine-tune.lua")

    -- One recipe per pair: a file that can be read, kept, changed, and run alone.
    local recipe = '--- Rank %d with a learning rate of %g.\nlocal run = require "opah.run"\nreturn run(%q, { %s })\n'
    local runs = {}
    for _, rank in ipairs(args.ranks) do
      for _, rate in ipairs(args.rates) do
        local name = ("rank-%d-rate-%g"):format(rank, rate)
        local run = { name = name, path = fs.join(output, "recipes", name .. ".lua"), folder = fs.join(output, name) }
        local arguments = {
          "--protos", protos, "--model", fs.resolve(args.model), "--output", run.folder, "--rank", tostring(rank),
          "--lr", tostring(rate), "--max-steps", tostring(args.max_steps),
        }
        fs.mkdir(fs.dirname(run.path))
        for i, argument in ipairs(arguments) do arguments[i] = ("%q"):format(argument) end
        fs.write(run.path, recipe:format(rank, rate, example, table.concat(arguments, ", ")))
        runs[#runs + 1] = run
      end
    end
    if args.prepare then
      print(("%d recipes in %s"):format(#runs, fs.join(args.output, "recipes")))
      return 0
    end

    local outcomes = opah.tables { "run", "rank", "rate", "step", "held-out loss" }
    for _, run in ipairs(runs) do
      local result = fs.join(run.folder, "result.json")
      if not fs.exists(result) then
        progress.log("== " .. run.name)
        opah.run(run.path)
      end
      local found = json.decode(fs.read(result))
      outcomes:add { run.name, found.rank, found.lr, found.step, found.loss }
    end
    outcomes:sort("held-out loss")
    print(outcomes:text())
    fs.write(fs.join(args.output, "sweep.md"), outcomes:markdown() .. "\n")
  end,
}
