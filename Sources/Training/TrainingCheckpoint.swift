import Dataset
import Formats
import LanguageModel
import Support
import Tensors

/// One saved moment of a training run: the trained tensors, everything that the next step depends on, and
/// what the run was made of, so that nobody has to remember it.
///
/// The file is a zip .ckpt that `torch.load(weights_only=True)` opens: `state_dict` has the trained tensors as
/// `model.<name>`, `global_step` the number of optimizer steps. An adapter's rank, alpha, targets and base lie
/// under `LoRAAdapter.metadataKey`; what is ours alone under `optimizer` and `opah`.
public struct TrainingCheckpoint {
    public static let formatVersion = 1

    /// Optimizer steps taken.
    public var step: Int
    /// Trained tensors by their name in the model; their averages, where the run keeps some.
    public var parameters: [(name: String, tensor: Tensor)]
    /// The trained tensors themselves, where `parameters` are averages.
    public var trained: [(name: String, tensor: Tensor)]?
    public var optimizer: [(name: String, moments: AdamW.Moments)]
    public var sampler: TrainingDataset.State
    public var identity: RunIdentity
    /// What `LoRAAdapter.metadata` says; nil when all weights are trained.
    public var adapter: CheckpointValue?

    public func save(_ path: String) throws {
        var table: [(String, CheckpointValue)] = [
            ("epoch", 0),
            ("global_step", .int(step)),
            ("state_dict", .tensors(parameters.map { (name: "model." + $0.name, tensor: $0.tensor.detach()) })),
            (
                "optimizer",
                .table(
                    optimizer.map { name, moments in
                        (
                            name,
                            [
                                "step": .int(moments.step), "exp_avg": .tensor(moments.first),
                                "exp_avg_sq": .tensor(moments.second)
                            ]
                        )
                    })
            ),
            (
                "opah",
                .table(
                    [
                        ("format", .int(Self.formatVersion)),
                        ("sampler", sampler.saved),
                        ("run", .table(identity.facts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
                    ]
                        + (trained.map {
                            [("trained", .tensors($0.map { (name: $0.name, tensor: $0.tensor.detach()) }))]
                        } ?? []))
            )
        ]
        if let adapter { table.append((LoRAAdapter.metadataKey, adapter)) }
        try Checkpoint.save(.table(table), to: path)
    }

    /// Whether the error says that a file is not what was once written: cut short, altered, unreadable. A checkpoint of
    /// another program or of a newer Opah is whole, and nothing that a run may pass over.
    static func isDamage(_ error: OpahError) -> Bool { [.format, .file, .unsafe, .dtype, .shape].contains(error.kind) }

    /// Reads a checkpoint and holds all of it against its checksums.
    public static func load(_ path: String) throws -> TrainingCheckpoint {
        let file = try Checkpoint.load(path, verify: true)
        guard let ours = file["opah"] else {
            throw OpahError(
                .checkpoint, "\(name: path): was not written by Opah, so it cannot be resumed",
                hint: "its adapter can be merged (opah run merge-lora) or put on a model (lora.load)")
        }
        func broken(_ what: String) -> OpahError { OpahError(.format, "\(name: path): \(what) is missing or damaged") }
        guard let format = ours["format"]?.int else { throw broken("its format number") }
        guard format <= formatVersion else {
            throw OpahError(
                .checkpoint, "\(name: path): was written by a newer Opah (format \(format))", hint: "update Opah")
        }
        guard let step = file["global_step"]?.int, step >= 0 else { throw broken("its step") }
        guard let optimizer = file["optimizer"]?.dict else { throw broken("the optimizer's state") }
        guard let sampler = ours["sampler"].flatMap(TrainingDataset.State.init(saved:)) else {
            throw broken("the sampler's state")
        }
        guard let facts = ours["run"]?.dict, let state = file["state_dict"] else {
            throw broken("the account of the run")
        }
        return TrainingCheckpoint(
            step: step,
            parameters: try state.stateDict().dropping(prefix: "model.").map { $0 },
            trained: try ours["trained"]?.stateDict().map { $0 },
            optimizer: try optimizer.map { key, value in
                guard let name = key.string, let count = value["step"]?.int, count >= 0,
                    let first = value["exp_avg"]?.tensor,
                    let second = value["exp_avg_sq"]?.tensor
                else { throw broken("the optimizer's state") }
                return (name, AdamW.Moments(step: count, first: first, second: second))
            },
            sampler: sampler,
            identity: RunIdentity(
                facts: Dictionary(
                    facts.compactMap { pair in
                        pair.key.string.flatMap { key in pair.value.string.map { (key, $0) } }
                    }, uniquingKeysWith: { $1 })),
            adapter: file[LoRAAdapter.metadataKey])
    }
}

extension TrainingDataset.State {
    var saved: CheckpointValue {
        switch self {
        case .coverage(let pass, let position):
            ["kind": "coverage", "pass": .int(pass), "position": .int(position)]
        case .reference(let random, let counts):
            [
                "kind": "reference", "random": .int(Int(bitPattern: UInt(random))),
                "counts": .list(counts.map { .list($0.map(CheckpointValue.int)) })
            ]
        }
    }

    init?(saved: CheckpointValue) {
        switch saved["kind"]?.string {
        case "coverage":
            guard let pass = saved["pass"]?.int, let position = saved["position"]?.int, pass >= 0, position >= 0 else {
                return nil
            }
            self = .coverage(pass: pass, position: position)
        case "reference":
            guard let random = saved["random"]?.int, let counts = saved["counts"]?.items else { return nil }
            self = .reference(
                random: UInt64(UInt(bitPattern: random)), counts: counts.map { ($0.items ?? []).compactMap(\.int) })
        default: return nil
        }
    }
}
