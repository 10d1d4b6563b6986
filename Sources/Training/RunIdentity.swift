import Formats
import Support

/// What a run is made of. A checkpoint can only be resumed by a run of the same identity, and an adapter only be
/// merged into the base that it was trained on.
public struct RunIdentity: Sendable, Equatable {
    /// Rank, alpha, dropout and targets of the adapter; nil when all weights are trained.
    public struct Adapter: Sendable, Equatable {
        public var rank: Int, alpha: Double, dropout: Double, targets: [String]
        public init(rank: Int, alpha: Double, dropout: Double, targets: [String]) {
            (self.rank, self.alpha, self.dropout, self.targets) = (rank, alpha, dropout, targets)
        }
    }

    public var adapter: Adapter?
    public var baseDigest: String
    public var datasetDigest: String
    public var seed: Int
    /// Settings that change what a step computes, by name.
    public var settings: [String: String]

    public init(adapter: Adapter?, baseDigest: String, datasetDigest: String, seed: Int, settings: [String: String]) {
        self.adapter = adapter
        self.baseDigest = baseDigest
        self.datasetDigest = datasetDigest
        self.seed = seed
        self.settings = settings
    }

    /// Every way in which `other` is another run, in words.
    public func differences(to other: RunIdentity) -> [String] {
        var found: [String] = []
        func compare(_ what: String, _ mine: String, _ theirs: String) {
            if mine != theirs { found.append("\(what): \(theirs) before, \(mine) now") }
        }
        func text(_ adapter: Adapter?) -> String {
            adapter.map { "rank \($0.rank), alpha \($0.alpha), dropout \($0.dropout), \($0.targets.count) targets" } ?? "none"
        }
        compare("adapter", text(adapter), text(other.adapter))
        if text(adapter) == text(other.adapter), adapter?.targets != other.adapter?.targets { found.append("the adapter's targets differ") }
        if baseDigest != other.baseDigest { found.append("the base model has other weights") }
        if datasetDigest != other.datasetDigest { found.append("the dataset has other clips") }
        compare("seed", String(seed), String(other.seed))
        for key in Set(settings.keys).union(other.settings.keys).sorted() {
            compare(key, settings[key] ?? "not set", other.settings[key] ?? "not set")
        }
        return found
    }

    var saved: [(String, CheckpointValue)] {
        [
            ("lora", adapter.map {
                .table([("r", .int($0.rank)), ("lora_alpha", .double($0.alpha)), ("lora_dropout", .double($0.dropout)),
                        ("targets", .list($0.targets.map(CheckpointValue.string)))])
            } ?? .none),
            ("base_digest", .string(baseDigest)),
            ("dataset_digest", .string(datasetDigest)),
            ("seed", .int(seed)),
            ("settings", .table(settings.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
        ]
    }

    init?(saved: CheckpointValue) {
        guard let base = saved["base_digest"]?.string, let dataset = saved["dataset_digest"]?.string,
              let seed = saved["seed"]?.int, let settings = saved["settings"]?.dict else { return nil }
        var adapter: Adapter?
        if let lora = saved["lora"], lora.dict != nil {
            guard let rank = lora["r"]?.int, let alpha = lora["lora_alpha"]?.double, let dropout = lora["lora_dropout"]?.double,
                  let targets = lora["targets"]?.items else { return nil }
            adapter = Adapter(rank: rank, alpha: alpha, dropout: dropout, targets: targets.compactMap(\.string))
        }
        self.init(adapter: adapter, baseDigest: base, datasetDigest: dataset, seed: seed,
                  settings: Dictionary(settings.compactMap { pair in pair.key.string.flatMap { key in pair.value.string.map { (key, $0) } } },
                                       uniquingKeysWith: { $1 }))
    }
}
