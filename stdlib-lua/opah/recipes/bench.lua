--- Measure this machine, and what Opah makes of it: each figure with its floor, memory and spread.
-- opah run bench --only lora-512,encode --output bench.json
-- Models have random weights of the true size of 1.4. Each figure runs in a process of its own, between two measurements
-- of the machine's rates; the better of the two is what its floor stands on. A full run takes about ten minutes and 5 GB of
-- disk. --quick takes tiny shapes: to see that everything runs, not how fast.
-- --against PYTHON has a Python with torch do the same work right after each figure that --list marks with T. What it
-- cannot do is said in a note (exit code 3), and the rest goes on. --beside measures those marked B also, in turn, while
-- another process computes on one of the processors; generation there with a single thread too.
-- The JSON: { opah, machine = { model, processors, threads, instruction_set, memory }, quick, load_average, figures, notes }.
-- Each of figures: { name, what, unit, values = [..], median, least, most, peak (bytes), rates = { before, after },
-- details = { numbers by name }, goal (text) } and, where there is a floor, floor and fraction; where there is a goal and
-- not --quick, met; one that failed has name, what, unit and error. Rates are FLOP/s and bytes/s. Names and units do not
-- change. With --against: against = { program, torch, python, threads } or { program, error }; for a figure against = [{
-- name, values, median, least, most, peak, ratio (how many times as fast Opah is), and where there is a goal for it goal
-- and met }], one that could not be measured with name and error. With --beside: beside = { processor }; for a figure
-- beside = { processor, values, median, share (of the quiet speed), goal, met } and for generation one_thread in it:
-- { values, median, ratio (of all threads' speed to one's), goal, met }.
local opah = require "opah"
local recipe = require "opah.recipe"
local config, fs, json, machine, progress = opah.config, opah.fs, opah.json, opah.machine, opah.progress
local own_files = require "opah.own_files"

-- All figures in the order of the report, and by name.
local function known_figures()
  local figures, by_name = {}, {}
  for _, part in ipairs { "training", "codec", "generation", "files", "tensors" } do
    for _, figure in ipairs(require("opah.bench." .. part)) do
      figures[#figures + 1] = figure
      by_name[figure.name] = figure
    end
  end
  return figures, by_name
end

local function choose(only, figures, by_name)
  if not only then return figures end
  local wanted = {}
  for name in only:gmatch("[^,%s]+") do
    if not by_name[name] then config.usage_error(("there is no figure %s: --list names them"):format(name)) end
    wanted[#wanted + 1] = by_name[name]
  end
  return wanted
end

-- The first has something of it.
local function any(figures, field)
  for _, figure in ipairs(figures) do if figure[field] then return true end end
  return false
end

local function competing(wanted)
  local beside = require "opah.bench.beside"
  if not any(wanted, "competes") then
    config.usage_error("--beside: none of these figures is measured beside another process; --list marks those that are")
  end
  local processor = beside.processor()
  local reason = beside.refused(processor)
  if reason then config.usage_error(("--beside: nothing can be bound to processor %d: %s"):format(processor, reason)) end
  return processor
end

local function comparing(args, wanted)
  if not any(wanted, "against") then
    config.usage_error("--against: none of these figures is compared with PyTorch; --list marks those that are")
  end
  local settings = { quick = args.quick, repeats = args.repeats, limit = args.against_limit }
  local began, result = pcall(require "opah.bench.against", args.against, settings)
  if began then return result end
  -- There is no such program.
  if type(result) ~= "string" and result.kind == "file" then config.usage_error("--against: " .. result.message) end
  error(result, 0)
end

-- A figure measured in a process of its own.
local function measure(figure, args, folder, processor)
  local arguments = { "run", arg[0], "--child", figure.name, "--folder", folder, "--repeats", tostring(args.repeats) }
  if args.quick then arguments[#arguments + 1] = "--quick" end
  if processor and figure.competes then
    arguments[#arguments + 1] = "--processor"
    arguments[#arguments + 1] = tostring(processor)
  end
  local done = require "opah.bench.processes".opah(table.unpack(arguments))
  if done.exit_code == 0 then return json.decode(done.output) end
  return { name = figure.name, what = figure.what, unit = figure.unit, error = done.errors }
end

return recipe {
  flags = {
    { "only", "string", nil, "figures to measure, as in lora-512,encode; all unless given" },
    { "quick", "boolean", false, "tiny shapes" },
    { "repeats", "integer", 3, "how often each is measured; long ones less" },
    { "against", "string", nil, "a Python that has torch, as in python3 or venv/bin/python, to do the same beside Opah" },
    { "against-limit", "number", 600, "seconds that it may take for one comparison", above = 0, to = 86400 },
    { "beside", "boolean", false, "measure also while another process computes on one of the processors" },
    { "output", "path", nil, "write everything as JSON to this file, - for standard output" },
    { "folder", "path", nil, "where models and clips are made, and kept for the next time; a temporary folder unless given" },
    { "list", "boolean", false, "list the figures; T: also in PyTorch with --against, B: also with --beside" },
    { "child", "string", nil, "measure this figure in this process (the bench starts itself with this)", hidden = true },
    { "processor", "integer", nil, "where such a process has a competitor", hidden = true },
    { "make", "string", nil, "make this model or these clips (the bench starts itself with this)", hidden = true },
  },
  run = function(args)
    if args.repeats < 1 then config.usage_error("--repeats must be above 0") end
    if args.output and args.output ~= "-" then own_files.json(args.output, "figures") end
    local figures, by_name = known_figures()
    if args.list then
      for _, figure in ipairs(figures) do
        local marks = (figure.against and "T" or " ") .. (figure.competes and "B" or " ")
        print(("%-18s  %s  %s"):format(figure.name, marks, figure.what))
      end
      return 0
    end
    if args.make then
      require("opah.bench.fixtures").make(args.make, args.folder, args.quick)
      return 0
    end
    if args.child then
      local measured = require("opah.bench.figure").measure(by_name[args.child], {
        quick = args.quick, folder = args.folder, repeats = args.repeats, script = arg[0], beside = args.processor,
      })
      print(json.encode(measured))
      return 0
    end

    local wanted = choose(args.only, figures, by_name)
    local processor = args.beside and competing(wanted) or nil
    local other = args.against and comparing(args, wanted) or nil
    local comparable = other and not other.about.error

    local folder = args.folder or fs.tempdir()
    local remover <close> = setmetatable({}, { __close = function() if not args.folder then fs.remove(folder, { recursive = true }) end end })
    fs.mkdir(folder)
    local cpu = machine.cpu()
    local report = {
      opah = opah.version, quick = args.quick, load_average = machine.load_average(), figures = {}, notes = {},
      machine = { model = cpu.model, processors = cpu.processors, threads = cpu.threads, instruction_set = cpu.instruction_set, memory = machine.memory().total },
      against = other and other.about, beside = processor and { processor = processor },
    }

    do
      local pieces = #wanted
      for _, figure in ipairs(wanted) do
        if comparable and figure.against then pieces = pieces + #figure.against(args.quick) end
      end
      local bar <close> = progress.bar(pieces, "bench")
      for i, figure in ipairs(wanted) do
        local measured = measure(figure, args, folder, processor)
        report.figures[i] = measured
        bar:step(1, { [figure.name] = measured.median, share = measured.beside and measured.beside.share })
        if comparable and figure.against then
          measured.against = other:compare(figure, measured, function(result)
            bar:step(1, { ["PyTorch"] = result.median, ratio = result.ratio })
          end)
        end
      end
      bar:done()
    end

    local lines, failed, left_out = require "opah.bench.report" (report)
    progress.result { figures = #wanted, failed = failed, not_compared = left_out }
    if args.output then
      local text = json.encode(report, { indent = 2 }) .. "\n"
      if args.output == "-" then io.write(text) else fs.write(args.output, text) end
    end
    if args.output ~= "-" then
      for _, line in ipairs(lines) do print(line) end
    end
    return failed > 0 and 1 or left_out > 0 and 3 or 0
  end,
}
