--- Measure this machine, and what Opah makes of it: each figure with its floor, memory and spread.
-- opah run bench --only lora-512,encode --output bench.json
-- Models have random weights of the true size of 1.4. Each figure runs in a process of its own, between two measurements
-- of the machine's rates; the better of the two is what its floor stands on. A full run takes about ten minutes and 5 GB of
-- disk. --quick takes tiny shapes: to see that everything runs, not how fast.
-- The JSON: { opah, machine = { model, processors, threads, instruction_set, memory }, quick, load_average, figures, notes }.
-- Each of figures: { name, what, unit, values = [..], median, least, most, peak (bytes), rates = { before, after },
-- details = { numbers by name }, goal (text) } and, where there is a floor, floor and fraction; where there is a goal and not --quick, met;
-- one that failed has name, what, unit and error. Rates are FLOP/s and bytes/s. Names and units do not change.
local opah = require "opah"
local recipe = require "opah.recipe"
local config, fs, json, machine, progress = opah.config, opah.fs, opah.json, opah.machine, opah.progress

return recipe {
  flags = {
    { "only", "string", nil, "figures to measure, as in lora-512,encode; all unless given" },
    { "quick", "boolean", false, "tiny shapes" },
    { "repeats", "integer", 3, "how often each is measured; long ones less" },
    { "output", "path", nil, "write everything as JSON to this file, - for standard output" },
    { "folder", "path", nil, "where models and clips are made, and kept for the next time; a temporary folder unless given" },
    { "list", "boolean", false, "list the figures" },
    { "child", "string", nil, "measure this figure in this process (the bench starts itself with this)", hidden = true },
    { "make", "string", nil, "make this model or these clips (the bench starts itself with this)", hidden = true },
  },
  run = function(args)
    if args.repeats < 1 then config.usage_error("--repeats must be above 0") end
    if args.output and args.output ~= "-" and fs.exists(args.output) and fs.stat(args.output).size > 0 then
      local is_json, earlier = pcall(function() return json.decode(fs.read(args.output)) end)
      if not (is_json and type(earlier) == "table" and earlier.figures) then
        config.usage_error(args.output .. ": is there already, and is no result of this bench: choose another name, or move it")
      end
    end

    local figures, by_name = {}, {}
    for _, part in ipairs { "training", "codec", "generation", "files", "tensors" } do
      for _, figure in ipairs(require("opah.bench." .. part)) do
        figures[#figures + 1] = figure
        by_name[figure.name] = figure
      end
    end

    if args.list then
      for _, figure in ipairs(figures) do print(("%-20s %s"):format(figure.name, figure.what)) end
      return 0
    end
    if args.make then
      require("opah.bench.fixtures").make(args.make, args.folder, args.quick)
      return 0
    end
    if args.child then
      local measured = require("opah.bench.figure").measure(by_name[args.child], { quick = args.quick, folder = args.folder, repeats = args.repeats, script = arg[0] })
      print(json.encode(measured))
      return 0
    end

    local wanted = figures
    if args.only then
      wanted = {}
      for name in args.only:gmatch("[^,%s]+") do
        if not by_name[name] then config.usage_error(("there is no figure %s: --list names them"):format(name)) end
        wanted[#wanted + 1] = by_name[name]
      end
    end

    local folder = args.folder or fs.tempdir()
    local remover <close> = setmetatable({}, { __close = function() if not args.folder then fs.remove(folder, { recursive = true }) end end })
    fs.mkdir(folder)
    local cpu = machine.cpu()
    local load_average = machine.load_average()
    local report = {
      opah = opah.version, quick = args.quick, load_average = load_average, figures = {}, notes = {},
      machine = { model = cpu.model, processors = cpu.processors, threads = cpu.threads, instruction_set = cpu.instruction_set, memory = machine.memory().total },
    }

    do
      local bar <close> = progress.bar(#wanted, "bench")
      for i, figure in ipairs(wanted) do
        local arguments = { machine.program, "run", arg[0], "--child", figure.name, "--folder", folder, "--repeats", tostring(args.repeats) }
        if args.quick then arguments[#arguments + 1] = "--quick" end
        local done = machine.run(arguments)
        if done.exit_code == 0 then
          report.figures[i] = json.decode(done.output)
        else
          report.figures[i] = { name = figure.name, what = figure.what, unit = figure.unit, error = done.errors }
        end
        bar:step(1, { [figure.name] = report.figures[i].median })
      end
      bar:done()
    end

    local lines, failed = require "opah.bench.report" (report)
    if args.output then
      local text = json.encode(report, { indent = 2 }) .. "\n"
      if args.output == "-" then io.write(text) else fs.write(args.output, text) end
    end
    if args.output ~= "-" then
      for _, line in ipairs(lines) do print(line) end
    end
    return failed > 0 and 1 or 0
  end,
}
