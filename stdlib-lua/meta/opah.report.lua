---@meta opah.report
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---One self-contained HTML page about a run: curves, spectrograms, sound, tables.
---@class opah.report
local report = {}

---Writes the page. `content` has a `title` and a list of blocks, each a table with one of: `heading="..."`, `text="..."`, `code="..."`, `curves={name={{x,y}, ...}}` (with `x`, `y` as axis labels), `table={{cell, ...}, ...}` (with `header={...}`), `spectrogram=samples` or `audio=samples` (samples [T], with `sample_rate` in Hz and `label`).
---@param path string
---@param content table
function report.html(path, content) end

return report
