---@meta opah.text
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Labels, and what becomes of their text before a model reads it.
---@class opah.text
local text = {}

---The text of a label file on one line, and notes on what was changed. UTF-8, or UTF-16 with its mark, or `encoding` as iconv names it. A file without words is an error.
---
---```lua
---text.read_label("data/Alice/0.00-2.10.lab")  --> "Good morning. The harbour is quiet today.", {}
---```
---@param path string
---@param opts? {encoding?: string}
---@return string
---@return string[]
function text.read_label(path, opts) end

---The text as a model of that release is trained on it: quotes, brackets, emojis and runs of punctuation made plain; from 1.5 on only single quotes, emojis and runs of commas.
---
---```lua
---text.clean("「テスト」（仮）……“Hello”!!! 😀")  --> "'テスト'仮.'Hello'!!! "
---```
---@param text string
---@param opts? {release?: "1.4"|"1.5"} defaults: release = "1.4"
---@return string
function text.clean(text, opts) end

---The cleaned text in pieces of at most `bytes` UTF-8 bytes where that is possible: cut after sentences, else after commas, else after spaces, else anywhere; short neighbours are joined. A text of punctuation alone gives an empty list.
---
---```lua
---text.split("Hello there. How are you today? I am fine, thank you.", 20)  --> {"Hello there.", "How are you today?", "I am fine,", "thank you."}
---```
---@param text string
---@param bytes integer
---@param opts? {release?: "1.4"|"1.5"} defaults: release = "1.4"
---@return string[]
function text.split(text, bytes, opts) end

---32 hexadecimal digits that tell whether two texts are the same; `fs.digest` does it for files.
---
---```lua
---text.digest("a")                      --> "a96faf705af16834e6c632b61e964e1f"
---text.digest("a") == text.digest("b")  --> false
---```
---@param text string
---@return string
function text.digest(text) end

---Learns a byte-level vocabulary of `vocab_size` tokens from texts (byte-pair encoding), writes it into the folder `output` as tokenizer.json, tokenizer_config.json and special_tokens_map.json, and gives it. Special tokens take the first ids; they are those of fish-speech 1.4 unless given. `all_bytes` gives every byte a token, so that any text can be written. Pairs that occur less often than `min_frequency` are not merged. A file that is there is an error.
---
---```lua
---tok = text.train_tokenizer { texts = { "low lower lowest", "slow slower slowest" }, vocab_size = 270, output = "model" }
---tok:token(264), #tok:encode("slower"), tok:decode(tok:encode("slower"))  --> "lo", 2, "slower"
---```
---@param opts {texts: string[], vocab_size: integer, output: string, special_tokens?: string[], all_bytes?: boolean, min_frequency?: integer} defaults: all_bytes = true, min_frequency = 1
---@return Tokenizer
function text.train_tokenizer(opts) end

---The tokenizer in a model's folder: its tokenizer.tiktoken (1.5), or its tokenizer.json. That file may be named as well.
---
---```lua
---tok = text.tokenizer(opah.home .. "/examples/checkpoints/tiny")
---tok:encode("Hi there")  --> {80, 113, 40, 124, 112, 109, 122, 109}
---```
---@param dir string
---@return Tokenizer
function text.tokenizer(dir) end

---A model's tokenizer. Ids count from 0, as in the files.
---@class Tokenizer
---@field end_id integer? The id that ends a sequence. `tok:token(tok.end_id)  --> "<|end_of_sequence|>"`
---@field pad_id integer? The id that fills up short rows. `tok:token(tok.pad_id)  --> "<|pad|>"`
---@operator len: integer
local Tokenizer = {}

---Token ids of the text. Control tokens in it count as such, unless `allow_special` is false.
---
---```lua
---tok = text.tokenizer(opah.embedded.model)
---tok:encode("Hi<|im_end|>")                               --> {80, 113, 3}
---#tok:encode("Hi<|im_end|>", { allow_special = false })  --> 12
---```
---@param text string
---@param opts? {allow_special?: boolean} defaults: allow_special = true
---@return integer[]
function Tokenizer:encode(text, opts) end

---The text of token ids: a list, or a tensor [T] of whole numbers. Broken UTF-8 becomes U+FFFD; ids that no token has give nothing. `skip_special` leaves out control tokens.
---
---```lua
---tok = text.tokenizer(opah.embedded.model)
---ids = tok:encode("今日は<|im_end|>")
---tok:decode(ids), tok:decode(ids, { skip_special = true })  --> "今日は<|im_end|>", "今日は"
---```
---@param ids integer[]|Tensor
---@param opts? {skip_special?: boolean} defaults: skip_special = false
---@return string
function Tokenizer:decode(ids, opts) end

---The id of a token such as `<|semantic|>`; nil when there is none.
---
---```lua
---tok = text.tokenizer(opah.embedded.model)
---tok:id("<|semantic|>"), tok:id("<|nothing|>")  --> 4, nil
---```
---@param token string
---@return integer?
function Tokenizer:id(token) end

---The token of an id, as the tokenizer's file writes it; nil when there is none.
---
---```lua
---tok = text.tokenizer(opah.embedded.model)
---tok:token(4), tok:token(99999)  --> "<|semantic|>", nil
---```
---@param id integer
---@return string?
function Tokenizer:token(id) end

return text
