--- Choose a checkpoint of a run: the earliest whose every measure lies within a tolerance of the best one's, and say why.
-- opah run pick results/P
-- It judges what `opah run audition` measured, and the loss on held-out clips; without an audition the loss alone. The choice is
-- written to pick.json in the run's folder, which `opah run voice pack` takes.
local config, fs, json = require "opah.config", require "opah.fs", require "opah.json"
local progress, tables = require "opah.progress", require "opah.tables"
local choice, runs = require "opah.audition.choice", require "opah.audition.run"
local own_files, recipe = require "opah.own_files", require "opah.recipe"

local flags = {
  { "audition", "folder", nil, "where the audition was written to; RUN/audition unless given" },
  { "from-step", "integer", 0, "earlier checkpoints are not taken", from = 0 },
  { "score-is-better", "string", "high", "which end of the scorer's numbers is good", choices = { "high", "low" } },
  { "output", "path", nil, "the file for the choice; RUN/pick.json unless given" },
}
for _, measure in ipairs(choice.measures) do
  flags[#flags + 1] = {
    "tolerance-" .. measure.name:gsub("_", "-"), "number", measure.tolerance,
    ("how much worse than the best is good enough: %s%s"):format(measure.label, measure.relative and ", as a share of the best" or ""), from = 0,
  }
end
flags[#flags + 1] = { "ignore", "string", {}, "a measure that does not count, such as distance; may be given several times", multiple = true }

return recipe {
  positionals = { { "run", "folder", "the folder of a run: results/P" } },
  flags = flags,
  run = function(args)
    local measures, names, ignored = {}, {}, {}
    for _, name in ipairs(args.ignore) do ignored[name:gsub("-", "_")] = true end
    for _, measure in ipairs(choice.measures) do
      names[#names + 1] = measure.name
      local own = {}
      for key, value in pairs(measure) do own[key] = value end
      own.tolerance = args["tolerance_" .. measure.name]
      if measure.name == "score" then own.better = args.score_is_better end
      if not ignored[measure.name] then measures[#measures + 1] = own end
      ignored[measure.name] = nil
    end
    local unknown = next(ignored)
    if unknown then config.usage_error(("--ignore %s: there is no such measure, only %s"):format(unknown, table.concat(names, ", "))) end

    --- What the audition tells of each checkpoint, by step; empty when there was none.
    local function heard(folder)
      local path, by_step = fs.join(folder, "audition.json"), {}
      if not fs.exists(path) then return by_step, false end
      local ok, content = pcall(json.decode, fs.read(path))
      local whole = ok and type(content) == "table" and content.format == 1 and type(content.checkpoints) == "table"
      for _, item in ipairs(whole and content.checkpoints or {}) do
        whole = whole and type(item) == "table" and math.type(item.step) == "integer" and (item.measures == nil or type(item.measures) == "table")
        if whole then by_step[item.step] = item end
      end
      if not whole then
        error(fs.error("data", progress.name(path) .. ": this is not what an audition wrote",
          "run it again: opah run audition " .. args.run), 0)
      end
      return by_step, true
    end

    local run = runs.read(args.run)
    local by_step, was_heard = heard(args.audition or fs.join(args.run, "audition"))
    if args.audition and not was_heard then
      config.usage_error(("--audition: %s has no audition.json: no audition was written there"):format(args.audition))
    end

    -- A checkpoint that was replaced since its audition is not the one that was heard.
    local candidates, stale, unheard = {}, {}, {}
    for _, item in ipairs(run.checkpoints) do
      if item.step >= args.from_step then
        local told, measured = by_step[item.step], { loss = item.loss }
        if told and told.digest ~= fs.digest(item.path) then
          stale[#stale + 1], told = item.step, nil
        elseif was_heard and not told then
          unheard[#unheard + 1] = item.step
        end
        for name, value in pairs(told and told.measures or {}) do measured[name] = measured[name] or value end
        if (told or not was_heard) and next(measured) then
          candidates[#candidates + 1] = { step = item.step, path = item.path, measures = measured }
        end
      end
    end
    local function note(list, text)
      if #list > 0 then progress.warn(("steps %s: %s"):format(table.concat(list, ", "), text)) end
    end
    note(stale, "not judged: the checkpoint is another one than was heard; run the audition again")
    note(unheard, "not judged: the audition has not heard them; run it again")
    if #candidates == 0 then
      error(fs.error("data", args.run .. " has no checkpoint that was measured", "opah run audition " .. args.run .. " measures them"), 0)
    end
    if not was_heard then progress.log("note: there was no audition: the loss on held-out clips alone decides, and nobody has listened") end

    local picked, why = choice.pick(candidates, measures)
    assert(picked and why)
    local columns, header = {}, { "step" }
    for _, measure in ipairs(measures) do
      if why.best[measure.name] then columns[#columns + 1], header[#header + 1] = measure.name, measure.name end
    end
    if #columns == 0 then config.usage_error("--ignore leaves nothing to judge by") end
    header[#header + 1] = "picked"
    local overview = tables(header)
    for _, item in ipairs(candidates) do
      local row = { item.step }
      for _, name in ipairs(columns) do row[#row + 1] = item.measures[name] and item.measures[name] + 0.0 or "" end
      row[#row + 1] = item == picked and "<-" or ""
      overview:add(row)
    end
    print(overview:text())
    print(("picked: %s"):format(progress.name(picked.path, { output = true })))
    for _, reason in ipairs(why.reasons) do print("  " .. reason) end

    local tolerances = {}
    for _, measure in ipairs(measures) do tolerances[measure.name] = measure.tolerance end
    local path = args.output or fs.join(args.run, "pick.json")
    own_files.json(path, "reasons")
    fs.write(path, json.encode({
      format = 1, step = picked.step, checkpoint = fs.relative(picked.path, args.run), digest = fs.digest(picked.path), measures = picked.measures,
      reasons = why.reasons, within_all_tolerances = why.all_within, tolerances = tolerances, heard = was_heard, judged = why.judged,
    }, { indent = 2 }))
    progress.log(path)
    progress.result { step = picked.step, checkpoint = picked.path, reasons = why.reasons, file = path, within_all_tolerances = why.all_within }
    return #stale + #unheard > 0 and 3 or 0
  end,
}
