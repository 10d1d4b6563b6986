--- The page of ranked transcripts: a table of the most doubtful clips, then each to be heard beside its text.
local audio, report, tables = require "opah.audio", require "opah.report", require "opah.tables"

local page = {}

-- Seconds of a clip that are put on the page, at most.
local heard = 30

--- The sound of a clip; nil when it cannot be played: it is ranked all the same.
local function sound(clip)
  local ok, samples, info = pcall(audio.load, clip.sound, { duration = heard })
  if ok then return samples, info.sample_rate end
  if type(samples) == "userdata" and samples.fatal then error(samples, 0) end
end

local meanings = {
  { "doubt", "deviations from the middle of the speaker's clips: the order of this page" },
  { "worst", "the share of what other clips' texts leave open of the sound that this text leaves open too, where it explains least; about 1 "
    .. "and more where other words are spoken" },
  { "at", "where that is, in seconds" },
  { "nll", "all that the text leaves open, in nats a code" },
  { "letters/s", "a pace far from the speaker's hints at missing or added words" },
}

--- Writes the page of `ranked`; `with` is `{ folder, model, adapter, top }`.
function page.write(path, ranked, with)
  local blocks = {
    title = "Transcripts by doubt",
    { text = ("%d clips of %s under %s%s, the most doubtful first. The text of a clip near the top may be another clip's, or miss or add words: "
      .. "listen, and correct the label or leave the clip out."):format(#ranked, with.folder, with.model,
      with.adapter and " with " .. with.adapter or "") },
  }
  local function add(block) blocks[#blocks + 1] = block end
  local figures = tables({ "rank", "doubt", "worst", "at", "nll", "letters/s", "clip" }, { digits = 3 })
  for rank = 1, math.min(with.top, #ranked) do
    local clip = ranked[rank]
    figures:add { rank, clip.doubt, clip.worst or "", clip.at or "", clip.nll, clip.pace, clip.path }
    add { heading = ("%d. “%s”"):format(rank, clip.text) }
    add { text = ("doubt %.2f%s; %.1f letters a second, %+.1f deviations from the speaker's"):format(clip.doubt,
      clip.at and (", most around %.1f s"):format(clip.at) or "", clip.pace, clip.pace_score or 0) }
    local samples, rate = nil, nil
    if clip.sound then samples, rate = sound(clip) end
    local name = ("%s, %.2f s"):format(clip.path, clip.seconds)
    add(samples and { audio = samples, sample_rate = rate, label = name } or { text = name })
  end
  add { heading = "Figures" }
  add(figures:block())
  add { table = meanings, header = { "figure", "meaning" } }
  report.html(path, blocks)
end

return page
