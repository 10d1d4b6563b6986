---@meta opah.plot
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Pictures of curves, points, counts and sound, drawn in the terminal or saved as SVG or PNG. `plot(t)` is `plot.line(t)`, and `plot.image(t)` for a matrix of many rows.
---@class opah.plot
local plot = {}

---Curves. `values` is a tensor [T], or [curves, T] with up to 8 rows; a list of numbers; a list of {x, y} pairs; or a table of any of these by name: `plot.line{train=a, held_out=b}`. `x` and `y` name the axes. What is not finite is left out.
---
---```lua
---curve = plot.line({ train = { 3, 2, 1.5 }, held_out = { 3.1, 2.4, 2.2 } }, { title = "loss", x = "step" })
---curve:save("loss.svg")
---```
---@param values Tensor|table
---@param opts? {title?: string, x?: string, y?: string} defaults: title = "", x = "", y = ""
---@return Picture
function plot.line(values, opts) end

---Points without lines. Two tensors [N] or lists of numbers are x and y; else `points` is a tensor [N, 2], a list of {x, y} pairs, or a table of up to 8 of these by name: `plot.scatter{alice={{0.5, 3}, {1.2, 7}}, bob={{0.7, 2}}}`. `x` and `y` of the options name the axes. What is not finite is left out.
---
---```lua
---seconds, loss = tensor.rand(50) * 10, tensor.rand(50)
---picture = plot.scatter(seconds, loss, { x = "seconds", y = "loss" })
---picture:save("loss-by-length.png")
---```
---@param x Tensor|number[]
---@param y Tensor|number[]
---@param opts? {title?: string, x?: string, y?: string} defaults: title = "", x = "", y = ""
---@return Picture
---@overload fun(points: Tensor|table, opts?: {title?: string, x?: string, y?: string}): Picture
function plot.scatter(x, y, opts) end

---How many of the values, a list or a tensor of any shape, lie in each of `bins` steps of equal width from `min` to `max` (the smallest and the largest value unless given). Unless given, the steps are as wide as Freedman and Diaconis advise, 5 to 100 of them. What lies outside or is not finite is left out, and the axis says how much. `tensor:histc` gives the counts.
---
---```lua
---picture = plot.histogram(tensor.randn(1000), { bins = 20, title = "noise", x = "value" })
---picture:save("noise.svg")
---```
---@param values Tensor|number[]
---@param opts? {bins?: integer, min?: number, max?: number, title?: string, x?: string, y?: string} defaults: title = "", x = "", y = ""
---@return Picture
function plot.histogram(values, opts) end

---A matrix as a picture, the first row on top, the lowest element dark and the highest light. For attention maps, codes, weights.
---
---```lua
---picture = plot.image(tensor.eye(16), { title = "attention", x = "from", y = "to" })
---picture:save("attention.svg")
---```
---@param matrix Tensor
---@param opts? {title?: string, x?: string, y?: string} defaults: title = "", x = "", y = ""
---@return Picture
function plot.image(matrix, opts) end

---The lowest and highest sample over time. `samples` is [T] or [channels, T] (their mean is drawn); `rate` is in Hz, or the info table of audio.load: `waveform(audio.load("a.wav"))`.
---
---```lua
---picture = plot.waveform(audio.load("data/Alice/4.80-7.20.wav"))
---picture:save("waveform.png")
---```
---@param samples Tensor
---@param rate? integer|table default 44100
---@param opts? {title?: string} defaults: title = ""
---@return Picture
function plot.waveform(samples, rate, opts) end

---The log-mel spectrogram, an 80 dB range. `samples` and `rate` as for waveform; at least 1025 samples.
---
---```lua
---picture = plot.spectrogram(audio.load("data/Alice/4.80-7.20.wav"))
---picture:save("spectrogram.svg")
---```
---@param samples Tensor
---@param rate? integer|table default 44100
---@param opts? {title?: string} defaults: title = ""
---@return Picture
function plot.spectrogram(samples, rate, opts) end

---Something to look at. `print` draws it in characters; the prompt shows it so.
---@class Picture
local Picture = {}

---The picture in lines of characters, as wide as the terminal unless `width` says otherwise. With `colour`, terminal colours are used.
---
---```lua
---print(plot.line({ 1, 3, 2 }):text { width = 40, height = 4 })
---```
---@param opts? {width?: integer, height?: integer, colour?: boolean} defaults: height = 14, colour = false
---@return string
function Picture:text(opts) end

---The picture as the text of an SVG file.
---
---```lua
---plot.line({ 1, 3, 2 }):svg():sub(1, 4)  --> "<svg"
---```
---@return string
function Picture:svg() end

---The bytes of a PNG file of that many pixels. Its letters are ASCII, drawn in pixels: accents are left out, other letters are boxes; SVG has all of them.
---
---```lua
---bytes = plot.line({ 1, 3, 2 }):png { width = 300, height = 200 }
---bytes:sub(2, 4)  --> "PNG"
---```
---@param opts? {width?: integer, height?: integer} defaults: width = 900, height = 400
---@return string
function Picture:png(opts) end

---Writes the picture as its file name says: .svg, .png or .txt.
---
---```lua
---plot.line({ 3, 1, 2 }):save("curve.svg")
---fs.exists("curve.svg")  --> true
---```
---@param path string
function Picture:save(path) end

return plot
