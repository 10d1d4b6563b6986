local list = opah.help()
for _, path in ipairs(fs.list(opah.home .. "/stdlib-lua/opah", { extension = ".lua" })) do
  local name = fs.basename(path, ".lua")
  assert(list:find("opah." .. name .. " ", 1, true), "help() does not list " .. name)
  assert(#opah.help(name) > 60, name)
  local summary = list:match("opah%." .. name .. " +([^\n]*)")
  assert(summary:find("[.:]$"), "not a sentence: " .. summary)
end
for name, part in pairs {
  ["callbacks.early_stop"] = "callbacks.early_stop([options]) -> EarlyStop\n  Ends the run when",
  ["graph.each"] = "graph:each(name, spec, work)", ["graph.files"] = "graph:files(path [, options]) -> Node",
  ["opah.graph"] = "graph(options)", ["run"] = "run(name [, arguments]) -> integer", ["tables"] = "print(sweep:text())",
} do assert(opah.help(name):find(part, 1, true), opah.help(name)) end
assert(not pcall(opah.help, "graph.nothing"))
assert(not opah.help("graph"):find("declare(", 1, true), "a local function is nobody's business")
