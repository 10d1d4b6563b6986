for _, name in ipairs { "a", "b", "c" } do
  fs.mkdir(folder .. "/raw/花子")
  fs.write(folder .. "/raw/花子/" .. name .. ".wav", "sound of " .. name)
  fs.write(folder .. "/raw/花子/" .. name .. ".lab", "words of " .. name)
end
function graph_of(options)
  options = options or {}
  hooks = { on_clip = options.on_clip, on_pack = options.on_pack }     -- a global: not captured
  local resume, gain = options.resume, options.gain or 1
  local graph = opah.graph { folder = folder .. "/out" }
  local clips = graph:files(folder .. "/raw", { extension = ".wav" })
  local labels = graph:files(folder .. "/raw", { extension = ".lab" })
  local suffix = options.captured or "!"
  local upper = graph:each("upper", { over = clips, params = { gain = gain } }, function(input, output)
    if hooks.on_clip then hooks.on_clip(input) end
    fs.write(output .. ".txt", fs.read(input):upper() .. suffix)
  end)
  local packs = graph:stage("packs", { inputs = { clips = upper, labels = labels }, resume = resume }, function(inputs, output)
    if hooks.on_pack then hooks.on_pack(output) end
    local together, parts = graph:gather(inputs), {}
    for _, path in ipairs(fs.list(together, { recursive = true })) do parts[#parts + 1] = fs.read(path) end
    fs.write(output .. "/all.txt", table.concat(parts, "\n"))
  end)
  graph:stage("report", { inputs = { packs = packs } }, function(inputs, output)
    fs.write(output .. "/size", tostring(#fs.read(inputs.packs.path .. "/all.txt")))
  end)
  return graph
end
function run(options)
  local code, reports = graph_of(options):run()
  return reports, code
end
function made(reports)
  local parts = {}
  for _, name in ipairs { "upper", "packs", "report" } do
    if reports[name].made > 0 then parts[#parts + 1] = name .. (name == "upper" and " " .. reports[name].made or "") end
  end
  return table.concat(parts, ", ")
end
function expect(wanted, options)
  local reports, code = run(options)
  assert(made(reports) == wanted, ("made '%s', wanted '%s'"):format(made(reports), wanted))
  return reports, code
end
function packed() return fs.read(folder .. "/out/packs/all.txt") end
