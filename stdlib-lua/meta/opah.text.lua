---@meta opah.text
-- Written from the declarations of the native modules by `opah docs --stubs`; not to be edited.

---Labels, and what becomes of their text before a model reads it.
---@class opah.text
local text = {}

---The text of a label file on one line, and notes on what was changed. UTF-8, or UTF-16 with its mark, or `encoding` as iconv names it. A file without words is an error.
---@param path string
---@param opts? {encoding?: string}
---@return string
---@return string[]
function text.read_label(path, opts) end

---The text as the model is trained on it: quotes, brackets, emojis and runs of punctuation made plain.
---
---```lua
---assert(text.clean("「テスト」（仮）") == "'テスト'仮")
---```
---@param text string
---@return string
function text.clean(text) end

---The cleaned text in pieces of about so many UTF-8 bytes, cut at punctuation.
---@param text string
---@param bytes integer
---@return string[]
function text.split(text, bytes) end

---32 hexadecimal digits that tell whether two texts are the same; `fs.digest` does it for files.
---
---```lua
---assert(text.digest("a") ~= text.digest("b"))
---```
---@param text string
---@return string
function text.digest(text) end

---The tokenizer in a model's folder (tokenizer.json).
---@param dir string
---@return Tokenizer
function text.tokenizer(dir) end

---A model's tokenizer. Ids count from 0, as in the files.
---@class Tokenizer
---@field end_id integer? The id that ends a sequence.
---@field pad_id integer? The id that fills up short rows.
---@operator len: integer
local Tokenizer = {}

---Token ids of the text. Control tokens in it count as such, unless `allow_special` is false.
---@param text string
---@param opts? {allow_special?: boolean} defaults: allow_special = true
---@return integer[]
function Tokenizer:encode(text, opts) end

---The text of token ids; broken UTF-8 becomes U+FFFD.
---@param ids integer[]
---@param opts? {skip_special?: boolean} defaults: skip_special = false
---@return string
function Tokenizer:decode(ids, opts) end

---The id of a token such as `<|semantic|>`; nil when there is none.
---@param token string
---@return integer?
function Tokenizer:id(token) end

---The token of an id.
---@param id integer
---@return string?
function Tokenizer:token(id) end

return text
