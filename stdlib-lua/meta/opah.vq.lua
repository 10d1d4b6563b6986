---@meta opah.vq
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---The codec that turns sound into codes and back.
---@class opah.vq
local vq = {}

---A codec with the weights of a checkpoint (with or without `generator.` prefix and weight norm). `config` is firefly_gan_vq, a Lua or YAML file, or a table.
---@param opts {config?: string|table, checkpoint: string} defaults: config = "firefly_gan_vq"
---@return Codec
function vq.load(opts) end

---A codec with random weights: for tests and measurements.
---@param opts? {config?: string|table, seed?: integer} defaults: config = "firefly_gan_vq", seed = 0
---@return Codec
function vq.new(opts) end

---Writes the codes of every clip below `input` (or in a filelist) beside it as .npy. `on_progress(done, total, seconds)`. Returns `{extracted, present, audio_seconds, skipped={{path, reason, remedy}}, notes={{path, text}}}` in the order of the clips; one bad clip never stops the rest. Every thread takes whole clips, one at a time, through decoding, encoding and writing. `batch_size` is how many clips may be in memory at a time (more than threads never are); `num_workers` is accepted as the original's: `tensor.set_threads` says how many threads there are. The codes depend on neither.
---@param opts {input?: string, filelist?: string, codec: Codec, batch_size?: integer, num_workers?: integer, overwrite?: boolean, on_progress?: function} defaults: batch_size = 16, num_workers = 1, overwrite = false
---@return table
function vq.extract(opts) end

---A firefly GAN-VQ codec: sound to codes and back. Codes are int32 [C, T], values from 0.
---@class Codec
---@field sample_rate integer Hz that samples must have.
---@field hop_length integer Samples per mel frame.
---@field frame_rate number Frames of codes per second.
---@field num_codebooks integer Codes per frame.
---@field codebook_size integer Codes are below this.
local Codec = {}

---Codes int32 [C, T] of samples [N] at `sample_rate`, or a list of both; T = N / hop_length / 4, each division rounded down. `whole` also gives the last, partly filled frame. A clip is encoded alone, so a list gives what its clips give one by one; its clips share the threads.
---@param samples Tensor|Tensor[]
---@param opts? {whole?: boolean} defaults: whole = false
---@return Tensor|Tensor[]
function Codec:encode(samples, opts) end

---Samples [N] of codes [C, T], N = T * hop_length * 4.
---@param codes Tensor
---@return Tensor
function Codec:decode(codes) end

---Decodes codes [C, T] straight into a sound file (as `audio.save` writes it), a stretch at a time, so that memory does not grow with T. Gives the number of samples, and notes. The file appears when it is complete.
---@param path string
---@param codes Tensor
---@param opts? {subtype?: string}
---@return integer
---@return string[]
function Codec:decode_to(path, codes, opts) end

---What `seconds` of sound, or `frames` of codes, cost: `{encode_operations, decode_operations, encode_bytes, decode_bytes}`. Operations are those of the layers written out directly, a multiply-add counting as two; divided by the rate of matrix products they give the least time. Bytes are memory beyond the codec itself, per clip in work.
---
---```lua
---local vq = require "opah.vq"  -- vq.load{...}:cost{seconds=10}.encode_operations is 3.7e10
---```
---@param opts? {seconds?: number, frames?: integer} defaults: seconds = 1
---@return table
function Codec:cost(opts) end

---`{mel [n_mels, F], backbone [D, F], latents, codes}` of samples [N]: what the encoder computes on its way. Latents are the bounded values just before they are rounded.
---@param samples Tensor
---@return table
function Codec:features(samples) end

---Writes the weights under the original's names.
---@param path string
function Codec:save(path) end

return vq
