--- What is to be imported: which format a file or folder has, and all that its lists name, brought to one form.
local fs, names, progress = require "opah.fs", require "opah.import.names", require "opah.progress"

---@class opah.import.source
local source = {}

-- Asked in this order: the most particular first.
source.formats = {}
for i, name in ipairs { "kaldi", "textgrid", "srt", "hf", "ljspeech", "commonvoice", "vits", "audacity" } do
  source.formats[i] = require("opah.import.formats." .. name)
end

-- How archives begin, as far as they are sent around: zip, gzip, 7z, xz, bzip2, zstd, rar.
local archives = { "PK\3\4", "PK\5\6", "\x1F\x8B", "7z\xBC\xAF", "\xFD7zXZ", "BZh", "\x28\xB5\x2F\xFD", "Rar!" }

local function is_archive(path)
  if path:lower():find("%.tar$") then return true end
  local file <close> = io.open(path, "rb")
  local head = file and file:read(8) or ""
  for _, begin in ipairs(archives) do if head:sub(1, #begin) == begin then return true end end
  return false
end

--- The format and its lists; an error that says what was looked for when there is none.
---@param path string
---@param wanted string A format's name, or "auto".
---@return table format
---@return string[] lists
function source.find(path, wanted)
  local stat = fs.stat(path)
  if not stat then error(fs.error("file", progress.name(path) .. ": no such file or folder"), 0) end
  local looked = {}
  for _, format in ipairs(source.formats) do
    if wanted == "auto" or wanted == format.name then
      local lists = format.find(path, stat)
      -- A person who names the format of a file is believed.
      if not lists and wanted == format.name and stat.kind == "file" then lists = { path } end
      if lists then return format, lists end
      looked[#looked + 1] = ("  %-12s%s"):format(format.name, format.what)
    end
  end
  if stat.kind == "file" and is_archive(path) then
    error(fs.error("data", progress.name(path) .. ": this is an archive, and a corpus is a folder", "unpack it first"), 0)
  end
  error(fs.error("data", ("%s: nothing that import knows%s"):format(progress.name(path), wanted ~= "auto" and " as " .. wanted or ""),
    "it looks for\n" .. table.concat(looked, "\n")), 0)
end

--- The recording that belongs to a file of labels: the same name beside it, `chapter.en.srt` to `chapter.mp3` included.
local function beside(list)
  local stem, found = list:gsub("%.[^./]*$", ""), {}
  local folder = fs.dirname(list)
  while true do
    for _, path in ipairs(fs.list(folder)) do
      local suffix = path:match("%.%w+$")
      if suffix and names.is_sound(suffix) and fs.join(folder, fs.basename(path, suffix)) == fs.join(folder,
        fs.basename(stem)) then
        found[#found + 1] = path
      end
    end
    if #found > 0 then break end
    local shorter = stem:match("^(.*[^/])%.[^./]+$")
    if not shorter then break end
    stem = shorter
  end
  if #found == 1 then return found[1] end
  if #found > 1 then return nil, "several recordings have its name: " .. table.concat(found, ", ") end
  return nil, "no recording of the same name lies beside it"
end

--- A text on one line; "" when it says nothing.
local function tidy(text)
  text = (text or ""):gsub("%c", " "):gsub("\u{FEFF}", ""):gsub("\u{200B}", ""):gsub("%s+", " ")
  return text:match("^ ?(.-) ?$")
end

-- What aligners write where nobody speaks.
local silence = { sil = true, sp = true, spn = true, pau = true, ["<sil>"] = true, ["<p:>"] = true, ["<eps>"] = true }

--- All entries of the lists: `{ where, path, audio, id, speaker, text, first, last, problem, remedy }`; `path` is the
--- recording's, `audio` what the list calls it. And lists that could not be read: `{ path, problem }`.
---@param format table
---@param lists string[]
---@param root string SOURCE
---@param args table
---@return table[] entries
---@return table[] broken
function source.read(format, lists, root, args)
  local locator, entries, broken, found = require "opah.import.locate", {}, {}, {}
  local given = args.audio and fs.stat(args.audio)
  for _, list in ipairs(lists) do
    local ok, rows = pcall(format.read, list, args)
    if not ok then
      if type(rows) == "userdata" and rows.fatal then error(rows, 0) end
      broken[#broken + 1] = { path = list, problem = rows }
      rows = {}
    end
    local folder = fs.stat(list).kind == "folder" and list or fs.dirname(list)
    local locate = locator(folder, given and given.kind == "folder" and { args.audio } or nil,
      fs.stat(root).kind == "folder" and root or nil)
    local whole, reason
    if format.cuts then
      if given and given.kind == "file" then whole = args.audio
      elseif given then
        whole, reason = locate:find(names.stem((list:gsub("%.[^./]*$", ""))))
      else whole, reason = beside(list) end
      if not whole and ok then
        local hint = "name it: --audio FILE"
        broken[#broken + 1] = { path = list, problem = reason, remedy = hint }
        rows = {}
      end
    end
    for _, entry in ipairs(rows) do
      entry.text = tidy(entry.text)
      if format.cuts then
        if silence[entry.text:lower()] then entry.text = "" end
        entry.path, entry.audio = whole, whole
      elseif not entry.problem then
        local known = found[list .. "\0" .. entry.audio]
        if not known then
          known = { locate:find(entry.audio) }
          found[list .. "\0" .. entry.audio] = known
        end
        entry.path = known[1]
        if not known[1] then
          entry.problem = entry.audio == "" and known[2] or ("%s: %s"):format(entry.audio, known[2])
          if not given and entry.audio ~= "" then entry.remedy = "name the folder of the clips: --audio FOLDER" end
        end
      end
      entry.list = list
      entries[#entries + 1] = entry
    end
  end
  -- Without a speaker in the list, it is the one that the user names, else the folder below SOURCE, else SOURCE itself.
  local fallback = names.part(names.stem(fs.resolve(root):gsub("%.[^./]*$", ""))) or "speaker"
  for _, entry in ipairs(entries) do
    local speaker = args.speaker or entry.speaker
    if not speaker and format.cuts and entry.path and #lists > 1 and fs.stat(root).kind == "folder" then
      local within, below = pcall(fs.relative, entry.path, root)
      speaker = within and below:match("^([^/]+)/")
    end
    entry.speaker = names.part(speaker or fallback)
    if not entry.speaker then entry.problem = entry.problem or "its speaker's name is no name for a folder" end
  end
  return entries, broken
end

return source
