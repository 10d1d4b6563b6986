---@meta opah.audio
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Reading, writing, measuring and cutting sound. Samples are float32, [T] mono or [channels, T], full scale at 1.
---@class opah.audio
local audio = {}

---Samples [T], or [channels, T] with `mono=false`, and `{sample_rate, channels, frames, duration, format, subtype, notes}`. `sample_rate` (Hz) resamples; `offset` and `duration` are in seconds. The content decides, not the suffix; mp3 is gapless; several channels become their mean.
---
---```lua
---local samples, info = audio.load(opah.home .. "/examples/data/Alice/0.00-2.10.mp3", { sample_rate = 16000 })
---```
---@param path string
---@param opts? {sample_rate?: integer, mono?: boolean, offset?: number, duration?: number} defaults: mono = true, offset = 0
---@return Tensor
---@return table
function audio.load(path, opts) end

---`{sample_rate, channels, frames, duration, format, subtype}` (Hz, frames, seconds) from the file's header.
---@param path string
---@return table
function audio.info(path) end

---Writes wav, flac, ogg or mp3, told by the suffix; the file appears when it is complete. `subtype` is pcm16 (the default), pcm24, pcm32, float, or what `info.subtype` said. Returns notes, such as how many samples did not fit.
---@param path string
---@param samples Tensor
---@param sample_rate integer
---@param opts? {subtype?: string}
---@return string[]
function audio.save(path, samples, sample_rate, opts) end

---Samples [T] or [channels, T] at another rate (Hz), by windowed sinc (width 6, rolloff 0.99, Hann), as torchaudio's default.
---
---```lua
---assert(#audio.resample(tensor.zeros(44100), 44100, 16000) == 16000)
---```
---@param samples Tensor
---@param from_rate integer
---@param to_rate integer
---@return Tensor
function audio.resample(samples, from_rate, to_rate) end

---Integrated loudness in LUFS (ITU-R BS.1770-4); -inf when everything lies under the gate. Shorter than one block is an error.
---@param samples Tensor
---@param rate integer
---@param opts? {block_size?: number} defaults: block_size = 0.4
---@return number
function audio.loudness(samples, rate, opts) end

---Peak-normalised to `peak` dB, measured, then brought to `loudness` LUFS, and `{measured, gain, peak_before, peak_after, notes}`. Silence stays; what would pass full scale is held below it and noted.
---@param samples Tensor
---@param rate integer
---@param opts? {peak?: number, loudness?: number, block_size?: number} defaults: peak = -1, loudness = -23, block_size = 0.4
---@return Tensor
---@return table
function audio.normalize_loudness(samples, rate, opts) end

---Natural logarithm of the Slaney mel magnitudes of samples [T]: float32 [n_mels, T / hop_length], as the codec sees them.
---@param samples Tensor
---@param opts {sample_rate: integer, n_fft?: integer, hop_length?: integer, win_length?: integer, n_mels?: integer} defaults: n_fft = 2048, hop_length = 512, win_length = 2048, n_mels = 160
---@return Tensor
function audio.log_mel(samples, opts) end

---Pieces of samples [T], cut at silences, in order. "top_db" counts as silent what lies `top_db` below the loudest frame; "silence" what lies below `top_db` of full scale for `min_silence_duration` seconds.
---@param samples Tensor
---@param rate integer
---@param opts? {method?: "top_db"|"silence", min_duration?: number, max_duration?: number, pad_silence?: number, top_db?: number, frame_length?: integer, hop_length?: integer, min_silence_duration?: number, hop_milliseconds?: number, max_silence_kept?: number, merge_short?: boolean} defaults: method = "top_db"
---@return Tensor[]
function audio.slice(samples, rate, opts) end

---Samples without the silence at both ends, and the first and last position that are left (1-based).
---@param samples Tensor
---@param rate integer
---@param opts? {top_db?: number} defaults: top_db = 60
---@return Tensor
---@return integer
---@return integer
function audio.trim(samples, rate, opts) end

---What is wrong with a clip, worst first: `{code, severity="error"|"note", reason, remedy}`. Pass the channels as recorded.
---@param samples Tensor
---@param rate integer
---@return table[]
function audio.check(samples, rate) end

return audio
