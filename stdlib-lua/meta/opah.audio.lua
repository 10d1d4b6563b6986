---@meta opah.audio
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Reading, writing, measuring and cutting sound. Samples are float32, [T] mono or [channels, T], full scale at 1.
---@class opah.audio
local audio = {}

---Samples [T], or [channels, T] with `mono=false`, and an info table `{sample_rate, source_rate, channels, frames, duration, format, subtype, notes}`. `sample_rate` (Hz) resamples; `offset` and `duration` are seconds. In the info, `sample_rate` is that of the samples; `source_rate`, `channels`, `frames` and `duration` (seconds) are those of what can be decoded of the whole file. Streams that were joined in one file are all read; where a header states more or less than there is, or sound is lost, `notes` say so. The content decides, not the suffix; mp3 is gapless; several channels become their mean. Other functions take the info as their rate: `audio.loudness(audio.load(path))`.
---
---```lua
---samples, info = audio.load("data/Alice/4.80-7.20.wav", { sample_rate = 44100, duration = 0.5 })
---samples:shape(), info.sample_rate, info.source_rate  --> {22050}, 44100, 16000
---```
---@param path string
---
---- `sample_rate`: Hz to resample to; the file's own unless set
---- `mono`: the mean of all channels; with false they stay apart
---- `offset`: seconds to leave out at the start
---- `duration`: seconds to read; to the end unless set
---@param opts? {sample_rate?: integer, mono?: boolean, offset?: number, duration?: number} defaults: mono = true, offset = 0.0
---@return Tensor
---@return AudioInfo
function audio.load(path, opts) end

---`{sample_rate, channels, frames, duration, format, subtype, notes}` (Hz, frames, seconds): what audio.load would give, told without decoding. Headers are checked against the file: every MPEG frame and Ogg page, the end of the rest.
---
---```lua
---audio.info("data/Alice/2.10-4.80.flac")  --> {channels = 1, duration = 3.63..., format = "FLAC", frames = 80252, notes = {}, sample_rate = 22050, subtype = "PCM_16"}
---```
---@param path string
---@return AudioInfo
function audio.info(path) end

---Writes samples [T] or [channels, T] as wav, flac, ogg, opus, mp3, aiff, au, caf or w64, told by the suffix; the file appears when it is complete. `sample_rate` is in Hz, or the info table of audio.load. `subtype` is pcm16 (the default), pcm24, pcm32, float, or what `info.subtype` said. `like`, an info table, instead asks for the coding of that file where the suffix can hold it, and for what comes nearest where it cannot: other samples, another rate (opus knows five), fewer channels, each with a note. Returns notes, such as how many samples did not fit.
---
---```lua
---samples, info = audio.load("data/Alice/4.80-7.20.wav")
---notes = audio.save("louder.wav", samples * 4, info)
---notes[1]  --> "... samples beyond ±1 were clipped ..."
---```
---@param path string
---@param samples Tensor
---@param sample_rate integer|table
---@param opts? {subtype?: string, like?: table}
---@return string[]
function audio.save(path, samples, sample_rate, opts) end

---Samples [T] as bare little-endian bytes: 16-bit integers (rounded, what is beyond ±1 cut off, NaN as 0), or floats of 16 or 32 bits.
---
---```lua
---audio.bytes(tensor.new { 0, 0.5, -2 }):byte(1, -1)  --> 0, 0, 0, 64, 0, 128
---```
---@param samples Tensor
---@param opts? {format?: "pcm16"|"float16"|"float32"} defaults: format = "pcm16"
---@return string
function audio.bytes(samples, opts) end

---Whether audio.save can write under this name, told by the suffix; mp2, m4a and webm, for example, it cannot.
---
---```lua
---audio.can_write("a.ogg"), audio.can_write("a.m4a")  --> true, false
---```
---@param path string
---@return boolean
function audio.can_write(path) end

---Samples [T] or [channels, T] at another rate (Hz), by windowed sinc (width 6, rolloff 0.99, Hann), as torchaudio's default: T * to_rate / from_rate of them, rounded up. `from_rate` may be the info table of audio.load.
---
---```lua
---samples, info = audio.load("data/Alice/4.80-7.20.wav")  -- 16 kHz
---#samples, #audio.resample(samples, info, 44100)  --> 46540, 128276
---```
---@param samples Tensor
---@param from_rate integer|table
---@param to_rate integer
---@return Tensor
function audio.resample(samples, from_rate, to_rate) end

---Samples [T] or [channels, T] without an offset and without what lies below `cutoff` (Hz, there 3 dB weaker): a Butterworth filter of second order, as scipy.signal.butter(2, cutoff, "highpass") designs it, that begins settled on the first sample. 20 leaves all of a voice; 60 to 80 also takes rumble and the hum of the mains. `rate` is in Hz, or the info table of audio.load. NaN is an error.
---
---```lua
---samples, info = audio.load("data/Alice/4.80-7.20.wav")
---shifted = samples + 0.1
---math.abs(shifted:mean():item()) > 0.05, math.abs(audio.high_pass(shifted, info):mean():item()) < 0.001  --> true, true
---```
---@param samples Tensor
---@param rate integer|table
---@param opts? {cutoff?: number} defaults: cutoff = 20
---@return Tensor
function audio.high_pass(samples, rate, opts) end

---Integrated loudness in LUFS (ITU-R BS.1770-4) of samples [T] or [channels, T]; -inf when everything lies under the gate. `rate` is in Hz, or the info table of audio.load; `block_size` is in seconds; what is shorter than one block is measured whole, without gates. NaN, more than six channels or under 4 kHz are errors.
---
---```lua
---audio.loudness(audio.load("data/Alice/4.80-7.20.wav"))  --> -20...
---```
---@param samples Tensor
---@param rate integer|table
---@param opts? {block_size?: number} defaults: block_size = 0.4
---@return number
function audio.loudness(samples, rate, opts) end

---Samples peak-normalised to `peak` dB, measured, then brought to `loudness` LUFS, and `{measured, gain, peak_before, peak_after, clipped, notes}`: `measured` is the LUFS that the samples had, `gain` the factor they were multiplied by, the peaks are shares of full scale. Silence stays; more than `max_gain` dB are never given, since what is so quiet is noise; where the gain would pass full scale it is lowered, so that nothing is cut off: `clipped` says how many samples that saved, `notes` in words. `rate` as for loudness.
---
---```lua
---samples, report = audio.normalize_loudness(audio.load("data/Alice/4.80-7.20.wav"))
---("%.1f"):format(audio.loudness(samples, 16000)), report.measured, report.clipped  --> "-23.0", -20..., 0
---```
---@param samples Tensor
---@param rate integer|table
---
---- `peak`: dB of full scale that the peak is brought to before measuring
---- `loudness`: LUFS to reach
---- `block_size`: seconds of a measuring block
---- `max_gain`: dB that are given at most; what needs more is noise
---@param opts? {peak?: number, loudness?: number, block_size?: number, max_gain?: number} defaults: peak = -1.0, loudness = -23.0, block_size = 0.4, max_gain = 30.0
---@return Tensor
---@return LevelReport
function audio.normalize_loudness(samples, rate, opts) end

---Natural logarithm of the Slaney mel magnitudes of samples [T]: float32 [n_mels, T / hop_length] (rounded down), as the codec sees them. Lengths are in samples. `opts` may be the rate alone (Hz), or the info table of audio.load.
---
---```lua
---mel = audio.log_mel(audio.load("data/Alice/4.80-7.20.wav"))
---mel:shape()  --> {160, 90}
---```
---@param samples Tensor
---@param opts integer|{sample_rate: integer, n_fft?: integer, hop_length?: integer, win_length?: integer, n_mels?: integer, [string]: any} defaults: n_fft = 2048, hop_length = 512, win_length = 2048, n_mels = 160
---@return Tensor
function audio.log_mel(samples, opts) end

---The Slaney mel filters that `log_mel` sums magnitudes with: float32 [n_mels, n_fft / 2 + 1], each of unit area over frequency in Hz.
---
---```lua
---filters = audio.mel_filters { sample_rate = 16000, n_fft = 640, n_mels = 80 }
---filters:shape()  --> {80, 321}
---```
---@param opts {sample_rate: integer, n_fft?: integer, n_mels?: integer} defaults: n_fft = 2048, n_mels = 160
---@return Tensor
function audio.mel_filters(opts) end

---Pieces of samples [T] or [channels, T], cut at silences, in order. "top_db" joins stretches of sound, with silence between them, until a piece lasts `min_duration`. "silence" cuts at the quietest frame of pauses that last long enough, and takes the middle out of long ones. An option of the other method is an error.
---
---```lua
---samples, info = audio.load("data/Alice/0.00-2.10.mp3")  -- 3 s
---pieces = audio.slice(samples, info, { min_duration = 0.5, max_duration = 1 })
---#pieces, #pieces[1] / info.sample_rate  --> 3, 0.88...
---```
---@param samples Tensor
---@param rate integer|table
---
---- `method`: what counts as silence: what lies below the loudest frame, or below a level
---- `min_duration`: seconds of sound that are collected for a piece (6.0 of top_db); seconds between cuts, at least (5.0 of silence)
---- `max_duration`: seconds; longer pieces are cut into equal parts (30.0 of top_db, 30.0 of silence)
---- `pad_silence`: seconds of silence between the stretches of a piece (0.4 of top_db)
---- `top_db`: dB below the loudest frame at which silence begins (60.0 of top_db); dB of full scale; what is below is silent (-40.0 of silence)
---- `frame_length`: samples of a frame (2048 of top_db)
---- `hop_length`: samples from frame to frame (512 of top_db)
---- `min_silence_duration`: seconds; shorter pauses are no place to cut (0.3 of silence)
---- `hop_milliseconds`: from frame to frame (10.0 of silence)
---- `max_silence_kept`: seconds of silence that stay at the ends of a piece, at most (0.5 of silence)
---- `merge_short`: join pieces up to max_duration (false of silence)
---@param opts? {method?: "top_db"|"silence", min_duration?: number, max_duration?: number, pad_silence?: number, top_db?: number, frame_length?: integer, hop_length?: integer, min_silence_duration?: number, hop_milliseconds?: number, max_silence_kept?: number, merge_short?: boolean} defaults: method = "top_db"
---@return Tensor[]
function audio.slice(samples, rate, opts) end

---Samples without the silence at both ends (what lies `top_db` dB below the loudest frame), and the first and last position that are left (1-based).
---
---```lua
---samples, info = audio.load("data/Alice/0.00-2.10.mp3")
---voice, first, last = audio.trim(samples, info, { top_db = 20 })
---#samples, first, last  --> 66816, 1025, 60416
---```
---@param samples Tensor
---@param rate integer|table
---@param opts? {top_db?: number} defaults: top_db = 60
---@return Tensor
---@return integer
---@return integer
function audio.trim(samples, rate, opts) end

---What is wrong with a clip, worst first: `{code, severity="error"|"note", reason, remedy}`; an empty list when nothing is. Pass the channels as recorded (`mono=false`).
---
---```lua
---quiet = tensor.zeros(100)
---audio.check(quiet, 44100)[1].reason  --> "2.27 ms are shorter than one token (46 ms)"
---```
---@param samples Tensor
---@param rate integer|table
---@return AudioFault[]
function audio.check(samples, rate) end

return audio
