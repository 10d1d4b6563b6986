import Support

/// What one optimizer step, or one validation, came to.
public struct StepLog: Sendable {
    /// Counts from 1.
    public var step: Int
    public var loss: Double
    public var base: Double
    public var semantic: Double
    public var topFiveAccuracy: Double
    /// The learning rate that the step used, and the gradients' norm before clipping; 0 for a validation.
    public var learningRate = 0.0
    public var gradientNorm = 0.0
    /// Real tokens in the step's batches, and the seconds that it took.
    public var tokens: Int
    public var seconds: Double

    public var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }
}

extension StepLog {
    /// A line of `metrics.jsonl`.
    func entry(_ stage: String) -> ConfigMap {
        var map: ConfigMap = [
            "stage": .string(stage), "step": .int(step), "loss": .double(loss), "base_loss": .double(base),
            "semantic_loss": .double(semantic), "top_5_accuracy": .double(topFiveAccuracy),
        ]
        if stage == "train" {
            map["lr"] = .double(learningRate)
            map["grad_norm"] = .double(gradientNorm)
        }
        map["tokens"] = .int(tokens)
        map["seconds"] = .double(seconds)
        return map
    }
}

/// How a run ended.
public struct TrainingSummary: Sendable {
    public enum Ending: String, Sendable { case finished, alreadyFinished, interrupted, stopped, planned }
    public var ending: Ending
    public var step: Int
    public var firstStep: Int
    public var lastLoss: Double?
    public var checkpoint: String?
    public var coverage: TrainingDataset.Coverage
    public var seconds: Double
}
