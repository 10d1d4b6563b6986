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

---Renames a file or folder, within one file system. A file that is there already is replaced.
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

return fs
