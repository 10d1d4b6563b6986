--- The page of an audition: a table of all checkpoints, then every sentence with all of them side by side. Sound and pictures
-- are the files beside it, so that it stays small (which opah.report, whose pages hold everything, could not); it needs nothing
-- from elsewhere.
local fs, html = require "opah.fs", require "opah.html"
local address, escape = html.address, html.escape

local page = {}

local style = [[
:root { color-scheme: light dark; --text: #111827; --dim: #4b5563; --back: #fff; --panel: #f3f4f6; --line: #e5e7eb; --good: #047857; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --text: #e5e7eb; --dim: #9ca3af; --back: #0f172a; --panel: #1e293b; --line: #334155; --good: #34d399; --bad: #f87171 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top; white-space: nowrap }
.row { display: flex; gap: .8rem; overflow-x: auto; padding-bottom: .6rem }
.take { flex: 0 0 19rem; background: var(--panel); border: 2px solid transparent; border-radius: 6px; padding: .6rem; font-size: .88rem }
.take b { font-size: 1rem } .take audio { width: 100%; display: block; margin: .4rem 0 } .take img { width: 100%; height: auto; display: block; background: #fff; border-radius: 4px }
.picked { border-color: var(--good) } .good { color: var(--good) } .bad { color: var(--bad) } .dim { color: var(--dim) }
]]

local function number(value, digits) return value and ("%." .. (digits or 3) .. "g"):format(value) or "" end

--- One take: a checkpoint's sentence, with a player and what was measured.
local function take(checkpoint, entry, picked)
  local is_picked = checkpoint.step == picked
  local lines = { ('<div class="take%s"><b>step %d</b>%s%s'):format(is_picked and " picked" or "", checkpoint.step,
    is_picked and ' <span class="good">picked</span>' or "", entry.ended and "" or ' <span class="bad">cut off</span>') }
  local folder = checkpoint.folder
  if entry.sound then
    lines[#lines + 1] = ('<audio controls preload="metadata" aria-label="step %d, %s" src="%s"></audio>')
      :format(checkpoint.step, escape(entry.text), address(fs.join(folder, entry.sound)))
    lines[#lines + 1] = ('<img loading="lazy" width="320" height="240" alt="spectrogram of step %d" src="%s">'):format(checkpoint.step,
      address(fs.join(folder, entry.picture)))
  else
    lines[#lines + 1] = "<div>no sound</div>"
  end
  lines[#lines + 1] = ("<div>%.2f s, %.2f of what was expected%s</div>"):format(entry.seconds, entry.ratio, entry.guessed and " (a guess)" or "")
  local more = { "repeated " .. number(entry.repetition, 2) }
  if entry.silence then more[#more + 1] = "silence " .. number(entry.silence, 2) end
  if entry.distance then more[#more + 1] = "distance " .. number(entry.distance, 3) end
  if entry.scored then more[#more + 1] = "score " .. number(entry.scored.value) end
  lines[#lines + 1] = ("<div class=dim>%s</div>"):format(table.concat(more, " · "))
  if entry.heard then
    lines[#lines + 1] = ("<div>heard: %s</div><div class=dim>%s%s character errors</div>"):format(escape(entry.heard.text),
      entry.heard.word_error and number(entry.heard.word_error, 2) .. " word errors · " or "", number(entry.heard.character_error, 2))
  end
  lines[#lines + 1] = "</div>"
  return table.concat(lines, "\n")
end

--- Writes the page: `content` is `{ title, notes, table, checkpoints = { { step, folder, spoken } }, picked }`, `table` of opah.tables.
function page.write(path, content)
  local out = { ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\n'
    .. "<title>%s</title><style>\n%s</style></head><body><main><h1>%s</h1>"):format(escape(content.title), style, escape(content.title)) }
  for _, line in ipairs(content.notes) do out[#out + 1] = ("<p>%s</p>"):format(escape(line)) end
  out[#out + 1] = '<div class="wide" role="group" aria-label="measures of all checkpoints" tabindex="0">' .. content.table:html() .. "</div>"
  local first = content.checkpoints[1]
  for place, asked in ipairs(first and first.spoken or {}) do
    out[#out + 1] = ("<h2>%s <span class=dim>seed %d</span></h2>\n<div class=\"row\" role=\"group\" aria-label=\"all checkpoints\" tabindex=\"0\">"):format(
      escape(asked.text), asked.seed)
    for _, checkpoint in ipairs(content.checkpoints) do
      local entry = checkpoint.spoken[place]
      if entry then out[#out + 1] = take(checkpoint, entry, content.picked) end
    end
    out[#out + 1] = "</div>"
  end
  out[#out + 1] = "</main></body></html>\n"
  fs.write(path, table.concat(out, "\n"))
end

return page
