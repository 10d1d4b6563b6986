--- A voice: a folder NAME.voice with voice.json, adapters, reference clips and a card.
--
-- It is a folder, not one file: what is in it are files of kinds whose readers are bounded and fuzzed already, adapters are
-- mapped and not copied, people can hear and read what they were given, and it goes to a model hub as it is (`zip -r` makes one
-- file of it). A folder of a stranger is believed in nothing: names in voice.json are plain names of files in the folder
-- itself, links are refused, sizes and digests are checked before a file is read, and everything has a limit.
--
-- voice.json: `{ format = "opah-voice", version = 1, name, speaker, role, languages = {...}, base = { digest, name, codebooks },
-- codec = { digest, sound, file, config } (see opah.voice.codec), adapters = { { file, scale, rank, alpha, step } }, references = { { text, codes, sound } },
-- generation = { temperature, ... }, statements = { licence, consent, provenance, author }, made_from = {...},
-- files = { [name] = { size, digest } } }`.
local checkpoint, fs, json, tensor = require "opah.checkpoint", require "opah.fs", require "opah.json", require "opah.tensor"
local progress = require "opah.progress"

local folder = { version = 1 }

-- Limits: larger than any voice that is one.
local most_manifest, most_files, most_bytes, most_text, most_frames = 1 << 20, 256, 64 << 30, 8192, 8192

--- How generation may be set, and between which numbers.
folder.generation = {
  { name = "temperature", default = 0.7, low = 0.01, high = 2 },
  { name = "top_p", default = 0.7, low = 0.01, high = 1 },
  { name = "repetition_penalty", default = 1.2, low = 0.1, high = 10 },
  { name = "chunk_length", default = 100, low = 1, high = 100000, whole = true },
  { name = "min_frames", default = 0, low = 0, high = 10000, whole = true },
}

--- What only a person can say; a voice names what nobody has said.
folder.statements = { "licence", "consent", "provenance", "author" }

--- Whether a text is a name that can stand in a path: letters of any language, digits, blanks, `-`, `_`, `.`; not first a dot.
function folder.is_name(name)
  if type(name) ~= "string" or #name == 0 or #name > 100 or not utf8.len(name) then return false end
  return not name:find("[%c/\\\127]") and not name:find("^[%.%-%s]") and not name:find("%s$")
end

--- What voice.json says, every part checked for its kind: nil and a list of all that is wrong when something is.
function folder.check(content)
  local wrong = {}
  local function bad(what) wrong[#wrong + 1] = what end
  local function text(value, what, optional)
    if value == nil and optional then return end
    if type(value) ~= "string" or not utf8.len(value) or #value > most_text then bad(what .. " is not a text of at most 8 kB") end
  end
  local function list(value, what, most)
    if value == nil then return {} end
    if type(value) ~= "table" or #value > most then
      bad(("%s is not a list of at most %d"):format(what, most))
      return {}
    end
    for key in pairs(value) do
      if math.type(key) ~= "integer" or key < 1 or key > #value then
        bad(what .. " is not a list")
        return {}
      end
    end
    return value
  end
  local function map(value, what, optional)
    if type(value) == "table" then return value end
    if value ~= nil or not optional then bad(what .. " is missing") end
    return {}
  end
  local function number(value, what, low, high, whole)
    if type(value) ~= "number" or not (value >= low and value <= high) or whole and math.tointeger(value) == nil then
      bad(("%s is not a%s number from %g to %g"):format(what, whole and " whole" or "", low, high))
    end
  end
  local function digest(value, what)
    if type(value) ~= "string" or not value:find("^%x+$") or #value ~= 32 then bad(what .. " is not a digest of 32 digits") end
  end

  if content.format ~= "opah-voice" then return nil, { "it is no voice: format is not opah-voice" } end
  if content.version ~= folder.version then
    return nil, { ("it has version %s, and this program reads version %d"):format(tostring(content.version):sub(1, 20), folder.version) }
  end
  if not folder.is_name(content.name) then bad("name is not a plain name") end
  text(content.speaker, "speaker", true)
  text(content.role, "role", true)
  for i, name in ipairs(list(content.languages, "languages", 64)) do text(name, "languages " .. i) end
  local base = map(content.base, "base")
  digest(base.digest, "base.digest")
  text(base.name, "base.name", true)
  if base.codebooks ~= nil then number(base.codebooks, "base.codebooks", 1, 64, true) end
  local codec = map(content.codec, "codec", true)
  if codec.digest ~= nil then digest(codec.digest, "codec.digest") end
  if codec.sound ~= nil then digest(codec.sound, "codec.sound") end

  local files, count, bytes = map(content.files, "files"), 0, 0
  for name, file in pairs(files) do
    count = count + 1
    if not folder.is_name(name) or name:find("^voice%.json$") then bad("files names what is no plain file: " .. tostring(name):sub(1, 60)) end
    if type(file) ~= "table" then bad("files: " .. tostring(name):sub(1, 60) .. " has no size and digest") else
      number(file.size, "files: the size of " .. tostring(name):sub(1, 60), 0, most_bytes, true)
      digest(file.digest, "files: the digest of " .. tostring(name):sub(1, 60))
      bytes = bytes + (math.tointeger(file.size) or 0)
    end
  end
  if count > most_files or bytes > most_bytes then bad(("files are more than %d, or more than 64 GB"):format(most_files)) end
  local function file(name, what, optional)
    if name == nil and optional then return end
    if type(name) ~= "string" or not files[name] then bad(what .. " is not among its files") end
  end
  if codec.file ~= nil then
    file(codec.file, "codec.file")
    digest(codec.digest, "codec.digest")
    digest(codec.sound, "codec.sound")
    map(codec.config, "codec.config")
  end
  for i, adapter in ipairs(list(content.adapters, "adapters", 16)) do
    adapter = map(adapter, "adapter " .. i)
    file(adapter.file, "adapter " .. i)
    number(adapter.scale, ("the scale of adapter %d"):format(i), -10, 10)
  end
  for i, reference in ipairs(list(content.references, "references", 64)) do
    reference = map(reference, "reference " .. i)
    text(reference.text, "the text of reference " .. i)
    file(reference.codes, "the codes of reference " .. i)
    file(reference.sound, "the sound of reference " .. i, true)
  end
  local generation = map(content.generation, "generation", true)
  for _, setting in ipairs(folder.generation) do
    if generation[setting.name] ~= nil then
      number(generation[setting.name], "generation." .. setting.name, setting.low, setting.high, setting.whole)
    end
  end
  local statements = map(content.statements, "statements", true)
  for _, name in ipairs(folder.statements) do text(statements[name], "statements." .. name, true) end
  map(content.made_from, "made_from", true)
  if #wrong > 0 then return nil, wrong end
  return content
end

local function refuse(path, what, hint)
  error(fs.error("data", ("%s: %s"):format(progress.name(path), progress.name(what)), hint or "get it again from where it came; nothing of it was used"), 0)
end

--- JSON's nulls are what is not there.
local function without_nulls(value)
  if value == json.null then return nil end
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = without_nulls(item) end
  return result
end

--- Reads voice.json of the folder at `path` and checks it, and that its files are what it says: an error names all that is
--- wrong. Gives `{ path, manifest }`.
function folder.open(path)
  local stat = fs.stat(path)
  if not stat then refuse(path, "there is no such voice", "give the path of a folder NAME.voice") end
  if stat.kind ~= "folder" then refuse(path, "this is not a folder, and a voice is one", "unpack it first if it is an archive") end
  local named = fs.join(path, "voice.json")
  local size = fs.stat(named)
  if not size or size.kind ~= "file" or fs.is_link(named) then
    refuse(path, "it has no voice.json: this is no voice", "`opah run voice pack NAME` makes one of a run")
  end
  if size.size > most_manifest then refuse(path, ("voice.json has %d bytes, and at most %d are read"):format(size.size, most_manifest)) end
  local ok, content = pcall(json.decode, fs.read(named))
  if not ok or type(content) ~= "table" then refuse(path, "voice.json is not JSON: " .. tostring(ok and "no object" or content.message)) end
  local manifest, wrong = folder.check(without_nulls(content))
  if not manifest then refuse(path, "voice.json: " .. table.concat(wrong, "; ")) end

  wrong = {}
  local names = {}
  for name in pairs(manifest.files) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local inside, said = fs.join(path, name), manifest.files[name]
    local found = fs.stat(inside)
    if fs.is_link(inside) then wrong[#wrong + 1] = name .. " is a link"
    elseif not found then wrong[#wrong + 1] = name .. " is missing"
    elseif found.kind ~= "file" then wrong[#wrong + 1] = name .. " is not a file"
    elseif found.size ~= said.size then wrong[#wrong + 1] = ("%s has %d bytes in place of %d"):format(name, found.size, said.size)
    elseif fs.digest(inside) ~= said.digest then wrong[#wrong + 1] = name .. " has other content than when the voice was packed" end
  end
  if #wrong > 0 then refuse(path, table.concat(wrong, "; ")) end
  return { path = path, manifest = manifest }
end

--- The codes of a reference, int32 [C, T]; an error when they are anything else.
function folder.codes(opened, reference)
  local path = fs.join(opened.path, reference.codes)
  local codes = tensor.load_npy(path)
  local wanted = opened.manifest.base.codebooks
  if codes:dim() ~= 2 or not codes:dtype():find("^u?int") then refuse(path, "these are no codes: whole numbers [codebooks, frames] are") end
  if wanted and codes:size(1) ~= wanted then refuse(path, ("there are %d codebooks, and voice.json says %d"):format(codes:size(1), wanted)) end
  if codes:size(2) == 0 or codes:size(2) > most_frames then refuse(path, ("%d frames are not a reference clip"):format(codes:size(2))) end
  if codes:min():item() < 0 or codes:max():item() > 65535 then refuse(path, "its codes are out of range") end
  return codes:to("int32")
end

--- What an adapter file says of itself; an error when it is none, or is for another base than the voice.
function folder.adapter(opened, adapter)
  local path = fs.join(opened.path, adapter.file)
  local told = checkpoint.load(path).opah_lora
  if type(told) ~= "table" or type(told.base_digest) ~= "string" then
    refuse(path, "this is no adapter that says what it was trained on")
  end
  if told.base_digest ~= opened.manifest.base.digest then
    refuse(path, "it was trained on another base model than voice.json says")
  end
  return told
end

--- Files in the folder that voice.json does not know, apart from cards for people.
function folder.strangers(opened)
  local list = {}
  for _, path in ipairs(fs.list(opened.path, { recursive = true })) do
    local name = fs.relative(path, opened.path)
    if not opened.manifest.files[name] and name ~= "voice.json" and not name:find("^README") and not name:find("^LICEN[CS]E") then
      list[#list + 1] = name
    end
  end
  return list
end

return folder
