--- Moves the files of clips that cannot be used out of a dataset, and back. Nothing is ever removed or replaced: a
-- list says what was where, and is written before the first file moves.
local fs, json, progress = require "opah.fs", require "opah.json", require "opah.progress"
local quarantine = {}

--- The list in the quarantine's folder: a line of JSON for each file, its path below the dataset (the same below the
--- quarantine).
quarantine.list = "quarantine.jsonl"

--- A path that stays below the folder it is joined to.
local function is_below(path)
  if type(path) ~= "string" or path == "" or path:sub(1, 1) == "/" or path:find("%z") then return false end
  for part in path:gmatch("[^/]+") do if part == ".." then return false end end
  return true
end

--- What the list holds, in order; lines that are none of ours are an error.
local function read(folder)
  local path, entries = fs.join(folder, quarantine.list), {}
  if not fs.exists(path) then return entries end
  local number = 0
  for line in fs.read(path):gmatch("[^\n]+") do
    number = number + 1
    local ok, entry = pcall(json.decode, line)
    if not ok or type(entry) ~= "table" or not is_below(entry.file) then
      error(fs.error("data", ("%s:%d: not a line of this list"):format(progress.name(path), number),
        "repair the line: {\"file\": \"SPEAKER/NAME.wav\"}"), 0)
    end
    entries[#entries + 1] = entry
  end
  return entries
end

local function write(folder, entries)
  local lines = {}
  for i, entry in ipairs(entries) do lines[i] = json.encode(entry) .. "\n" end
  fs.write(fs.join(folder, quarantine.list), table.concat(lines))
end

--- Moves one file, never onto another.
local function move(from, to)
  if fs.exists(to) or fs.is_link(to) then error(fs.error("file", progress.name(to) .. ": there is a file already",
    "move one of the two elsewhere"), 0) end
  fs.mkdir(fs.dirname(to))
  fs.move(from, to)
end

--- The files that belong to a clip, as data.scan gives it: what has to move with it.
---@return string[]
function quarantine.files(clip)
  local files = {}
  if clip.audio then files[1] = clip.audio end
  if clip.codes then files[#files + 1] = clip.codes end
  local labels = {}
  for _, path in pairs(clip.labels) do labels[#labels + 1] = path end
  table.sort(labels)
  return table.move(labels, 1, #labels, #files + 1, files)
end

--- An error when one folder is, or lies in, the other: what is moved would still be in the dataset.
---@param dataset string
---@param folder string
function quarantine.apart(dataset, folder)
  if fs.overlap(dataset, folder) then
    error(fs.error("argument", ("%s and %s overlap"):format(dataset, folder),
      "choose a folder beside the dataset for --quarantine"), 0)
  end
end

--- Moves the files of a clip, a list of `{ from, to }`, or none of them: a recording whose label stayed behind would be
--- lost to both folders. nil where all moved; else the one that could not be, and why.
local function move_all(files)
  for i, one in ipairs(files) do
    local ok, problem = pcall(move, one[1], one[2])
    if not ok then
      for k = i - 1, 1, -1 do
        local back, why = pcall(move, files[k][2], files[k][1])
        if not back then progress.warn(("%s stays in quarantine: %s"):format(progress.name(files[k][2]),
          (require "opah".error_text(why)))) end
      end
      return one[1], problem
    end
  end
end

--- Moves all files of the given clips from `dataset` to the same places below `folder`, each clip whole or not at all.
--- Returns how many files moved; `failed(path, problem)` is told of those that could not.
---@param dataset string
---@param folder string
---@param clips { files: string[], why: string }[]
---@param failed fun(path: string, problem: any)
---@return integer
function quarantine.move(dataset, folder, clips, failed)
  quarantine.apart(dataset, folder)
  local _ <close> = fs.lock(folder, "a quarantine")
  local entries, known, moves = read(folder), {}, {}
  for _, entry in ipairs(entries) do known[entry.file] = true end
  for i, clip in ipairs(clips) do
    moves[i] = {}
    for _, path in ipairs(clip.files) do
      local below = fs.relative(path, dataset)
      table.insert(moves[i], { path, fs.join(folder, below) })
      if not known[below] then entries[#entries + 1], known[below] = { file = below, why = clip.why }, true end
    end
  end
  -- A killed run leaves a list that says more than was moved: what is not there is passed over on the way back.
  if #moves > 0 then write(folder, entries) end
  local moved = 0
  for _, files in ipairs(moves) do
    local path, problem = move_all(files)
    if not path then
      moved = moved + #files
    else
      if type(problem) == "userdata" and problem.fatal then error(problem, 0) end
      failed(path, problem)
    end
  end
  return moved
end

--- Moves everything that the list names back below `dataset`, or of it what is in the set `only`. What stands in the way
--- stays in quarantine, and in the list.
---@param only? table<string, boolean> Names as the list has them.
---@return integer moved
function quarantine.restore(dataset, folder, failed, only)
  if not fs.exists(fs.join(folder, quarantine.list)) then
    error(fs.error("file", ("%s: there is no %s"):format(folder, quarantine.list),
      "name the folder that --quarantine filled"), 0)
  end
  local _ <close> = fs.lock(folder, "a quarantine")
  local left, moved = {}, 0
  for _, entry in ipairs(read(folder)) do
    local from, to = fs.join(folder, entry.file), fs.join(dataset, entry.file)
    if only and not only[entry.file] then
      left[#left + 1] = entry
    elseif fs.exists(from) then
      local ok, problem = pcall(function()
        -- A link in the dataset may lead out of it.
        local inside = fs.resolve(fs.dirname(to))
        local root = fs.resolve(dataset)
        if inside ~= root and inside:sub(1, #root + 1) ~= root .. "/" then
          error(fs.error("file", progress.name(to) .. ": a link leads out of " .. progress.name(dataset), "move it by hand"), 0)
        end
        move(from, to)
      end)
      if ok then moved = moved + 1
      else
        if type(problem) == "userdata" and problem.fatal then error(problem, 0) end
        failed(from, problem)
        left[#left + 1] = entry
      end
    elseif not fs.exists(to) then
      failed(from, "it is neither here nor in " .. dataset)
      left[#left + 1] = entry
    end
  end
  write(folder, left)
  return moved
end

return quarantine
