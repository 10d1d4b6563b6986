import Formats
import Support
import Tensors

/// What an adapter file says about itself; files of the original say nothing.
public struct LoRAMetadata: Equatable, Sendable {
    /// Files from before there were kinds say nothing, and are `lora`.
    public var kind: AdapterKind
    public var rank: Int
    public var alpha: Double
    public var dropout: Double
    public var targets: [String]
    /// `LanguageModel.baseDigest()` of the weights it was trained on.
    public var baseDigest: String
    public var step: Int?
}

extension LoRAAdapter {
    /// Key of the metadata in a checkpoint.
    public static let metadataKey = "opah_lora"

    /// The tensors as the original's trainer names them: `model.<module>.lora_A` and `lora_B`, and those of other kinds
    /// as PEFT does.
    public func stateDict() -> CheckpointValue {
        .tensors(namedParameters.map { (name: "model." + $0.name, tensor: $0.tensor.detach()) })
    }

    /// What makes the file explain itself; goes under `metadataKey`.
    public func metadata(baseDigest: String, step: Int? = nil) -> CheckpointValue {
        let c = configuration
        return [
            "format": 1, "kind": .string(c.kind.rawValue), "rank": .int(c.rank), "alpha": .double(c.alpha),
            "dropout": .double(c.dropout),
            "targets": .list(c.targets.map(CheckpointValue.string)), "base_digest": .string(baseDigest),
            "step": step.map(CheckpointValue.int) ?? .none
        ]
    }
}

extension LanguageModel {
    /// Writes an adapter as a `.ckpt` that `torch.load(weights_only=True)` opens.
    public func saveLoRA(_ adapter: LoRAAdapter, to path: String, step: Int? = nil) throws {
        try Checkpoint.save(
            [
                "state_dict": adapter.stateDict(),
                LoRAAdapter.metadataKey: adapter.metadata(baseDigest: try baseDigest(), step: step ?? adapter.step)
            ], to: path)
    }

    /// Reads an adapter and puts it on the model, live: nothing is merged. Several add up.
    /// - Parameters:
    ///   - configuration: what the file is expected to be; needed for files of the original, which do not record alpha,
    ///     unless they have the stock rank of 8.
    ///   - scale: strength, 1 as trained.
    ///   - trainable: whether its tensors want gradients, to go on training.
    @discardableResult
    public func loadLoRA(
        _ path: String, configuration wanted: LoRAConfiguration? = nil, scale: Float = 1,
        trainable: Bool = false
    ) throws -> LoRAAdapter {
        let value: CheckpointValue
        // An adapter is small: all of it is held against its checksums.
        do { value = try Checkpoint.load(path, verify: true) } catch let error as OpahError { throw error.at(path) }
        let adapter = try LoRAReader(path, value, tree.adaptable, wanted, baseDigest: { try self.baseDigest() }).adapter
        adapter.scale = scale
        for (_, tensor) in adapter.namedParameters { try tensor.setRequiresGrad(trainable) }
        attach(adapter)
        return adapter
    }

    /// What a file says about itself, without putting it on a model; nil for files of the original.
    public static func readLoRAMetadata(_ path: String) throws -> LoRAMetadata? {
        try LoRAReader.metadata(try Checkpoint.load(path), path)
    }
}

/// Checks an adapter file against a model; every mismatch has its own one-line reason.
private struct LoRAReader {
    let adapter: LoRAAdapter

    init(
        _ path: String, _ value: CheckpointValue, _ modules: [Module], _ wanted: LoRAConfiguration?,
        baseDigest: () throws -> String
    ) throws {
        let known = Set(modules.map(\.name)), tensors: StateDict
        var beside: LoRAConfiguration?
        do {
            var state = try value.stateDict()
            if PEFTFile.isOne(state) {
                beside = try PEFTFile.configuration(beside: path)
                state = try state.renamed(PEFTFile.plain)
            }
            // `model.` is how every trainer names them; any other form is worth a note.
            let plain = state.names.contains { $0.hasPrefix("model.") } ? state.dropping(prefix: "model.") : state
            tensors = try plain.fitted { name in LoRAAdapter.split(name).map { known.contains($0.module) } ?? false }
        } catch let error as OpahError { throw error.at(path) }
        let metadata = try Self.metadata(value, path),
            kind = try metadata?.kind ?? Self.kind(tensors, wanted ?? beside, path)
        let found = try Self.parameters(tensors, kind.layer.parameterNames, path)
        let rank = try Self.rank(found, path)

        let configuration: LoRAConfiguration
        var notes = tensors.notes.map { "\(name: path): \($0)" }
        if let metadata {
            guard metadata.rank == rank else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): its tensors have rank \(rank), and it says \(metadata.rank) of itself: the file is damaged"
                )
            }
            if let wanted { try Self.check(wanted, metadata, modules.map(\.name), path) }
            configuration = try LoRAConfiguration(
                kind: kind, rank: rank, alpha: metadata.alpha, dropout: metadata.dropout, targets: metadata.targets)
        } else {
            if let wanted, let beside, (wanted.rank, wanted.alpha) != (beside.rank, beside.alpha) {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): its adapter_config.json says rank \(beside.rank) and alpha \(Self.shortest(beside.alpha)), and the LoRA configuration \(wanted.rank) and \(Self.shortest(wanted.alpha))",
                    hint: "leave the configuration out")
            }
            guard var assumed = wanted ?? beside ?? (rank == LoRAConfiguration.stock.rank ? .stock : nil) else {
                throw OpahError(
                    .checkpoint, "\(name: path): this adapter has rank \(rank), and does not record its alpha",
                    hint: "say which it was trained with, for example r_\(rank)_alpha_16")
            }
            guard assumed.rank == rank else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): this adapter has rank \(rank), and \(wanted == nil && beside != nil ? "its adapter_config.json" : "the LoRA configuration") says \(assumed.rank)",
                    hint: "use the configuration that it was trained with, for example r_\(rank)_alpha_...")
            }
            assumed.kind = kind
            if let wanted, wanted.targets != ["all"] {
                let names = Set(found.map(\.name)),
                    chosen = Set(try LoRATargets.select(wanted.targets, from: modules.map(\.name)))
                if names != chosen { throw Self.otherTargets(ShownText.few(names.sorted()), wanted.targets, path) }
            }
            configuration = assumed
            let source = wanted == nil && beside != nil ? "adapter_config.json" : "the LoRA configuration"
            notes.append("\(name: path) does not record alpha: \(assumed.alpha) is taken from \(source)")
        }
        if let metadata {
            let digest = try baseDigest()
            guard metadata.baseDigest == digest else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): this adapter was trained on another base model (digest \(metadata.baseDigest.prefix(8)), here \(digest.prefix(8)))",
                    hint: "use the base checkpoint that it was trained on")
            }
        }

        adapter = LoRAAdapter(configuration)
        adapter.notes = notes
        adapter.step = metadata?.step
        let byName = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
        for (name, _) in found where byName[name] == nil {
            throw OpahError(
                .checkpoint, "\(name: path): this adapter sits on \(name: name), which this model does not have",
                hint: "it belongs to another kind of model")
        }
        for module in modules {
            guard let (_, tensors) = found.first(where: { $0.name == module.name }) else { continue }
            let shapes = kind.layer.shapes(on: module, rank: rank)
            guard tensors.map(\.shape) == shapes else {
                func list(_ shapes: [Dims]) -> String { shapes.map { "\($0)" }.joined(separator: " and ") }
                throw OpahError(
                    .checkpoint,
                    "\(name: path): \(module.name) has factors of shape \(list(tensors.map(\.shape))), and this model wants \(list(shapes))",
                    hint: "the adapter was trained on a model of other dimensions")
            }
            // Copies: training writes to them, and the file may go away.
            adapter.layers.append(kind.layer.init(on: module, try tensors.map(Self.copy), adapter))
        }
    }

    private static func copy(_ tensor: Tensor) throws -> Tensor {
        let plain = try tensor.detach().to(.float32)
        return plain.storage === tensor.storage ? try plain.clone() : plain
    }

    /// The kind of a file that does not record it: what is asked for, if its tensors are of such a kind.
    private static func kind(_ tensors: StateDict, _ wanted: LoRAConfiguration?, _ path: String) throws -> AdapterKind {
        let present = Set(tensors.names.compactMap { LoRAAdapter.split($0)?.parameter })
        func fits(_ kind: AdapterKind) -> Bool { Set(kind.layer.parameterNames) == present }
        if let wanted, fits(wanted.kind) || present.isEmpty { return wanted.kind }
        guard let kind = AdapterKind.allCases.first(where: fits) else { return wanted?.kind ?? .lora }
        if let wanted { throw otherKind(kind, wanted.kind, path) }
        return kind
    }

    private static func otherKind(_ found: AdapterKind, _ wanted: AdapterKind, _ path: String) -> OpahError {
        OpahError(
            .checkpoint,
            "\(name: path): this adapter is of kind \(found.rawValue), and the LoRA configuration says \(wanted.rawValue)",
            hint: "leave the configuration out, or give the one that it was trained with")
    }

    /// Every adapted module's tensors, in the order of `names`.
    private static func parameters(
        _ tensors: StateDict, _ names: [String], _ path: String
    ) throws -> [(name: String, tensors: [Tensor])] {
        var modules: [String] = [], seen: Set<String> = []
        for case let (module, parameter)? in tensors.names.map(LoRAAdapter.split) {
            guard names.contains(parameter) else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): \(module) has a \(parameter), which an adapter of this kind does not have",
                    hint: "the file is damaged")
            }
            if seen.insert(module).inserted { modules.append(module) }
        }
        guard !modules.isEmpty else {
            throw OpahError(
                .checkpoint,
                "\(name: path): there is no adapter in this checkpoint of \(tensors.count) tensors: it was trained without LoRA",
                hint: "a fully fine-tuned model needs no merging; it is loaded as it is")
        }
        return try modules.map { module in
            let found = names.map { tensors["\(module).\($0)"] }
            if let missing = found.firstIndex(where: { $0 == nil }), let there = found.firstIndex(where: { $0 != nil })
            {
                throw OpahError(.checkpoint, "\(name: path): \(module) has a \(names[there]) and no \(names[missing])")
            }
            return (module, found.map { $0! })
        }
    }

    private static func rank(_ found: [(name: String, tensors: [Tensor])], _ path: String) throws -> Int {
        func factors(_ tensors: [Tensor]) -> (a: Tensor, b: Tensor) { (tensors[0], tensors[1]) }
        let first = factors(found[0].tensors), rank = first.a.rank == 2 ? first.a.shape[0] : 0
        for (name, tensors) in found {
            let (a, b) = factors(tensors)
            guard a.rank == 2, b.rank == 2, a.shape[0] == rank, b.shape[1] == rank else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): \(name) has factors of shape \(a.shape) and \(b.shape); all must share one rank")
            }
        }
        return rank
    }

    private static func check(
        _ wanted: LoRAConfiguration, _ found: LoRAMetadata, _ modules: [String], _ path: String
    ) throws {
        guard found.kind == wanted.kind else { throw otherKind(found.kind, wanted.kind, path) }
        for (what, a, b) in [("rank", Double(found.rank), Double(wanted.rank)), ("alpha", found.alpha, wanted.alpha)]
        where a != b {
            throw OpahError(
                .checkpoint,
                "\(name: path): this adapter was trained with \(what) \(shortest(a)), and the LoRA configuration says \(shortest(b))",
                hint: "leave the configuration out: the file records its own")
        }
        // What counts is the layers that the names select, not how they are written.
        let trained = try? LoRATargets.select(found.targets, from: modules),
            chosen = try LoRATargets.select(wanted.targets, from: modules)
        if let trained, trained != chosen {
            throw otherTargets(found.targets.joined(separator: ", "), wanted.targets, path)
        }
    }

    private static func otherTargets(_ found: String, _ wanted: [String], _ path: String) -> OpahError {
        OpahError(
            .checkpoint,
            "\(name: path): the adapter has targets \(found), and the LoRA configuration \(wanted.joined(separator: ", "))",
            hint: "leave the configuration out, or give the one that it was trained with")
    }

    private static func shortest(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? String(value) }

    static func metadata(_ value: CheckpointValue, _ path: String) throws -> LoRAMetadata? {
        guard let table = value[LoRAAdapter.metadataKey] else { return nil }
        guard let rank = table["rank"]?.int, let alpha = table["alpha"]?.double,
            let digest = table["base_digest"]?.string
        else {
            throw OpahError(.checkpoint, "\(name: path): its record of rank, alpha and base is damaged")
        }
        let kind: AdapterKind
        switch table["kind"] {
        case nil: kind = .lora
        case .string(let name)?:
            guard let known = AdapterKind(rawValue: name) else {
                throw OpahError(
                    .checkpoint,
                    "\(name: path): this adapter is of kind '\(name: name)', which this program does not know",
                    hint:
                        "it knows \(AdapterKind.allCases.map(\.rawValue).joined(separator: ", ")): a newer one may know more"
                )
            }
            kind = known
        default: throw OpahError(.checkpoint, "\(name: path): its record of its kind is damaged")
        }
        return LoRAMetadata(
            kind: kind, rank: rank, alpha: alpha, dropout: table["dropout"]?.double ?? 0,
            targets: table["targets"]?.items?.compactMap(\.string) ?? ["all"], baseDigest: digest,
            step: table["step"]?.int)
    }
}
