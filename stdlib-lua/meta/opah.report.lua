---@meta opah.report
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---One self-contained HTML page about a run: curves, spectrograms, sound, tables.
---@class opah.report
local report = {}

---Writes the page. `content` has a `title` and a list of blocks, each a table with one of: `heading="..."`, `text="..."`, `code="..."`, `curves={name={{x,y}, ...}}`, or plain numbers or a tensor [T] for y at x = 1, 2, ... (with `x`, `y` as axis labels), `table={{cell, ...}, ...}` (with `header={...}`), `spectrogram=samples` or `audio=samples` (samples [T] or [channels, T], their mean, with `sample_rate` in Hz and `label`), `picture=...` (what `plot` gives, the bytes of a PNG file, or the path of one). A Picture may also stand in the list by itself. The page needs no other file, is dark where the reader's machine is, and fits a phone.
---
---```lua
---local samples, info = audio.load("data/Alice/4.80-7.20.wav")
---report.html("report.html", {
---  title = "First run",
---  { heading = "Loss" }, { curves = { train = { 2.5, 2.1, 1.9 }, held_out = { { 1, 2.6 }, { 3, 2.0 } } }, x = "step" },
---  plot.histogram(samples, { title = "samples" }),
---  { heading = "Clip" }, { spectrogram = samples, sample_rate = info.sample_rate, label = "Alice" },
---  { table = { { "seconds", info.duration } }, header = { "what", "value" } },
---})
---fs.stat("report.html").size > 10000  --> true
---```
---@param path string
---@param content table
function report.html(path, content) end

return report
