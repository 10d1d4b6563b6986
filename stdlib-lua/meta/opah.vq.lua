---@meta opah.vq
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---The codec that turns sound into codes and back.
---@class opah.vq
local vq = {}

---A codec with the weights of a checkpoint (with or without `generator.` prefix and weight norm). `config` is firefly_gan_vq, a Lua or YAML file, or a table.
---
---```lua
---tiny = opah.home .. "/examples/checkpoints/tiny"
---codec = vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" }
---codec:encode(audio.load("data/Alice/4.80-7.20.wav")):shape()  --> {8, 62}
---```
---@param opts {config?: string|table, checkpoint: string} defaults: config = "firefly_gan_vq"
---@return Codec
function vq.load(opts) end

---A codec with random weights: for tests and measurements.
---
---```lua
---codec = vq.new { config = opah.embedded.codec_config, seed = 1 }
---codec:encode(tensor.zeros(4096)):shape()  --> {8, 2}
---```
---@param opts? {config?: string|table, seed?: integer} defaults: config = "firefly_gan_vq", seed = 0
---@return Codec
function vq.new(opts) end

---Writes the codes of every clip below `input` (or in a filelist) beside it as .npy. `on_progress(done, total, seconds)`. Returns `{extracted, present, remade, audio_seconds, skipped={{path, reason, remedy}}, notes={{path, text}}}` in the order of the clips; one bad clip never stops the rest. Codes that are there are made again when the recording's content or the codec changed: `remade` says how many and why. Those of which nothing tells what made them are kept, with a note, when they can be this codec's of a clip so long. Every thread takes whole clips, one at a time, through decoding, encoding and writing. `batch_size` is how many clips may be in memory at a time (more than threads never are); `num_workers` is accepted as the original's: `tensor.set_threads` says how many threads there are. The codes depend on neither. `shard` is a part of the clips, as in "3/16"; without it, several processes of one run (see `opah.dist`) share them by name, and each gets the report of all.
---
---```lua
---fs.mkdir("recordings/Alice")
---fs.copy("data/Alice/4.80-7.20.wav", "recordings/Alice/1.wav")
---report = vq.extract { input = "recordings", codec = opah.embedded.codec() }
---report.extracted, report.skipped, fs.exists("recordings/Alice/1.npy")  --> 1, {}, true
---```
---@param opts {input?: string, filelist?: string, codec: Codec, batch_size?: integer, num_workers?: integer, overwrite?: boolean, shard?: string, on_progress?: function} defaults: batch_size = 16, num_workers = 1, overwrite = false
---@return ExtractionReport
function vq.extract(opts) end

---A firefly GAN-VQ codec: sound to codes and back. Codes are int32 [C, T], values from 0.
---@class Codec
---@field sample_rate integer Hz that samples must have. `codec.sample_rate  --> 44100`
---@field hop_length integer Samples per mel frame. `codec.hop_length  --> 512`
---@field frame_rate number Frames of codes per second. `codec.frame_rate  --> 21.53...`
---@field num_codebooks integer Codes per frame. `codec.num_codebooks  --> 8`
---@field codebook_size integer Codes are below this. `codec.codebook_size  --> 1000`
---@field config table A copy of its settings: spec_transform, backbone, head, quantizer, as `vq.load` takes them. `codec.config.quantizer.levels  --> {8, 5, 5, 5}`
local Codec = {}

---Codes int32 [C, T] (values from 0) of samples [N], or a list of both; T = N / hop_length / 4, each division rounded down. Samples are at the codec's rate unless `sample_rate` (Hz) says otherwise: then they are resampled. `opts` may be that rate alone, or the info table of audio.load. `whole` also gives the last, partly filled frame. A clip is encoded alone, so a list gives what its clips give one by one; its clips share the threads.
---
---```lua
---codec = opah.embedded.codec()
---codes = codec:encode(audio.load("data/Alice/4.80-7.20.wav"))  -- 2.9 s
---codes:shape(), codes:dtype()  --> {8, 62}, "int32"
---```
---@param samples Tensor
---@param opts? integer|{sample_rate?: integer, whole?: boolean, [string]: any} defaults: whole = false
---@return Tensor
---@overload fun(self: Codec, samples: Tensor[], opts?: integer|{sample_rate?: integer, whole?: boolean, [string]: any}): Tensor[]
function Codec:encode(samples, opts) end

---Samples float32 [N] at `sample_rate` of codes [C, T], N = T * hop_length * 4. Codes are whole numbers as in the files; one that the codec does not have is an error.
---
---```lua
---codec = opah.embedded.codec()
---samples = codec:decode(tensor.zeros(8, 10, { dtype = "int32" }))
---audio.save("spoken.wav", samples, codec.sample_rate)
---#samples / codec.sample_rate  --> 0.46...
---```
---@param codes Tensor
---@return Tensor
function Codec:decode(codes) end

---Decodes codes [C, T] straight into a sound file (as `audio.save` writes it), a stretch at a time, so that memory does not grow with T. Gives the number of samples, and notes. The file appears when it is complete. A code that a model can say and the codec does not have (1000 to 1023 of 1000) is replaced by that of the nearest frame, with a note.
---
---```lua
---codec = opah.embedded.codec()
---codec:decode_to("spoken.flac", tensor.zeros(8, 10, { dtype = "int32" }))  --> 20480, {}
---```
---@param path string
---@param codes Tensor
---@param opts? {subtype?: string}
---@return integer
---@return string[]
function Codec:decode_to(path, codes, opts) end

---Decodes codes as they come, for playing while they are made: memory does not grow with their number.
---
---```lua
---codec = opah.embedded.codec()
---decoder = codec:decoder()
---#decoder:append(tensor.zeros(8, 3, { dtype = "int32" })), #decoder:append(tensor.zeros(8, 2, { dtype = "int32" }))  --> 6144, 4096
---```
---@return CodecDecoder
function Codec:decoder() end

---What `seconds` of sound, or `frames` of codes, cost: `{encode_operations, decode_operations, encode_bytes, decode_bytes}`. Operations are those of the layers written out directly, a multiply-add counting as two; divided by the rate of matrix products they give the least time. Bytes are memory beyond the codec itself, per clip in work.
---
---```lua
---codec = opah.embedded.codec()
---codec:cost { seconds = 10 }  --> {decode_bytes = ..., decode_operations = ..., encode_bytes = ..., encode_operations = 39322200.0}
---```
---@param opts? {seconds?: number, frames?: integer} defaults: seconds = 1
---@return CodecCost
function Codec:cost(opts) end

---`{mel [n_mels, F], backbone [D, F], latents [groups, quantizers, T, levels], codes [C, T]}` of samples [N] (resampled when `rate`, in Hz or the info table of audio.load, is not the codec's): what the encoder computes on its way, F = N / hop_length. Latents are the bounded values just before they are rounded; the codes include the last, partly filled frame.
---
---```lua
---codec = opah.embedded.codec()
---features = codec:features(audio.load("data/Alice/4.80-7.20.wav"))
---features.mel:shape(), features.latents:shape()  --> {32, 250}, {8, 1, 63, 4}
---```
---@param samples Tensor
---@param rate? integer|table
---@return CodecFeatures
function Codec:features(samples, rate) end

---32 hexadecimal digits that identify weights and configuration: codecs with the same digest give the same codes and the same sound.
---
---```lua
---codec = opah.embedded.codec()
---codec:digest() == vq.new({ config = opah.embedded.codec_config, seed = 1 }):digest()  --> false
---```
---@return string
function Codec:digest() end

---As digest, without what makes sound of codes: a codec whose vocoder has learned on (train-codec --keep-codes) has the one that it had, and goes with the same codes, packs, models and voices.
---
---```lua
---codec = opah.embedded.codec()
---codec:codes_digest() == codec:digest(), #codec:codes_digest()  --> false, 32
---```
---@return string
function Codec:codes_digest() end

---Writes the weights under the original's names.
---
---```lua
---codec = vq.new { config = opah.embedded.codec_config, seed = 1 }
---codec:save("random.pth")
---again = vq.load { config = opah.embedded.codec_config, checkpoint = "random.pth" }
---again:encode(tensor.zeros(4096)):equal(codec:encode(tensor.zeros(4096)))  --> true
---```
---@param path string
function Codec:save(path) end

---One sequence of codes on its way to sound, piece by piece.
---@class CodecDecoder
---@field stretch integer Frames that are decoded together. `opah.embedded.codec():decoder().stretch  --> 30`
local CodecDecoder = {}

---The samples float32 [N] of the next codes [C, T], N = T * hop_length * 4. All pieces together are what `codec:decode` gives, within 1e-5; and to the last bit when every piece but the last has a multiple of `stretch` frames.
---
---```lua
---codec = opah.embedded.codec()
---codes, decoder = tensor.zeros(8, 10, { dtype = "int32" }), codec:decoder()
---pieces = tensor.cat { decoder:append(codes[{ {}, { 1, 4 } }]), decoder:append(codes[{ {}, { 5, 10 } }]) }
---pieces:allclose(codec:decode(codes), { atol = 1e-5 })  --> true
---```
---@param codes Tensor
---@return Tensor
function CodecDecoder:append(codes) end

return vq
