import LuaHost
import Support
import Tensors
import Text

extension Tokenizer: LuaObject {
    public static let luaClass = LuaClass(
        "Tokenizer", of: Tokenizer.self, "A model's tokenizer. Ids count from 0, as in the files."
    ) { c in
        c.method(
            "encode", "(text: string, opts?: {allow_special?: boolean = true}) -> integer[]",
            "Token ids of the text. Control tokens in it count as such, unless `allow_special` is false.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                tok:encode("Hi<|im_end|>")                               --> {80, 113, 3}
                #tok:encode("Hi<|im_end|>", { allow_special = false })  --> 12
                """
        ) { tokenizer, call in
            try call.push(tokenizer.encode(call.string(1), allowSpecial: call.option("allow_special")))
        }
        c.method(
            "decode", "(ids: integer[]|Tensor, opts?: {skip_special?: boolean = false}) -> string",
            "The text of token ids: a list, or a tensor [T] of whole numbers. Broken UTF-8 becomes U+FFFD; ids that no token has give nothing. `skip_special` leaves out control tokens.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                ids = tok:encode("今日は<|im_end|>")
                tok:decode(ids), tok:decode(ids, { skip_special = true })  --> "今日は<|im_end|>", "今日は"
                """
        ) { tokenizer, call in
            try call.push(tokenizer.decode(call.tokenIds(1), skipSpecial: call.option("skip_special")))
        }
        c.method(
            "id", "(token: string) -> integer?", "The id of a token such as `<|semantic|>`; nil when there is none.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                tok:id("<|semantic|>"), tok:id("<|nothing|>")  --> 4, nil
                """
        ) { tokenizer, call in
            try call.push(tokenizer.id(of: call.string(1)))
        }
        c.method(
            "token", "(id: integer) -> string?",
            "The token of an id, as the tokenizer's file writes it; nil when there is none.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                tok:token(4), tok:token(99999)  --> "<|semantic|>", nil
                """
        ) { tokenizer, call in try call.push(tokenizer.token(of: call.integer(1))) }
        c.property(
            "end_id", "integer?", "The id that ends a sequence.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                tok:token(tok.end_id)  --> "<|end_of_sequence|>"
                """
        ) { tokenizer, call in try call.push(tokenizer.endId) }
        c.property(
            "pad_id", "integer?", "The id that fills up short rows.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                tok:token(tok.pad_id)  --> "<|pad|>"
                """
        ) { tokenizer, call in try call.push(tokenizer.padId) }
        c.metamethod(
            "__len", "(tokenizer: Tokenizer) -> integer", "How many tokens there are.",
            example: """
                tok = text.tokenizer(opah.embedded.model)
                #tok  --> 264
                """
        ) { call in
            try call.push(call.object(1, as: Tokenizer.self).count)
        }
        c.metamethod(
            "__tostring", "(tokenizer: Tokenizer) -> string", "What it is, in a line.",
            example: #"tostring(text.tokenizer(opah.embedded.model))  --> "Tokenizer (264 tokens)""#
        ) { call in
            try call.push("Tokenizer (\(call.object(1, as: Tokenizer.self).count) tokens)")
        }
    }
}

extension Call {
    /// A list of ids, or a tensor [T] of them.
    fileprivate func tokenIds(_ argument: Int) throws -> [Int] {
        guard let tensor = try objectIfAny(argument, as: Tensor.self) else { return try integers(argument) }
        guard tensor.rank == 1, tensor.dtype.isInteger else {
            throw error(
                at: argument, "ids must be whole numbers [T], not \(tensor.dtype.rawValue) \(tensor.shape)",
                hint: tensor.rank > 1 ? "row 1 of tokens [1+C, T] has the text: tokens[1]" : nil)
        }
        return try tensor.ints()
    }
}

extension Call {
    /// How the release that is named in the options cleans.
    fileprivate func cleaning() throws -> TextCleaning {
        let release: String = try option("release")
        return PromptFormat.all.first { $0.release == release }?.cleaning ?? .thorough
    }
}

extension LuaModule {
    /// `opah.text`
    public static let text = LuaModule("opah.text", "Labels, and what becomes of their text before a model reads it.") {
        m in
        m.type(Tokenizer.luaClass)
        m.function(
            "read_label", "(path: string, opts?: {encoding?: string}) -> string, string[]",
            "The text of a label file on one line, and notes on what was changed. UTF-8, or UTF-16 with its mark, or `encoding` as iconv names it. A file without words is an error.",
            example:
                #"text.read_label("data/Alice/0.00-2.10.lab")  --> "Good morning. The harbour is quiet today.", {}"#
        ) { call in
            let label = try Label.read(call.string(1), extraEncoding: call.option("encoding"))
            return try call.push(label.text, label.notes)
        }
        m.function(
            "clean", "(text: string, opts?: {release?: \"1.4\"|\"1.5\" = \"1.4\"}) -> string",
            "The text as a model of that release is trained on it: quotes, brackets, emojis and runs of punctuation made plain; from 1.5 on only single quotes, emojis and runs of commas.",
            example: #"text.clean("「テスト」（仮）……“Hello”!!! 😀")  --> "'テスト'仮.'Hello'!!! ""#
        ) { call in
            try call.push(cleanText(call.string(1), call.cleaning()))
        }
        m.function(
            "split", "(text: string, bytes: integer, opts?: {release?: \"1.4\"|\"1.5\" = \"1.4\"}) -> string[]",
            "The cleaned text in pieces of at most `bytes` UTF-8 bytes where that is possible: cut after sentences, else after commas, else after spaces, else anywhere; short neighbours are joined. A text of punctuation alone gives an empty list.",
            example:
                #"text.split("Hello there. How are you today? I am fine, thank you.", 20)  --> {"Hello there.", "How are you today?", "I am fine,", "thank you."}"#
        ) { call in
            guard try call.integer(2) > 0 else { throw call.error(at: 2, "must be above 0") }
            return try call.push(splitText(call.string(1), length: call.integer(2), call.cleaning()))
        }
        m.function(
            "digest", "(text: string) -> string",
            "32 hexadecimal digits that tell whether two texts are the same; `fs.digest` does it for files.",
            example: """
                text.digest("a")                      --> "a96faf705af16834e6c632b61e964e1f"
                text.digest("a") == text.digest("b")  --> false
                """
        ) { call in
            try call.push(call.bytes(1).withUnsafeBytes { Digest.of($0) })
        }
        m.function(
            "train_tokenizer",
            """
            (opts: {texts: string[], vocab_size: integer, output: string, special_tokens?: string[], all_bytes?: boolean = true, \
            min_frequency?: integer = 1}) -> Tokenizer
            """,
            """
            Learns a byte-level vocabulary of `vocab_size` tokens from texts (byte-pair encoding), writes it into the folder `output` as \
            tokenizer.json, tokenizer_config.json and special_tokens_map.json, and gives it. Special tokens take the first ids; they are those of \
            fish-speech 1.4 unless given. `all_bytes` gives every byte a token, so that any text can be written. Pairs that occur less often than \
            `min_frequency` are not merged. A file that is there is an error.
            """,
            example: """
                tok = text.train_tokenizer { texts = { "low lower lowest", "slow slower slowest" }, vocab_size = 270, output = "model" }
                tok:token(264), #tok:encode("slower"), tok:decode(tok:encode("slower"))  --> "lo", 2, "slower"
                """
        ) { call in
            let folder: String = try call.option("output"), special: [String]? = try call.option("special_tokens")
            for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
            where FileKind.exists(PathName.join(folder, name)) {
                throw call.error(
                    "\(PathName.join(folder, name)) is there already", hint: "remove it, or choose another folder")
            }
            let texts: [String] = try call.option("texts")
            var trainer = try BytePairTrainer()
            for text in texts { try trainer.add(text) }
            let found = try trainer.train(
                size: call.option("vocab_size"), special: special ?? TokenizerWriter.special,
                allBytes: call.option("all_bytes"), minimum: call.option("min_frequency"))
            try TokenizerWriter(found).write(to: folder)
            return try call.push(Tokenizer(directory: folder))
        }
        m.function(
            "tokenizer", "(dir: string) -> Tokenizer",
            "The tokenizer in a model's folder: its tokenizer.tiktoken (1.5), or its tokenizer.json. That file may be named as well.",
            example: """
                tok = text.tokenizer(opah.home .. "/examples/checkpoints/tiny")
                tok:encode("Hi there")  --> {80, 113, 40, 124, 112, 109, 122, 109}
                """
        ) { call in
            let path = try call.string(1)
            return try call.push(Tokenizer(directory: FileKind.isFile(path) ? PathName.folder(path) : path))
        }
    }
}
