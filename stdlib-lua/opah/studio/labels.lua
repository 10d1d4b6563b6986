--- The label of a clip, as the page sees it and writes it: with a digest of the bytes, so that nobody's change is
-- overwritten.
local fs, text = require "opah.fs", require "opah.text"
local examining, loop = require "opah.doctor.clips", require "opah.serving.loop"
local trim = require "opah.trim"

local labels = {}

-- Bytes of a label that the page takes: a clip has a sentence or two.
local most = 65536

--- The bytes of a file and their digest; "" is the digest of no file.
local function bytes_of(path)
  if not fs.exists(path) then return nil, "" end
  if fs.stat(path).size > most then return nil, nil end
  local bytes = fs.read(path)
  return bytes, text.digest(bytes)
end

--- Where the label of a clip is, or would be written.
local function place(list, entry)
  local clip = entry.clip
  return examining.label_of(clip, list.with) or clip.stem .. list.with.text_extension[1]
end

--- `{ text, digest, file, problem }` of a clip; `file` as seen from the folder, `digest` nil for what cannot be edited
--- here.
function labels.read(list, entry)
  local path = place(list, entry)
  local label = { file = fs.relative(path, list.folder), text = "" }
  if fs.is_link(path) or not list:holds(fs.dirname(path) .. "/x") then
    label.problem = "the label is a link or lies behind one, and is left alone"
    return label
  end
  local ok, bytes, digest = pcall(bytes_of, path)
  if not ok then
    if bytes.fatal then error(bytes, 0) end
    label.problem = require "opah".error_text(bytes)
    return label
  end
  label.digest = digest
  if not digest then
    label.problem = ("the label has more than %d bytes"):format(most)
  elseif bytes then
    local read, line = pcall(text.read_label, path)
    if read then
      label.text = line
    else
      if line.fatal then error(line, 0) end
      label.problem = require "opah".error_text(line)
    end
  end
  return label
end

--- The label as it is on the disk now, for an edit by somebody who saw `digest`; a conflict when it is another by now.
function labels.current(list, entry, digest)
  local path = place(list, entry)
  local now = labels.read(list, entry)
  if not now.digest then loop.fail(409, now.problem, { code = "not_editable" }) end
  if now.digest ~= digest then return nil, now end
  return { path = path, bytes = bytes_of(path), digest = now.digest }
end

--- What a person typed as the text of a label: one line of UTF-8 with words.
function labels.check(line)
  if line:find("[%z\1-\31\127]") then
    loop.fail(400, "a label is one line of text, without control characters", { param = "text" })
  end
  line = trim(line)
  if #line > most // 2 then loop.fail(400, "the label is too long", { param = "text" }) end
  if not line:find("[%w\x80-\xFF]") then
    loop.fail(400, "a label has the words that are spoken: to leave the clip out, exclude it", { param = "text" })
  end
  return line
end

--- Writes the bytes of a label in one step, nil for no file; gives their digest.
function labels.write(path, bytes)
  if bytes then fs.write(path, bytes) else fs.remove(path) end
  return bytes and text.digest(bytes) or ""
end

return labels
