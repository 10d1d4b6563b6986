import LuaHost
import Support
import Text

extension Tokenizer: LuaObject {
    public static let luaClass = LuaClass("Tokenizer", of: Tokenizer.self, "A model's tokenizer. Ids count from 0, as in the files.") { c in
        c.method("encode", "(text: string, opts?: {allow_special?: boolean = true}) -> integer[]",
                 "Token ids of the text. Control tokens in it count as such, unless `allow_special` is false.") { tokenizer, call in
            try call.push(tokenizer.encode(call.string(1), allowSpecial: call.option("allow_special")))
        }
        c.method("decode", "(ids: integer[], opts?: {skip_special?: boolean = false}) -> string", "The text of token ids; broken UTF-8 becomes U+FFFD.") { tokenizer, call in
            try call.push(tokenizer.decode(call.integers(1), skipSpecial: call.option("skip_special")))
        }
        c.method("id", "(token: string) -> integer?", "The id of a token such as `<|semantic|>`; nil when there is none.") { tokenizer, call in
            try call.push(tokenizer.id(of: call.string(1)))
        }
        c.method("token", "(id: integer) -> string?", "The token of an id.") { tokenizer, call in try call.push(tokenizer.token(of: call.integer(1))) }
        c.property("end_id", "integer?", "The id that ends a sequence.") { tokenizer, call in try call.push(tokenizer.endId) }
        c.property("pad_id", "integer?", "The id that fills up short rows.") { tokenizer, call in try call.push(tokenizer.padId) }
        c.metamethod("__len", "(tokenizer: Tokenizer) -> integer", "How many tokens there are.") { call in
            try call.push(call.object(1, as: Tokenizer.self).count)
        }
    }
}

extension LuaModule {
    /// `opah.text`
    public static let text = LuaModule("opah.text", "Labels, and what becomes of their text before a model reads it.") { m in
        m.type(Tokenizer.luaClass)
        m.function("read_label", "(path: string, opts?: {encoding?: string}) -> string, string[]",
                   "The text of a label file on one line, and notes on what was changed. UTF-8, or UTF-16 with its mark, or `encoding` as iconv names it. A file without words is an error.") { call in
            let label = try Label.read(call.string(1), extraEncoding: call.option("encoding"))
            return try call.push(label.text, label.notes)
        }
        m.function("clean", "(text: string) -> string", "The text as the model is trained on it: quotes, brackets, emojis and runs of punctuation made plain.",
                   example: #"assert(text.clean("「テスト」（仮）") == "'テスト'仮")"#) { call in
            try call.push(cleanText(call.string(1)))
        }
        m.function("split", "(text: string, bytes: integer) -> string[]", "The cleaned text in pieces of about so many UTF-8 bytes, cut at punctuation.") { call in
            guard try call.integer(2) > 0 else { throw call.error(at: 2, "must be above 0") }
            return try call.push(splitText(call.string(1), length: call.integer(2)))
        }
        m.function("digest", "(text: string) -> string", "32 hexadecimal digits that tell whether two texts are the same; `fs.digest` does it for files.",
                   example: #"assert(text.digest("a") ~= text.digest("b"))"#) { call in
            try call.push(call.bytes(1).withUnsafeBytes { Digest.of($0) })
        }
        m.function("tokenizer", "(dir: string) -> Tokenizer", "The tokenizer in a model's folder (tokenizer.json).") { call in
            try call.push(Tokenizer(directory: call.string(1)))
        }
    }
}
