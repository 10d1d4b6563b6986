import Dataset
import Formats
import LuaHost
import Support
import Tensors
import Text

extension LuaModule {
    /// `opah.data`
    public static let data = LuaModule(
        "opah.data",
        "Clips on disk, packs of them, and the rows that a model is trained on. C codebooks, T tokens or frames, B rows."
    ) { m in
        m.type(TrainingDataset.luaClass)
        m.function(
            "scan",
            "(dir: string, opts?: {recursive?: boolean = true, audio?: boolean = false}) -> \(Record.clip)[], \(Record.skipped)[], \(Record.note)[]",
            """
            The clips below a folder, `{stem, audio, codes, labels={[".lab"]=path}, speaker}`, sorted by path: files whose names differ only in the suffix belong \
            together, the folder's name is the speaker. With `audio` only those that have a recording. Second, what had to be left out: `{path, reason, remedy}`, recordings of a kind that cannot be read and a folder of files \
            without any recording among them. Third, notes `{path, text}`: labels without a recording.
            """,
            example: """
                clips, skipped = data.scan("data/Alice", { audio = true })
                #clips, clips[1].audio, clips[1].labels  --> 8, "data/Alice/0.00-2.10.mp3", {[".lab"] = "data/Alice/0.00-2.10.lab"}
                """
        ) { call in
            let found = try Clips(folder: call.string(1), recursive: call.option("recursive"))
            let (clips, skipped) =
                try call.option("audio") ? found.recordings(of: call.string(1)) : (found.clips, found.skipped)
            return try call.push(
                clips.map(\.fields), skipped.map(\.fields),
                found.notes.map { ["path": $0.path, "text": $0.note] as Fields })
        }
        m.function(
            "filelist", "(path: string) -> \(Record.clip)[], \(Record.skipped)[]",
            "The clips in a list with lines `path|speaker|language|text`, paths as seen from the current folder: as `scan` gives them, with `text`.",
            example: #"""
                fs.write("clips.txt", "data/Alice/0.00-2.10.mp3|Alice|EN|Good morning.\n")
                clip = data.filelist("clips.txt")[1]
                clip.audio, clip.speaker, clip.text  --> "data/Alice/0.00-2.10.mp3", "Alice", "Good morning."
                """#
        ) { call in
            let found = try Clips(filelist: call.string(1))
            return try call.push(found.clips.map(\.fields), found.skipped.map(\.fields))
        }
        m.function(
            "pack",
            """
            (opts: {input: string|string[], output: string, text_extension?: string|string[] "suffixes of labels, `.lab` unless given", num_workers?: integer = 16 "changes nothing", \(PackFolder.Settings.options), \
            on_skipped?: fun(skipped: \(Record.skipped)[]), on_progress?: fun(done: integer, total: integer)}) -> \(Record.packReport)
            """,
            """
            Packs clips with codes and text below folders, or in filelists, into `output`/00000000.protos and so on. Packs of an earlier run in `output` are replaced, others are an error. \
            Returns `{shards, groups, speakers, sentences, frames, skipped={{path, reason, remedy}}, notes={{path, text}}}`; one bad clip never stops the rest. \
            When more than half of the clips have no label nothing is packed, unless `allow_missing_labels`. Nothing to pack is an error that gives the \
            reasons; `on_skipped` gets them in its place.
            """,
            example: """
                fs.mkdir("voices/Alice")
                for _, suffix in ipairs { ".wav", ".lab" } do fs.copy("data/Alice/4.80-7.20" .. suffix, "voices/Alice/1" .. suffix) end
                vq.extract { input = "voices", codec = opah.embedded.codec() }
                report = data.pack { input = "voices", output = "protos" }
                report.sentences, report.frames, report.shards  --> 1, 62, {"protos/00000000.protos"}
                """
        ) { call in
            var settings = try PackFolder.Settings.options.read(call.options)
            let extensions: [String] = try call.oneOrMany("text_extension")
            if !extensions.isEmpty { settings.extensions = extensions }
            guard settings.codebookSize > 0 else { throw call.error("codebook_size must be above 0") }
            guard settings.shardSize > 0 else { throw call.error("shard_size must be above 0") }
            let progress: LuaFunction? = try call.option("on_progress"),
                skipped: LuaFunction? = try call.option("on_skipped")
            let report = try PackFolder.build(
                inputs: call.oneOrMany("input"), output: call.option("output"), settings: settings,
                leftOut: skipped.map { callback in { try callback(List($0.map(\.fields))) } }
            ) { done, total in
                try progress?(done, total)
            }
            return try call.push(
                [
                    "shards": report.shards, "groups": report.groups, "speakers": report.speakers,
                    "sentences": report.sentences, "frames": report.frames,
                    "skipped": report.skipped.map(\.fields),
                    "notes": report.notes.map { ["path": $0.path, "text": $0.note] as Fields }
                ] as Fields)
        }
        m.function(
            "read", "(path: string) -> fun(): \(Record.group)?",
            "Iterates over the groups of a .protos file, or of all in a folder: `{source, name, sentences={{texts={...}, codes=int32 [C,T]}}}`.",
            example: """
                for group in data.read("data/protos") do print(group.name, #group.sentences, group.sentences[1].texts[1]) end
                first = data.read("data/protos")()
                first.name, first.sentences[1].codes:shape()  --> "SPK1", {8, 113}
                """
        ) { call in
            var files = try PackFolder.shards(call.string(1))[...], reader: ProtosReader?
            return try call.push(
                LuaClosure("data.read") { call in
                    while true {
                        if let group = try reader?.next() { return try call.push(group.fields) }
                        guard let file = files.popFirst() else { return try call.push(nil as Int?) }
                        reader = try ProtosReader(file)
                    }
                })
        }
        m.function(
            "pack_sentences",
            """
            (opts: {sentences: string[], codes: Tensor[], tokenizer: Tokenizer, speaker?: string, skip_text?: boolean = false, num_codebooks?: integer}) -> Tensor, Tensor
            """,
            """
            One training row, tokens and labels, both int64 [1+C, T]: the texts joined into one turn, and their codes (each [C, frames], values as in the files; packed for 1.4 they are \
            one more, 0 is padding). Labels are one step ahead, -100 where ignored. `skip_text` puts a placeholder for the text, and in 1.4 ignores every label. The tokenizer decides on the format.
            """,
            example: """
                tokens, labels = data.pack_sentences {
                  sentences = { "Hi" }, codes = { tensor.zeros(8, 2, { dtype = "int32" }) }, tokenizer = text.tokenizer(opah.embedded.model),
                }
                tokens:shape()       --> {9, 22}
                tokens[{ 2, -1 }]    --> 1
                """
        ) { call in
            let packer = try SentencePacker(
                tokenizer: call.option("tokenizer"), codebooks: call.option("num_codebooks"))
            let codes: [Tensor] = try call.option("codes")
            let sentences: [String] = try call.option("sentences")
            guard !sentences.isEmpty, sentences.count == codes.count else {
                throw call.error(
                    "\(sentences.count) sentences for \(codes.count) tensors of codes",
                    hint: "give one tensor of codes [C, frames] for each sentence")
            }
            let row = try packer.pack(
                sentences, codes.map { try SentenceCodes($0) }, speaker: call.option("speaker"),
                skipText: call.option("skip_text"))
            return try call.push(row.tensor(\.tokens), row.tensor(\.labels))
        }
        m.function(
            "collate", "(rows: table[], opts?: {max_length?: integer, pad_id?: integer = 0}) -> \(Record.batch)",
            """
            Rows `{tokens=[1+C,T], labels=[1+C,T]}` of any lengths as one batch `{inputs=[B,1+C,T], attention_masks=[B,T] (true = padding), labels=[B,1+C,T]}`, and how \
            many tokens there are (`tokens`) and were cut off above `max_length` (`truncated`). `pad_id` fills up the text row; codes are filled with 0, labels with -100.
            """,
            example: """
                function row(length) return tensor.ones(9, length, { dtype = "int64" }) end
                batch = data.collate { { tokens = row(3), labels = row(3) }, { tokens = row(5), labels = row(5) } }
                batch.inputs:shape()      --> {2, 9, 5}
                batch.attention_masks[1]  --> [false, false, false,  true,  true]
                """
        ) { call in
            let rows = try call.get(1, as: [LuaTable].self).map { try TrainingRow(lua: $0) }
            let limit: Int? = try call.option("max_length")
            return try call.push(TokenBatch(rows, maxLength: limit ?? Int.max, padding: call.option("pad_id")).fields)
        }
        m.function(
            "dataset",
            "(opts: {protos: string|string[], tokenizer: Tokenizer, \(SamplingSettings.options)}) -> Dataset",
            """
            Rows of at most `max_length` tokens from packs (files, folders, or patterns with `*` and `{a,b}`). `coverage` uses every clip once per pass, in shuffled order; `reference` is the \
            original's rule, which reaches only part of a small dataset. `val_fraction` of the clips, told by their codes, are held out (a few clips may give more or less than that).
            """,
            example: """
                ds = data.dataset {
                  protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), max_length = 512, val_fraction = 0.2,
                }
                ds.clips, ds.held_out, ds:batch(2).inputs:shape()  --> 3, 3, {2, 9, 120}
                """, settings: SamplingSettings.options.settings
        ) { call in
            let paths = try (call.oneOrMany("protos") as [String]).flatMap { path in
                guard path.contains(where: "*?[{".contains), !FileKind.exists(path) else { return [path] }
                let found = Glob.paths(path)
                guard !found.isEmpty else {
                    throw OpahError(.file, "\(name: path): nothing is called that", hint: "check the pattern")
                }
                return found
            }
            return try call.push(
                TrainingDataset(
                    store: SentenceStore(protos: paths), tokenizer: call.option("tokenizer"),
                    settings: SamplingSettings.options.read(call.options)))
        }
    }
}

// MARK: As Lua values

extension Call {
    /// An option that is one value or a list of them; empty when it was left out.
    func oneOrMany<T: LuaReadable>(_ name: String) throws -> [T] {
        switch try option(name, as: LuaValue.self) {
        case .null: []
        case .table: try option(name)
        default: [try option(name)]
        }
    }
}

extension Clip {
    var fields: Fields {
        ["stem": stem, "audio": audio, "codes": codes, "labels": labels, "speaker": speaker, "text": text]
    }
}

extension PackedGroup: LuaPushable {
    public func push(onto stack: Stack) throws { try fields.push(onto: stack) }

    var fields: Fields {
        get throws {
            [
                "source": source, "name": name,
                "sentences": try sentences.map { ["texts": $0.texts, "codes": try $0.codesTensor()] as Fields }
            ]
        }
    }
}

extension TrainingRow {
    func tensor(_ values: KeyPath<TrainingRow, [Int]>) throws -> Tensor {
        try Tensor(integers: self[keyPath: values], [rows, length])
    }

    /// From `{tokens=, labels=}`.
    init(lua table: LuaTable) throws {
        let tokens: Tensor = try table.get("tokens"), labels: Tensor = try table.get("labels")
        guard tokens.rank == 2, tokens.shape[0] > 0, tokens.shape == labels.shape, tokens.dtype.isInteger,
            labels.dtype.isInteger
        else {
            throw OpahError(
                .shape,
                "collate: tokens \(tokens.dtype.rawValue) \(tokens.shape) and labels \(labels.dtype.rawValue) \(labels.shape); wanted whole numbers [1+C, T], both alike"
            )
        }
        self.init(rows: tokens.shape[0], tokens: try tokens.ints(), labels: try labels.ints())
    }
}

extension TokenBatch {
    var fields: Fields {
        [
            "inputs": inputs, "attention_masks": attentionMasks, "labels": labels, "tokens": tokenCount,
            "truncated": truncatedTokens
        ]
    }
}
