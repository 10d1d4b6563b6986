import Dataset
import LanguageModel
import Support
import Tensors

/// What a run is made of: everything that decides what a step computes. A checkpoint can only be resumed by a
/// run of the same identity.
public struct RunIdentity: Sendable, Equatable {
    /// Facts by name, all as text: compared, shown and saved alike.
    public var facts: [String: String]

    public init(facts: [String: String]) { self.facts = facts }

    init(model: LanguageModel, data: TrainingDataset, settings: TrainerSettings) throws {
        facts = settings.identity.merging(data.settings.identity) { first, _ in first }
        facts["base_digest"] = try model.baseDigest()
        facts["dataset_digest"] = data.digest
        // Absent from runs in float32, as from those of before there was a choice.
        if model.products == .bfloat16 { facts["precision"] = "bfloat16" }
        let adapters = model.adapters.map { adapter in
            let c = adapter.configuration
            return (c.kind == .lora ? "" : "kind \(c.kind.rawValue), ")
                + "rank \(c.rank), alpha \(c.alpha), dropout \(c.dropout), targets \(c.targets.joined(separator: " "))"
        }
        facts["adapter"] = adapters.isEmpty ? "none" : adapters.joined(separator: "; ")
    }

    /// In which numbers the run's products with weights are.
    var products: ProductPrecision { facts["precision"] == "bfloat16" ? .bfloat16 : .float32 }

    /// Every way in which this run is another one than `other`, in words.
    public func differences(to other: RunIdentity) -> [String] {
        Set(facts.keys).union(other.facts.keys).sorted().compactMap { name in
            let (before, now) = (other.facts[name] ?? "not set", facts[name] ?? "not set")
            guard before != now else { return nil }
            switch name {
            case "base_digest": return "the base model has other weights"
            case "precision":
                return now == "bfloat16"
                    ? "products were in float32 and are in bfloat16 (trainer.precision=32-true goes on as before)"
                    : "products were in bfloat16 and are in float32 (trainer.precision=bf16-rounded goes on as before, on any processor)"
            case "dataset_digest": return "the dataset has other clips or texts"
            default: return "\(name) was \(before) and is \(now)"
            }
        }
    }
}
