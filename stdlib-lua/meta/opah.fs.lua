---@meta opah.fs
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Files, folders and paths. Writes are atomic; nothing is removed or overwritten unless asked.
---@class opah.fs
local fs = {}

---Paths of the regular files in `dir`, sorted; hidden files and what systems leave behind are passed over. `extension` keeps one or several suffixes, in any case, with or without their dot.
---
---```lua
---fs.list("data", { recursive = true, extension = ".wav" })  --> {"data/Alice/4.80-7.20.wav", "data/ハナコ/4.00-6.30.wav"}
---#fs.list("data/Alice", { extension = { "mp3", "flac" } })  --> 7
---```
---@param dir string
---@param opts? {recursive?: boolean, extension?: string|string[]} defaults: recursive = false
---@return string[]
function fs.list(dir, opts) end

---Paths that match a shell pattern with `*`, `?`, `[...]` and `{a,b}`, sorted; none when nothing matches. `*` stays within one folder, and `**` is the same: `list` goes deeper.
---
---```lua
---fs.glob("data/*/*.{wav,flac}")[1]  --> "data/Alice/2.10-4.80.flac"
---```
---@param pattern string
---@return string[]
function fs.glob(pattern) end

---`{size=, kind="file"|"folder"|"other", modified=}` (bytes; seconds since 1970), links followed; nil when there is nothing.
---
---```lua
---fs.stat("data/Alice/0.00-2.10.lab").size  --> 41
---fs.stat("data").kind, fs.stat("nowhere")  --> "folder", nil
---```
---@param path string
---@return Stat?
function fs.stat(path) end

---Whether the last part of the path is a symbolic link, wherever that leads; writing to it as other programs do would write there.
---
---```lua
---fs.is_link("data"), fs.is_link("nowhere")  --> false, false
---```
---@param path string
---@return boolean
function fs.is_link(path) end

---Whether there is a file or folder, links followed.
---
---```lua
---fs.exists("data"), fs.exists("nowhere")  --> true, false
---```
---@param path string
---@return boolean
function fs.exists(path) end

---Makes a folder and those above it; one that exists is fine.
---
---```lua
---fs.mkdir("results/first/figures")
---fs.stat("results/first").kind  --> "folder"
---```
---@param path string
function fs.mkdir(path) end

---Copies a file to a file, replacing one that is there; the copy appears when it is complete.
---
---```lua
---fs.copy("data/Alice/0.00-2.10.lab", "greeting.lab")
---fs.read("greeting.lab")  --> "Good morning. The harbour is quiet today."
---```
---@param from string
---@param to string
function fs.copy(from, to) end

---Renames a file or folder. A file that is there already is replaced. A file may go to another file system, a folder not.
---
---```lua
---fs.write("draft.txt", "one")
---fs.move("draft.txt", "final.txt")
---fs.exists("draft.txt"), fs.read("final.txt")  --> false, "one"
---```
---@param from string
---@param to string
function fs.move(from, to) end

---Removes a file, a link or an empty folder; with `recursive` a folder and everything in it, but for the name `keep` directly in it, and then the folder stays. Links are removed, never what they point to.
---
---```lua
---fs.mkdir("scratch/a")
---fs.remove("scratch", { recursive = true })
---fs.exists("scratch")  --> false
---```
---@param path string
---@param opts? {recursive?: boolean, keep?: string} defaults: recursive = false
function fs.remove(path, opts) end

---A new folder for temporary files. The caller removes it.
---
---```lua
---local folder = fs.tempdir()
---fs.stat(folder).kind  --> "folder"
---fs.remove(folder, { recursive = true })
---```
---@return string
function fs.tempdir() end

---Parts of a path joined by `/`; a part that begins with `/` starts anew.
---
---```lua
---fs.join("data", "Alice", "b.wav"), fs.join("data", "/tmp")  --> "data/Alice/b.wav", "/tmp"
---```
---@param ... string
---@return string
function fs.join(...) end

---The path without its last part; `.` when there is only one.
---
---```lua
---fs.dirname("data/Alice/b.wav"), fs.dirname("b.wav")  --> "data/Alice", "."
---```
---@param path string
---@return string
function fs.dirname(path) end

---The last part of the path, without `suffix` when it ends in it.
---
---```lua
---fs.basename("data/Alice/b.wav"), fs.basename("data/Alice/b.wav", ".wav")  --> "b.wav", "b"
---```
---@param path string
---@param suffix? string
---@return string
function fs.basename(path, suffix) end

---The whole file, as bytes.
---
---```lua
---fs.read("data/Alice/0.00-2.10.lab")  --> "Good morning. The harbour is quiet today."
---```
---@param path string
---@return string
function fs.read(path) end

---32 hexadecimal digits that tell whether two files hold the same bytes (XXH3; against accidents, not against forgers).
---
---```lua
---fs.write("a.txt", "same")
---fs.write("b.txt", "same")
---fs.digest("a.txt") == fs.digest("b.txt"), #fs.digest("a.txt")  --> true, 32
---```
---@param path string
---@return string
function fs.digest(path) end

---Replaces the file in one step: a reader sees the old content or the new, never half. Its folder must exist.
---
---```lua
---fs.write("notes.txt", "step 10")
---fs.read("notes.txt")  --> "step 10"
---```
---@param path string
---@param content string
function fs.write(path, content) end

---For many small files: those that are written inside `group:add` and `group:record` get their names together, about once a second, after one sync of the disk for all of them instead of two for each. Until then nothing under their names has changed, so the code that writes them does not see them. Each is whole or not there, as always.
---
---```lua
---local group <close> = fs.group()
---for i = 1, 20 do
---  group:add("clip " .. i, function() fs.write(i .. ".txt", tostring(i)) end)
---end
---group:finish(), fs.read("20.txt")  --> {}, "20"
---```
---@return FileGroup
function fs.group() end

---Keeps track of what the files that `stage` makes were made from: content of inputs and `settings` (plain values by name), in `.opah-made.jsonl` beside them. A recipe asks it before it makes a file, so that a second run does nothing, and a changed input is never missed. `overwrite` makes everything again; `format` is raised when the stage comes to give something else for the same input. With `grouped` many small files get their names together (see `fs.group`), which costs one wait for the disk and not one for each.
---
---```lua
---local made <close> = fs.made("copy", { reversed = false })
---local function copy() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end
---made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, copy), made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, copy)  --> "made", "kept"
---```
---@param stage string
---@param settings? table
---@param opts? {overwrite?: boolean, format?: integer, grouped?: boolean} defaults: overwrite = false, format = 1, grouped = false
---@return MadeFiles
function fs.made(stage, settings, opts) end

---What stages wrote down about the files that they made in a folder (see `made`), by name: the stage, its settings, whether it is still being `made`, and paths and digests of what went in (`from`, by role) and came out (`to`, by name). Empty for a folder without a record.
---
---```lua
---local made <close> = fs.made("copy", { reversed = false })
---made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end)
---fs.origins(".")["one.lab"].stage, fs.origins(".")["one.lab"].from.label.path  --> "copy", "data/Alice/0.00-2.10.lab"
---fs.origins("data/Alice")  --> {}
---```
---@param folder string
---@return table<string, Origin>
function fs.origins(folder) end

---Text that is the same as long as a file was not written to (size, times of change, inode), without reading it; nil when there is no such file. Other stamps mean that the content must be looked at (`digest`). Second: whether the next write is sure to give another stamp, which it is not within a moment of the last one.
---
---```lua
---before = fs.stamp("data/Alice/0.00-2.10.lab")
---fs.stamp("data/Alice/0.00-2.10.lab") == before, fs.stamp("nowhere")  --> true, nil
---```
---@param path string
---@return string?
---@return boolean?
function fs.stamp(path) end

---Takes a folder for this program alone, and makes it when there is none. While another has it: an error that says who, since when, and what to do. `work` says what is done in it; locks of different `name` (a file in the folder) do not know each other. Freed at the end of its scope or of the program, also when that is killed.
---
---```lua
---local lock <close> = fs.lock("out/mine", "packing")
---select(2, pcall(fs.lock, "out/mine", "packing")).message   --> "out/mine: this program is at work here already (packing)"
---```
---@param folder string
---@param work? string default "a recipe"
---@param opts? {name?: string} defaults: name = ".lock"
---@return FolderLock
function fs.lock(folder, work, opts) end

---`path` as seen from `folder`, both as written; an error when it does not lie in it.
---
---```lua
---fs.relative("data/Alice/b.wav", "data")  --> "Alice/b.wav"
---```
---@param path string
---@param folder string
---@return string
function fs.relative(path, folder) end

---The absolute path with links, `.` and `..` resolved; parts that do not exist are kept.
---
---```lua
---fs.resolve("data/../new.wav")  --> "/.../new.wav"
---```
---@param path string
---@return string
function fs.resolve(path) end

---Whether one of the two is the other or lies in it, links resolved.
---
---```lua
---fs.overlap("data", "data/Alice"), fs.overlap("data", "data2")  --> true, false
---```
---@param a string
---@param b string
---@return boolean
function fs.overlap(a, b) end

---An error value for `error()`, with `kind`, `message` and `hint` as native errors have them. Kinds are argument, shape, dtype, index, gradient, file, format, unsafe, audio, text, checkpoint, config, data, interrupted, usage, exit, memory and lua. `usage` ends a recipe with exit code 2, `interrupted` with 130, `exit` with the code that is its message, others with 1.
---
---```lua
---local ok, problem = pcall(error, fs.error("file", "b.wav: too short", "record it again"))
---problem.kind, problem.message, problem.hint  --> "file", "b.wav: too short", "record it again"
---```
---@param kind string
---@param message string
---@param hint? string
---@return any
function fs.error(kind, message, hint) end

---Files that get their names together.
---@class FileGroup
local FileGroup = {}

---Runs `work` and gives its result; files that it writes (with `fs.write`, `fs.copy`, `audio.save`, `tensor.save_npy` and all others that write in one step) join the group. `owner`, such as the path of a clip, is who is told of by `finish` when one of them could not be given its name.
---
---```lua
---local group <close> = fs.group()
---group:add("a.wav", function() fs.write("a.txt", "one") return 3 end)  --> 3
---```
---@param owner string
---@param work fun(): any
---@return any
function FileGroup:add(owner, work) end

---As `add`, for files that say that something was done: they appear only when all that was added before them has, durably, and not at all when something of their owner's failed.
---
---```lua
---local group <close> = fs.group()
---group:add("a.wav", function() fs.write("a.txt", "one") end)
---group:record("a.wav", function() fs.write("a.done", "1 file") end)
---group:finish(), fs.read("a.done")  --> {}, "1 file"
---```
---@param owner string
---@param work fun(): any
---@return any
function FileGroup:record(owner, work) end

---Brings out what has joined, and gives `{ owner, problem }` for each owner of whom something failed.
---
---```lua
---local group <close> = fs.group()
---group:add("a.wav", function()
---  fs.write("taken", "a file")
---  fs.mkdir("taken")                    -- and now its name belongs to a folder
---end)
---group:finish()[1].owner  --> "a.wav"
---```
---@return table[]
function FileGroup:finish() end

---A folder that this program has for itself.
---@class FolderLock
---@field folder string As it was given to `fs.lock`. `lock.folder  --> "out"`
local FolderLock = {}

---Lets others in; also done at the end of its scope (`local lock <close> = ...`) and when the program ends.
---
---```lua
---local lock = fs.lock("out", "packing")
---fs.write("out/notes.txt", "mine alone")
---lock:release()
---fs.lock("out", "training"):release()
---```
function FolderLock:release() end

---Keeps track of what a stage's files were made from.
---@class MadeFiles
---@field remade string? How many outputs were made again and why, as in `remade 3 (input changed: 1, settings: 2)`; nil when none was. `made.remade  --> nil`
local MadeFiles = {}

---Makes `output` by calling `work` when it is not there, or was made from other content or with other settings: "made", "remade" or "kept". `inputs` are paths by role: `sound`, `label`, with more behind a colon: `["label:.txt"]`. Work that writes several files returns their paths (false when some are missing, so that the next run tries again), and `opts.present` says whether some lie there already; those that an earlier run wrote beside them go. A `copy` does not depend on the settings. What somebody else made, or changed by hand, is kept (see `notes`); when its input changed as well, or `opts.unless` gives a reason not to remake, that is an error. So is an error of `work`, after which the output counts as not made. `opts.owner` is who `bring_out` tells of, `output` unless given.
---
---```lua
---function quieter(factor)
---  local made <close> = fs.made("quieter", { factor = factor })
---  fs.mkdir("quiet")
---  return made:make("quiet/a.wav", { sound = "data/Alice/4.80-7.20.wav" }, function()
---    samples, info = audio.load("data/Alice/4.80-7.20.wav")
---    audio.save("quiet/a.wav", samples * factor, info.sample_rate)
---  end)
---end
---quieter(0.5), quieter(0.5), quieter(0.25)  --> "made", "kept", "remade"
---```
---@param output string
---@param inputs table<string, string>
---@param work fun(): string[]|boolean|nil
---@param opts? {copy?: boolean, present?: boolean, unless?: (fun(): string?), owner?: string} defaults: copy = false
---@return string
function MadeFiles:make(output, inputs, work, opts) end

---Gives the files of a grouped stage their names, as happens now and then by itself; `{ owner, problem }` for each owner of whom one could not be given its name, and that therefore counts as not made.
---
---```lua
---local made <close> = fs.made("copy", {}, { grouped = true })
---made:make("joint.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "joint.lab") end)
---fs.exists("joint.lab"), made:bring_out(), fs.exists("joint.lab")  --> false, {}, true
---```
---@return table[]
function MadeFiles:bring_out() end

---Removes what an earlier run made under this name, unless it was changed by hand. Says whether it did.
---
---```lua
---local made <close> = fs.made("copy")
---made:make("one.lab", { label = "data/Alice/0.00-2.10.lab" }, function() fs.copy("data/Alice/0.00-2.10.lab", "one.lab") end)
---made:drop("one.lab"), made:drop("one.lab"), fs.exists("one.lab")  --> true, false, false
---```
---@param output string
---@return boolean
function MadeFiles:drop(output) end

---What is worth knowing about outputs that were kept, one note for each kind: no record of what made them, changed by hand, and, in the folder `below`, made from what is no longer there. `noun` is what they are.
---
---```lua
---fs.write("other.lab", "from elsewhere")
---local made <close> = fs.made("copy")
---made:make("other.lab", { label = "data/Alice/0.00-2.10.lab" }, function() end)  --> "kept"
---made:notes("labels")[1].text                                                  --> "1 label has no record of what made it and is kept; --overwrite makes it again (other.lab)"
---```
---@param noun? string default "files"
---@param below? string
---@return Note[]
function MadeFiles:notes(noun, below) end

---Completes the records on the disk; also done at the end of its scope (`local made <close> = ...`).
---
---```lua
---local made = fs.made("copy")
---made:close()
---```
function MadeFiles:close() end

return fs
