---@meta opah.data
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Clips on disk, packs of them, and the rows that a model is trained on. C codebooks, T tokens or frames, B rows.
---@class opah.data
local data = {}

---The clips below a folder, `{stem, audio, codes, labels={[".lab"]=path}, speaker}`, sorted by path: files whose names differ only in the suffix belong together, the folder's name is the speaker. With `audio` only those that have a recording. Second, what had to be left out: `{path, reason, remedy}`.
---
---```lua
---for _, clip in ipairs(data.scan("data", { audio = true })) do print(clip.audio, clip.labels[".lab"]) end
---```
---@param dir string
---@param opts? {recursive?: boolean, audio?: boolean} defaults: recursive = true, audio = false
---@return table[]
---@return table[]
function data.scan(dir, opts) end

---The clips in a list with lines `path|speaker|language|text`, paths as seen from the current folder: as `scan` gives them, with `text`.
---@param path string
---@return table[]
---@return table[]
function data.filelist(path) end

---Packs clips with codes and text below folders, or in filelists, into `output`/00000000.protos and so on; a new file is begun above `shard_size` MiB. `text_extension` is one suffix or several, `.lab` unless given. Packs of an earlier run in `output` are replaced, others are an error. `num_workers` changes nothing. Returns `{shards, groups, sentences, frames, skipped={{path, reason, remedy}}, notes={{path, text}}}`; one bad clip never stops the rest.
---@param opts {input: string|string[], output: string, text_extension?: string|string[], num_workers?: integer, shard_size?: number, num_codebooks?: integer, label_encoding?: string, on_progress?: fun(done: integer, total: integer)} defaults: num_workers = 16, shard_size = 10
---@return table
function data.pack(opts) end

---Iterates over the groups of a .protos file, or of all in a folder: `{source, name, sentences={{texts={...}, codes=int32 [C,T]}}}`.
---
---```lua
---for group in data.read("data/protos") do print(group.name, #group.sentences) end
---```
---@param path string
---@return function
function data.read(path) end

---One training row, tokens and labels, both int64 [1+C, T]: the texts joined into one turn, and their codes (each [C, frames], values as in the files; packed they are one more, 0 is padding). Labels are one step ahead, -100 where ignored. `skip_text` puts a placeholder for the text and ignores every label.
---@param opts {sentences: string[], codes: Tensor[], tokenizer: Tokenizer, speaker?: string, skip_text?: boolean, num_codebooks?: integer} defaults: skip_text = false
---@return Tensor
---@return Tensor
function data.pack_sentences(opts) end

---Rows `{tokens=[1+C,T], labels=[1+C,T]}` of any lengths as one batch `{inputs=[B,1+C,T], attention_masks=[B,T] (true = padding), labels=[B,1+C,T]}`, and how many tokens there are (`tokens`) and were cut off above `max_length` (`truncated`). `pad_id` fills up the text row; codes are filled with 0, labels with -100.
---@param rows table[]
---@param opts? {max_length?: integer, pad_id?: integer} defaults: pad_id = 0
---@return table
function data.collate(rows, opts) end

---Rows of at most `max_length` tokens from packs (files, folders, or patterns with `*` and `{a,b}`). `coverage` uses every clip once per pass, in shuffled order; `reference` is the original's rule, which reaches only part of a small dataset. `val_fraction` of the clips, told by their codes, are held out. `interactive_prob`: how often each clip has a turn of its own, instead of all texts in one; `use_speaker`: how often the speaker's name is the role; `skip_text_prob`: how often a turn has no text.
---@param opts {protos: string|string[], tokenizer: Tokenizer, max_length?: integer, sampler?: "coverage"|"reference", seed?: integer, val_fraction?: number, interactive_prob?: number, use_speaker?: boolean|number, skip_text_prob?: number, causal?: boolean, num_codebooks?: integer} defaults: max_length = 4096, sampler = "coverage", seed = 42, val_fraction = 0.05, interactive_prob = 0.7, use_speaker = false, skip_text_prob = 0, causal = true
---@return Dataset
function data.dataset(opts) end

---Rows to train on, held-out rows, and an account of what was used.
---@class Dataset
---@field clips integer Clips that are trained on.
---@field held_out integer Clips that are kept for validation.
---@field skipped table[] Clips that are never used, `{path, reason, remedy}`.
---@field digest string Identifies the clips and texts, in their order.
---@field max_length integer The longest row, in tokens.
---@field num_codebooks integer Codebooks in each row.
local Dataset = {}

---The next rows, as `data.collate` gives them.
---@param size integer
---@return table
function Dataset:batch(size) end

---Every held-out clip once, as batches of turns of their own: the same at each call.
---@param batch_size? integer default 8
---@return table[]
function Dataset:validation(batch_size) end

---What has been used: `{clips, seen, fewest, most, passes, rows_per_pass}`; `fewest` and `most` are how often a clip was used, passes only counts complete ones.
---@return table
function Dataset:coverage() end

---Where sampling stands: plain values, from which `set_state` goes on exactly there.
---@return table
function Dataset:state() end

---Goes on where `state` was taken, by a dataset of the same clips and settings.
---@param state table
function Dataset:set_state(state) end

return data
