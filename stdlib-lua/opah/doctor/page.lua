--- The findings as a page: what there is, what is wrong, and each doubtful clip to look at and to hear. Its size is
-- bounded: so many clips, so many seconds of each, at 22 kHz.
local audio, fs, plot, report = require "opah.audio", require "opah.fs", require "opah.plot", require "opah.report"
local page = {}

local seconds, rate, rows = 8, 22050, 1000

--- The doubtful clips, worst first: errors, then most faults, then by name; those with a recording that can be heard.
local function doubtful(clips, found)
  local list = {}
  for _, clip in ipairs(clips) do
    if clip.info and #found:of(clip.file) > 0 then list[#list + 1] = clip end
  end
  table.sort(list, function(a, b)
    local x, y = found.unusable[a.file] and 1 or 0, found.unusable[b.file] and 1 or 0
    if x ~= y then return x > y end
    x, y = #found:of(a.file), #found:of(b.file)
    if x ~= y then return x > y end
    return a.file < b.file
  end)
  return list
end

--- Writes the page.
---@param path string
---@param title string
---@param clips table[]
---@param found opah.doctor.Faults
---@param facts { summary: string, speakers: any[][], kinds: any[][], limit: integer }
function page.write(path, title, clips, found, facts)
  local content = { title = title, { text = facts.summary } }
  local function add(block) content[#content + 1] = block end
  if #facts.kinds > 0 then
    add { heading = "What was found" }
    add { table = facts.kinds, header = { "code", "severity", "files", "remedy" } }
  end
  local lengths = {}
  for _, clip in ipairs(clips) do lengths[#lengths + 1] = clip.seconds end
  if #lengths > 1 then
    add { heading = "Lengths" }
    add(plot.histogram(lengths, { title = "clips by length", x = "seconds", y = "clips", min = 0 }))
  end
  if #facts.speakers > 0 then
    add { heading = "Speakers" }
    local cells = {}
    for i, row in ipairs(facts.speakers) do
      cells[i] = { row[1], row[2], ("%.1f"):format(row[3]), ("%.0f %%"):format(row[4]), row[5] > 0
        and ("%.1f"):format(row[5]) or "-" }
    end
    add { table = cells, header = { "speaker", "clips", "minutes", "share", "letters per second" } }
  end
  local list = doubtful(clips, found)
  if #list > 0 then
    add { heading = "Doubtful clips" }
    if #list > facts.limit then
      add { text = ("The %d worst of %d; --page-clips says how many, and the table below has all faults."):format(facts.limit, #list) }
    end
    for i = 1, math.min(#list, facts.limit) do
      local clip = list[i]
      add { heading = clip.file }
      local cells = {}
      for j, fault in ipairs(found:of(clip.file)) do
        cells[j] = { fault.severity, fault.code, fault.what, fault.remedy }
      end
      add { table = cells, header = { "severity", "code", "what", "remedy" } }
      if clip.text then add { text = clip.text } end
      local ok, samples, info = pcall(audio.load, clip.audio, { duration = seconds })
      if ok and #samples > 0 and samples:isfinite():all() and samples:abs():max():item() > 0 then
        local shown, at = samples, info.sample_rate
        if at > rate then shown, at = audio.resample(samples, at, rate), rate end
        local label = clip.seconds > seconds and ("the first %d of %.1f s"):format(seconds, clip.seconds)
          or ("%.2f s"):format(clip.seconds)
        add(plot.waveform(samples, info.sample_rate))
        add { spectrogram = samples, sample_rate = info.sample_rate, label = fs.basename(clip.file) }
        add { audio = shown, sample_rate = at, label = label }
      end
    end
  end
  if #found.list > 0 then
    add { heading = "All faults" }
    local all = found:rows()
    add { table = table.move(all, 1, math.min(#all, rows), 1, {}), header = { "severity", "code", "file", "what", "remedy" } }
    if #all > rows then add { text = ("and %d more, which the table on standard output has"):format(#all - rows) } end
  end
  report.html(path, content)
end

return page
