---@meta opah.data
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Clips on disk, packs of them, and the rows that a model is trained on. C codebooks, T tokens or frames, B rows.
---@class opah.data
local data = {}

---The clips below a folder, `{stem, audio, codes, labels={[".lab"]=path}, speaker}`, sorted by path: files whose names differ only in the suffix belong together, the folder's name is the speaker. With `audio` only those that have a recording. Second, what had to be left out: `{path, reason, remedy}`, recordings of a kind that cannot be read and a folder of files without any recording among them. Third, notes `{path, text}`: labels without a recording.
---
---```lua
---clips, skipped = data.scan("data/Alice", { audio = true })
---#clips, clips[1].audio, clips[1].labels  --> 8, "data/Alice/0.00-2.10.mp3", {[".lab"] = "data/Alice/0.00-2.10.lab"}
---```
---@param dir string
---@param opts? {recursive?: boolean, audio?: boolean} defaults: recursive = true, audio = false
---@return Clip[]
---@return Skipped[]
---@return Note[]
function data.scan(dir, opts) end

---The clips in a list with lines `path|speaker|language|text`, paths as seen from the current folder: as `scan` gives them, with `text`.
---
---```lua
---fs.write("clips.txt", "data/Alice/0.00-2.10.mp3|Alice|EN|Good morning.\n")
---clip = data.filelist("clips.txt")[1]
---clip.audio, clip.speaker, clip.text  --> "data/Alice/0.00-2.10.mp3", "Alice", "Good morning."
---```
---@param path string
---@return Clip[]
---@return Skipped[]
function data.filelist(path) end

---Packs clips with codes and text below folders, or in filelists, into `output`/00000000.protos and so on. Packs of an earlier run in `output` are replaced, others are an error. Returns `{shards, groups, speakers, sentences, frames, skipped={{path, reason, remedy}}, notes={{path, text}}}`; one bad clip never stops the rest. When more than half of the clips have no label nothing is packed, unless `allow_missing_labels`. Nothing to pack is an error that gives the reasons; `on_skipped` gets them in its place.
---
---```lua
---fs.mkdir("voices/Alice")
---for _, suffix in ipairs { ".wav", ".lab" } do fs.copy("data/Alice/4.80-7.20" .. suffix, "voices/Alice/1" .. suffix) end
---vq.extract { input = "voices", codec = opah.embedded.codec() }
---report = data.pack { input = "voices", output = "protos" }
---report.sentences, report.frames, report.shards  --> 1, 62, {"protos/00000000.protos"}
---```
---
---- `text_extension`: suffixes of labels, `.lab` unless given
---- `num_workers`: changes nothing
---- `shard_size`: MiB above which a new file is begun
---- `num_codebooks`: how many all codes have; as many as the first clip's unless set
---- `codebook_size`: what codes are below
---- `label_encoding`: of labels that are not UTF-8, as iconv names it: CP932
---- `allow_missing_labels`: pack the rest when most clips have no label
---@param opts {input: string|string[], output: string, text_extension?: string|string[], num_workers?: integer, shard_size?: number, num_codebooks?: integer, codebook_size?: integer, label_encoding?: string, allow_missing_labels?: boolean, on_skipped?: (fun(skipped: Skipped[])), on_progress?: (fun(done: integer, total: integer))} defaults: num_workers = 16, shard_size = 10.0, codebook_size = 1024, allow_missing_labels = false
---@return PackReport
function data.pack(opts) end

---Iterates over the groups of a .protos file, or of all in a folder: `{source, name, sentences={{texts={...}, codes=int32 [C,T]}}}`.
---
---```lua
---for group in data.read("data/protos") do print(group.name, #group.sentences, group.sentences[1].texts[1]) end
---first = data.read("data/protos")()
---first.name, first.sentences[1].codes:shape()  --> "SPK1", {8, 113}
---```
---@param path string
---@return fun(): PackedGroup?
function data.read(path) end

---One training row, tokens and labels, both int64 [1+C, T]: the texts joined into one turn, and their codes (each [C, frames], values as in the files; packed for 1.4 they are one more, 0 is padding). Labels are one step ahead, -100 where ignored. `skip_text` puts a placeholder for the text, and in 1.4 ignores every label. The tokenizer decides on the format.
---
---```lua
---tokens, labels = data.pack_sentences {
---  sentences = { "Hi" }, codes = { tensor.zeros(8, 2, { dtype = "int32" }) }, tokenizer = text.tokenizer(opah.embedded.model),
---}
---tokens:shape()       --> {9, 22}
---tokens[{ 2, -1 }]    --> 1
---```
---@param opts {sentences: string[], codes: Tensor[], tokenizer: Tokenizer, speaker?: string, skip_text?: boolean, num_codebooks?: integer} defaults: skip_text = false
---@return Tensor
---@return Tensor
function data.pack_sentences(opts) end

---Rows `{tokens=[1+C,T], labels=[1+C,T]}` of any lengths as one batch `{inputs=[B,1+C,T], attention_masks=[B,T] (true = padding), labels=[B,1+C,T]}`, and how many tokens there are (`tokens`) and were cut off above `max_length` (`truncated`). `pad_id` fills up the text row; codes are filled with 0, labels with -100.
---
---```lua
---function row(length) return tensor.ones(9, length, { dtype = "int64" }) end
---batch = data.collate { { tokens = row(3), labels = row(3) }, { tokens = row(5), labels = row(5) } }
---batch.inputs:shape()      --> {2, 9, 5}
---batch.attention_masks[1]  --> [false, false, false,  true,  true]
---```
---@param rows table[]
---@param opts? {max_length?: integer, pad_id?: integer} defaults: pad_id = 0
---@return Batch
function data.collate(rows, opts) end

---Rows of at most `max_length` tokens from packs (files, folders, or patterns with `*` and `{a,b}`). `coverage` uses every clip once per pass, in shuffled order; `reference` is the original's rule, which reaches only part of a small dataset. `val_fraction` of the clips, told by their codes, are held out (a few clips may give more or less than that).
---
---```lua
---ds = data.dataset {
---  protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), max_length = 512, val_fraction = 0.2,
---}
---ds.clips, ds.held_out, ds:batch(2).inputs:shape()  --> 3, 3, {2, 9, 120}
---```
---
---- `max_length`: tokens of a row, at most [train_dataset.max_length]
---- `sampler`: every clip once per pass, or the rule of the original [train_dataset.sampler]
---- `seed`: of what is drawn [seed]
---- `val_fraction`: of the clips, held out for validation [train_dataset.val_fraction]
---- `val_by`: what clips are told by when some are held out: text keeps all clips of one text on one side, as copies need it [train_dataset.val_by]
---- `interactive_prob`: how often each clip has a turn of its own, instead of all texts in one [train_dataset.interactive_prob]
---- `use_speaker`: how often the name of the speaker is the role; true is 1 [train_dataset.use_speaker]
---- `skip_text_prob`: how often a turn has no text [train_dataset.skip_text_prob]
---- `corrupt_prob`: how often a frame to train on is another clip's, so that the text is heeded more; with few clips 0.15 helps [train_dataset.corrupt_prob]
---- `causal`: of the sampler reference: consecutive clips, or any [train_dataset.causal]
---- `num_codebooks`: how many to keep; all that the packs hold unless set
---- `codebook_size`: clips with a code of this or above are left out (see `skipped`)
---@param opts {protos: string|string[], tokenizer: Tokenizer, max_length?: integer, sampler?: "coverage"|"reference", seed?: integer, val_fraction?: number, val_by?: "codes"|"text", interactive_prob?: number, use_speaker?: boolean|number, skip_text_prob?: number, corrupt_prob?: number, causal?: boolean, num_codebooks?: integer, codebook_size?: integer} defaults: max_length = 4096, sampler = "coverage", seed = 42, val_fraction = 0.05, val_by = "codes", interactive_prob = 0.7, use_speaker = false, skip_text_prob = 0.0, corrupt_prob = 0.0, causal = true
---@return Dataset
function data.dataset(opts) end

---Rows to train on, held-out rows, and an account of what was used.
---@class Dataset
---@field clips integer Clips that are trained on. `ds.clips  --> 2`
---@field held_out integer Clips that are kept for validation. `ds.held_out  --> 4`
---@field skipped table[] Clips that are never used, `{path, reason, remedy}`. `ds.skipped[1].reason  --> "191 tokens do not fit in max_length 100"`
---@field digest string Identifies the clips and texts, in their order: 32 hexadecimal digits. `ds.digest  --> "67ac23c820b4610298b6ce409ca89ef3"`
---@field max_length integer The longest row, in tokens. `ds.max_length  --> 512`
---@field num_codebooks integer Codebooks in each row. `ds.num_codebooks  --> 8`
local Dataset = {}

---The next `size` rows as one batch, as `data.collate` gives it; after the last row of a pass the next pass begins.
---
---```lua
---ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
---batch = ds:batch(2)
---batch.inputs:shape(), batch.tokens  --> {2, 9, ...}, ...
---```
---@param size integer
---@return Batch
function Dataset:batch(size) end

---Every held-out clip once, as batches of turns of their own: the same at each call.
---
---```lua
---ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
---batches = ds:validation(3)
---ds.held_out, #batches, batches[1].inputs:size(1)  --> 4, 2, 3
---```
---@param batch_size? integer default 8
---@return Batch[]
function Dataset:validation(batch_size) end

---What has been used: `{clips, seen, fewest, most, passes, rows_per_pass}`; `fewest` and `most` are how often a clip was used, passes only counts complete ones.
---
---```lua
---ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
---ds:batch(3)
---ds:coverage()  --> {clips = 2, fewest = 1, most = 2, passes = 1, rows_per_pass = 2, seen = 2}
---```
---@return Coverage
function Dataset:coverage() end

---Where sampling stands: a table of plain values (`json.encode` takes it), from which `set_state` goes on exactly there.
---
---```lua
---ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
---ds:batch(2)
---ds:state()  --> {kind = "coverage", pass = 0, position = 2}
---```
---@return table
function Dataset:state() end

---Goes on where `state` was taken, by a dataset of the same clips and settings.
---
---```lua
---ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
---state = ds:state()
---batch = ds:batch(2)
---ds:set_state(state)
---ds:batch(2).inputs:equal(batch.inputs)  --> true
---```
---@param state table
function Dataset:set_state(state) end

return data
