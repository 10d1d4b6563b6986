---@meta opah.fs
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Files, folders and paths. Writes are atomic; nothing is removed or overwritten unless asked.
---@class opah.fs
local fs = {}

---Paths of the regular files in `dir`, sorted; hidden files and what systems leave behind are passed over. `extension` keeps one or several suffixes, in any case.
---
---```lua
---for _, path in ipairs(fs.list("data", { recursive = true, extension = ".wav" })) do print(path) end
---```
---@param dir string
---@param opts? {recursive?: boolean, extension?: string|string[]} defaults: recursive = false
---@return string[]
function fs.list(dir, opts) end

---Paths that match a shell pattern with `*`, `?`, `[...]` and `{a,b}`, sorted.
---@param pattern string
---@return string[]
function fs.glob(pattern) end

---`{size=, kind="file"|"folder"|"other", modified=}` (bytes; seconds since 1970), links followed; nil when there is nothing.
---@param path string
---@return table?
function fs.stat(path) end

---Whether there is a file or folder, links followed.
---@param path string
---@return boolean
function fs.exists(path) end

---Makes a folder and those above it; one that exists is fine.
---@param path string
function fs.mkdir(path) end

---Copies a file; the copy appears when it is complete.
---@param from string
---@param to string
function fs.copy(from, to) end

---Renames a file or folder, within one file system.
---@param from string
---@param to string
function fs.move(from, to) end

---Removes a file, a link or an empty folder; with `recursive` a folder and everything in it. Links are removed, never what they point to.
---@param path string
---@param opts? {recursive?: boolean} defaults: recursive = false
function fs.remove(path, opts) end

---A new folder for temporary files. The caller removes it.
---@return string
function fs.tempdir() end

---Parts of a path joined by `/`; a part that begins with `/` starts anew.
---
---```lua
---assert(fs.join("a", "b.wav") == "a/b.wav")
---```
---@param ... string
---@return string
function fs.join(...) end

---The path without its last part; `.` when there is only one.
---@param path string
---@return string
function fs.dirname(path) end

---The last part of the path, without `suffix` when it ends in it.
---@param path string
---@param suffix? string
---@return string
function fs.basename(path, suffix) end

---The whole file, as bytes.
---@param path string
---@return string
function fs.read(path) end

---32 hexadecimal digits that tell whether two files hold the same bytes (XXH3; against accidents, not against forgers).
---
---```lua
---assert(#fs.digest("data/Alice/0.00-2.10.lab") == 32)
---```
---@param path string
---@return string
function fs.digest(path) end

---Replaces the file in one step: a reader sees the old content or the new, never half.
---@param path string
---@param content string
function fs.write(path, content) end

---`path` as seen from `folder`, both as written; an error when it does not lie in it.
---@param path string
---@param folder string
---@return string
function fs.relative(path, folder) end

---The absolute path with links, `.` and `..` resolved; parts that do not exist are kept.
---@param path string
---@return string
function fs.resolve(path) end

---Whether one of the two is the other or lies in it, links resolved.
---@param a string
---@param b string
---@return boolean
function fs.overlap(a, b) end

---An error value for `error()`, with `kind`, `message` and `hint` as native errors have them.
---@param kind string
---@param message string
---@param hint? string
---@return any
function fs.error(kind, message, hint) end

return fs
