import Dataset
import LuaHost
import Support

/// The rows of data.dataset, as Lua holds them.
extension TrainingDataset: LuaObject {
    public static let luaClass = LuaClass(
        "Dataset", of: TrainingDataset.self, "Rows to train on, held-out rows, and an account of what was used."
    ) { c in
        c.method(
            "batch", "(size: integer) -> \(Record.batch)",
            "The next `size` rows as one batch, as `data.collate` gives it; after the last row of a pass the next pass begins.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                batch = ds:batch(2)
                batch.inputs:shape(), batch.tokens  --> {2, 9, ...}, ...
                """
        ) { data, call in
            try call.push(data.batch(call.integer(1)).fields)
        }
        c.method(
            "validation", "(batch_size?: integer = 8) -> \(Record.batch)[]",
            "Every held-out clip once, as batches of turns of their own: the same at each call.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
                batches = ds:validation(3)
                ds.held_out, #batches, batches[1].inputs:size(1)  --> 4, 2, 3
                """
        ) { data, call in
            guard try call.integer(1) > 0 else { throw call.error(at: 1, "must be above 0") }
            return try call.push(data.validation(batchSize: call.integer(1)).map(\.fields))
        }
        c.method(
            "coverage", "() -> \(Record.coverage)",
            "What has been used: `{clips, seen, fewest, most, passes, rows_per_pass}`; `fewest` and `most` are how often a clip was used, passes only counts complete ones.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
                ds:batch(3)
                ds:coverage()  --> {clips = 2, fewest = 1, most = 2, passes = 1, rows_per_pass = 2, seen = 2}
                """
        ) { data, call in
            try call.push(data.coverage().fields)
        }
        c.method(
            "state", "() -> table",
            "Where sampling stands: a table of plain values (`json.encode` takes it), from which `set_state` goes on exactly there.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                ds:batch(2)
                ds:state()  --> {kind = "coverage", pass = 0, position = 2}
                """
        ) { data, call in try call.push(data.state.fields) }
        c.method(
            "set_state", "(state: table)",
            "Goes on where `state` was taken, by a dataset of the same clips and settings.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                state = ds:state()
                batch = ds:batch(2)
                ds:set_state(state)
                ds:batch(2).inputs:equal(batch.inputs)  --> true
                """
        ) { data, call in
            try data.restore(State(lua: call.table(1)))
            return .none
        }
        c.property(
            "clips", "integer", "Clips that are trained on.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
                ds.clips  --> 2
                """
        ) { data, call in try call.push(data.trainingClips) }
        c.property(
            "held_out", "integer", "Clips that are kept for validation.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), val_fraction = 0.5 }
                ds.held_out  --> 4
                """
        ) { data, call in try call.push(data.validationClips) }
        c.property(
            "skipped", "table[]", "Clips that are never used, `{path, reason, remedy}`.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), max_length = 100 }
                ds.skipped[1].reason  --> "191 tokens do not fit in max_length 100"
                """
        ) { data, call in try call.push(data.skipped.map(\.fields)) }
        c.property(
            "digest", "string", "Identifies the clips and texts, in their order: 32 hexadecimal digits.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                ds.digest  --> "67ac23c820b4610298b6ce409ca89ef3"
                """
        ) { data, call in try call.push(data.digest) }
        c.property(
            "max_length", "integer", "The longest row, in tokens.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model), max_length = 512 }
                ds.max_length  --> 512
                """
        ) { data, call in try call.push(data.settings.maxLength) }
        c.property(
            "num_codebooks", "integer", "Codebooks in each row.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                ds.num_codebooks  --> 8
                """
        ) { data, call in try call.push(data.codebooks) }
        c.metamethod(
            "__tostring", "(dataset: Dataset) -> string", "What it is, in a line.",
            example: """
                ds = data.dataset { protos = "data/protos", tokenizer = text.tokenizer(opah.embedded.model) }
                tostring(ds)  --> "Dataset (5 clips to train on, 1 held out, rows of at most 4096 tokens)"
                """
        ) { call in
            let data = try call.object(1, as: TrainingDataset.self)
            return try call.push(
                "Dataset (\(data.trainingClips) clips to train on, \(data.validationClips) held out, rows of at most \(data.settings.maxLength) tokens)"
            )
        }
    }
}

extension TrainingDataset.Coverage {
    var fields: Fields {
        ["clips": clips, "seen": seen, "fewest": fewest, "most": most, "passes": passes, "rows_per_pass": rowsPerPass]
    }
}

extension TrainingDataset.State {
    var fields: Fields {
        switch self {
        case .coverage(let pass, let position): ["kind": "coverage", "pass": pass, "position": position]
        case .reference(let random, let counts):
            ["kind": "reference", "random": Int(bitPattern: UInt(random)), "counts": counts]
        }
    }

    init(lua table: LuaTable) throws {
        switch try table.get("kind", as: String?.self) {
        case nil:
            throw OpahError(
                .argument, "set_state: this table is no state of a dataset: it has no kind",
                hint: "pass what ds:state() gave")
        case "coverage":
            let pass: Int = try table.get("pass"), position: Int = try table.get("position")
            guard pass >= 0, position >= 0 else {
                throw OpahError(.argument, "set_state: pass \(pass), position \(position)")
            }
            self = .coverage(pass: pass, position: position)
        case "reference":
            self = .reference(
                random: UInt64(UInt(bitPattern: try table.get("random", as: Int.self))), counts: try table.get("counts")
            )
        case let kind?: throw OpahError(.argument, "set_state: there is no sampler \(kind)")
        }
    }
}
