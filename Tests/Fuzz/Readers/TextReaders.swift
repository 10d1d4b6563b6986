import Dataset
import Supervision
import Support
import Text

extension FuzzReader {
    static let text: [FuzzReader] = [
        FuzzReader(
            "tokenizer", maxLength: 12_000, dictionary: tokenizerWords,
            seeds: {
                try Seeds.vectors("tokenizer", suffixes: ["tokenizer.json"], limit: 12_000)
                    + Seeds.examples("checkpoints/tiny/tokenizer.json")
            }
        ) {
            let tokenizer = try Tokenizer(directory: Scratch.folder("tokenizer", ["tokenizer.json": $0]))
            let ids = try tokenizer.encode("Hello 世界 <|im_end|> it's 123  \n a\u{301} \u{1F600}")
            _ = try tokenizer.decode(ids)
            _ = try tokenizer.decode([0, 1, 2, 200, -1, .max], skipSpecial: true)
        },
        FuzzReader(
            "tokenizer-config", maxLength: 4000, dictionary: tokenizerWords,
            seeds: {
                try Seeds.vectors("tokenizer", suffixes: ["tokenizer_config.json"], limit: 4000)
                    + Seeds.examples("checkpoints/tiny/tokenizer_config.json")
            }
        ) {
            let tokenizer = try Tokenizer(
                directory: Scratch.folder(
                    "tokenizer-config", ["tokenizer.json": smallTokenizer, "tokenizer_config.json": $0]))
            _ = try tokenizer.decode(try tokenizer.encode("Hi <|im_end|> there"))
        },
        // What is encoded varies here, not how; a word has all that a text has.
        FuzzReader(
            "encode", maxLength: 300,
            dictionary: ["<|im_end|>", "<|semantic|>", "\u{301}", "が", "\u{1F468}\u{200D}\u{1F469}"],
            seeds: { Seeds.texts("Hello 世界, it's 123!", "a\r\n\tb <|im_end|>", "が\u{3099}ｶﾞ ﬁ") }
        ) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            for tokenizer in try tokenizers.get() {
                let ids = try tokenizer.encode(text)
                _ = try tokenizer.decode(ids)
                _ = try tokenizer.encode(text, allowSpecial: false)
            }
        },
        FuzzReader(
            "label", maxLength: 2000,
            dictionary: ["\u{FEFF}", "<laugh>", "{x}", "<|im_end|>", "\0", "\r\n", "\u{200B}", "|", "#"],
            seeds: {
                try Seeds.examples("data", suffixes: [".lab"]) + [
                    [0xFF, 0xFE, 0x61, 0, 0x3D, 0xD8, 0, 0xDE], [0xFE, 0xFF, 0x30, 0x42], [0x93, 0xFA, 0x96, 0x7B]
                ]
            }
        ) {
            let path = Scratch.file("a.lab", $0)
            for encoding in ["CP932", "GBK", "UTF-16LE"] { _ = try? Label.read(path, extraEncoding: encoding) }
            let label = try Label.read(path)
            // White space stays as it was written; packs make blanks of it.
            let isControl = { (scalar: Unicode.Scalar) in
                scalar.value < 32 && !(9 ... 13).contains(scalar.value) && scalar.value < 28
            }
            precondition(
                !label.text.unicodeScalars.contains(where: isControl), "label: a control character comes through")
            precondition(
                !label.packed.unicodeScalars.contains { $0.value < 32 }, "label: the packs get a control character")
            for piece in splitText(cleanText(label.text), length: 40) { _ = piece.utf8.count }
        },
        FuzzReader(
            "filelist", maxLength: 2000,
            dictionary: ["|", "|ja|", "|EN|", "\u{FEFF}", "\u{2028}", "\r\n", ".wav", "/../"],
            seeds: {
                try Seeds.vectors("dataset/vits_filelist.txt") + Seeds.texts("a.wav|S|en|Hello.\nb/c.mp3|T|zh|\n")
            }
        ) {
            _ = try Clips(filelist: Scratch.file("list.txt", $0))
        },
        FuzzReader(
            "batch-list", maxLength: 1000,
            dictionary: [
                "vary ", " = ", "{a}", "{b}", "{c}", "{here}", "{out}", "{rank}", "train", "'", "\"", "\\\n", "#", ": "
            ],
            seeds: {
                Seeds.texts(
                    "# runs\nvary rank = 4 8\nvary lr = 1e-4 3e-4\nrank{rank}: train project=p model.lr={lr}\n"
                        + "length '{here}' \\\n  --x\n"
                )
            }
        ) {
            let path = Scratch.file("a.batch", $0)
            // Looking through the real recipes takes a hundred times as long.
            _ = try BatchList([path]) { name in
                if ["train", "length"].contains(name) { return name }
                throw OpahError(.usage, "there is no recipe \(name: name)")
            }
        }
    ]

    private static let smallTokenizer = Array(
        #"{"model": {"type": "BPE", "vocab": {"H": 0, "i": 1, "Hi": 2, "<|im_end|>": 3}, "merges": ["H i"]}}"#.utf8)

    /// Of every kind that there is: bytes, Llama's, with a normalizer.
    private static let tokenizers = Result {
        try ["a_bytelevel", "c_split_regex_nfc", "d_llama_prepend", "e_llama_metaspace"].map {
            try Tokenizer(directory: Seeds.checkout + "/Tests/Vectors/tokenizer/" + $0)
        }
    }

    private static let tokenizerWords = [
        #""merges":["#, #"["a","b"]"#, #""vocab":{"#, #""id":99999999999"#, #""id":-1"#, #""content":"""#,
        #""type":"Sequence""#, #""pretokenizers":["#,
        #""Regex":"(a+)+$""#, #""type":"ByteLevel""#, #""type":"Metaspace""#, #""type":"Split""#, #""type":"NFC""#,
        #""type":"Prepend""#, #""type":"Replace""#,
        #""byte_fallback":true"#, #""unk_token":"zzz""#, "null", "true", #""special":true"#, #""normalized":true"#,
        #""lstrip":true"#, #""single_word":true"#
    ]
}
