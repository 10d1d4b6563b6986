--- Every fault that a dataset can have, and the list of those that one has.
--
-- An error means that the clip is left out of training, or stops it; a note does not.

---@class opah.doctor.Faults
---@field list table[] `{ code, file, what, remedy, severity }`.
local Faults = {}
Faults.__index = Faults

--- Code = { severity, remedy }. Those of the samples alone (`empty`, `silent`, `clipped`, ...) come from audio.check,
--- remedy included.
local catalogue = {
  -- Recordings
  ["unreadable"] = { "error", "convert it first: ffmpeg -i FILE out.wav" },
  ["low-snr"] = { "note", "record it again in a quieter room, or leave it out" },
  ["narrow-band"] = { "note", "look for the recording before it was compressed or sent over a telephone" },
  ["hum"] = { "note", "apply audio.high_pass(samples, rate, { cutoff = 80 }), and record away from mains cables" },
  ["reverberation"] = { "note", "record nearer to the microphone, in a room with curtains and carpets" },
  ["long-lead"] = { "note", "cut it: audio.trim, or opah run slice-audio" },
  ["long-tail"] = { "note", "cut it: audio.trim, or opah run slice-audio" },
  ["duplicate"] = { "note", "keep one of them: the same clip twice counts twice" },
  ["near-duplicate"] = { "note", "listen to both, and keep the better one" },
  ["too-long"] = { "error", "cut it first: opah run slice-audio" },
  -- Labels
  ["no-label"] = { "error", "write its words in a file of the same name with .lab, or leave it out" },
  ["bad-label"] = { "error", "save the label as UTF-8 text with the words that are spoken" },
  ["no-recording"] = { "note", "put the recording beside it, or remove the label" },
  ["control-token"] = { "note", "remove it: it is a command to the model, and is cut out when the clip is packed" },
  ["odd-character"] = { "note", "write what is spoken in its place" },
  ["markup"] = { "note", "remove it: tags are cut out when the clip is packed, the rest would be spoken" },
  ["mixed-script"] = { "note", "check the spelling: letters of different scripts look alike" },
  ["other-script"] = { "note", "check that the label belongs to this recording" },
  ["byte-split"] = { "note", "spell it out, or accept that the model knows it only byte by byte" },
  ["reading-twice"] = { "note", "keep the word or its reading: the brackets go, and both would be spoken" },
  ["no-reading"] = { "note", "add the word to the readings, or write it in kana" },
  ["speech-rate"] = { "note", "check that the label says all that is spoken, and nothing else" },
  ["same-text"] = { "note", "check that the label was not copied to the wrong clip" },
  ["same-speaker"] = { "note", "rename one if these are different people" },
  ["speaker-balance"] = { "note", "record more of this speaker, or train on the others alone" },
  -- Codes
  ["bad-codes"] = { "error", "extract it again: opah run extract-vq --overwrite" },
  ["code-range"] = { "error", "extract it again with the codec that is used for training" },
  ["codes-length"] = { "error", "the codes are of another recording: extract them again" },
  ["stale-codes"] = { "error", "run extract-vq again" },
  ["other-codec"] = { "error", "run extract-vq again, with the --checkpoint-path that the others had" },
  ["no-codes"] = { "note", "run extract-vq: the other clips have codes" },
  -- Packs and weights
  ["bad-pack"] = { "error", "pack it again: opah run build-dataset" },
  ["bad-weights"] = { "error", "get the file again from where it came from" },
  ["no-weights"] = { "error", "name the folder that opah run download wrote" },
}

--- An empty list.
---
---     found = faults()
---     found:add("no-label", "a.wav", "it has no label")
---     found.list[1].severity, found:of("a.wav")[1].code  --> "error", "no-label"
---@return opah.doctor.Faults
local function new() return setmetatable({ list = {}, files = {}, counts = {}, unusable = {} }, Faults) end

--- Adds a fault of a file. Remedy and severity are the catalogue's unless given.
---@param code string
---@param file string
---@param what string
---@param remedy? string
---@param severity? "error"|"note"
function Faults:add(code, file, what, remedy, severity)
  local known = catalogue[code]
  if not known and not severity then error("no fault is called " .. code, 2) end
  local fault = { code = code, file = file, what = what, remedy = remedy or known and known[2] or "",
    severity = severity or known[1] }
  self.list[#self.list + 1] = fault
  self.files[file] = self.files[file] or {}
  table.insert(self.files[file], fault)
  self.counts[code] = (self.counts[code] or 0) + 1
  if fault.severity == "error" then self.unusable[file] = true end
end

--- The faults of one file.
function Faults:of(file) return self.files[file] or {} end

--- Errors first, then by file in the order of the alphabet, then as they were found.
function Faults:sort()
  for i, fault in ipairs(self.list) do fault.number = i end
  table.sort(self.list, function(a, b)
    if a.severity ~= b.severity then return a.severity == "error" end
    if a.file ~= b.file then return a.file < b.file end
    return a.number < b.number
  end)
end

-- A note on more files than this is one row.
local most = 10

--- Rows of a table, `{ severity, code, file, what, remedy }`, in the list's order. A note that is the same of more than ten
--- files, such as a low rate, is one row with the first and how many more: else nothing else would be seen.
---
---     found = faults()
---     for i = 1, 12 do found:add("low-rate", i .. ".wav", "16 kHz", "", "note") end
---     found:rows()  --> {{"note", "low-rate", "1.wav and 11 more", "16 kHz", ""}}
---@return string[][]
function Faults:rows()
  local function key(fault) return fault.code .. "\0" .. fault.what .. "\0" .. fault.remedy end
  local count, rows, seen = {}, {}, {}
  for _, fault in ipairs(self.list) do count[key(fault)] = (count[key(fault)] or 0) + 1 end
  for _, fault in ipairs(self.list) do
    local same = key(fault)
    local joined = fault.severity == "note" and count[same] > most
    if not (joined and seen[same]) then
      local file = joined and ("%s and %d more"):format(fault.file, count[same] - 1) or fault.file
      rows[#rows + 1] = { fault.severity, fault.code, file, fault.what, fault.remedy }
    end
    seen[same] = true
  end
  return rows
end

return new
