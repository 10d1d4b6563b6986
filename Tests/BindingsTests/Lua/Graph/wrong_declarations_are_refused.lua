local graph = opah.graph { folder = folder .. "/x" }
local files = graph:files(folder .. "/raw", { extension = ".wav" })
local function nothing() end
fails("argument", "needs a folder", opah.graph, {})
fails("argument", "letters, digits", graph.stage, graph, "a/b", {}, nothing)
fails("argument", "no setting input", graph.stage, graph, "a", { input = {} }, nothing)
fails("argument", "by name", graph.stage, graph, "a", { inputs = { files } }, nothing)
fails("argument", "function that does the work", graph.stage, graph, "a", {})
fails("argument", "over is", graph.each, graph, "a", {}, nothing)
graph:each("a", { over = files }, nothing)
fails("argument", "two of that name", graph.stage, graph, "a", {}, nothing)
fails("data", "made no file", graph.run, graph)
fs.write(folder .. "/raw/花子/a.flac", "x")
local twice = opah.graph { folder = folder .. "/y" }
twice:each("a", { over = twice:files(folder .. "/raw", { extension = { ".wav", ".flac" } }) }, nothing)
fails("data", "would be one result", twice.run, twice)
