import LanguageModel
import Support

/// What one optimizer step, or one validation, came to.
public struct StepLog: Sendable {
    /// Counts from 1; 0 is the measurement before the first step.
    public var step: Int
    /// base + semantic
    public var loss: Double { base + semantic }
    /// Cross-entropy of the tokens, and of the codes.
    public var base = 0.0, semantic = 0.0
    /// Of the codes, the share found among the five best.
    public var topFiveAccuracy = 0.0
    /// The learning rate that the step used, and the gradients' norm before clipping; 0 for a validation.
    public var learningRate = 0.0, gradientNorm = 0.0
    /// Of a validation of several speakers: the loss of each, by name.
    public var speakers: [String: Double] = [:]
    /// Real tokens in the batches, and the seconds that they took.
    public var tokens = 0, seconds = 0.0

    init(step: Int) { self.step = step }

    public var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

    /// Adds the losses of one batch; weights add up to 1.
    mutating func add(_ loss: LossResult, weight: Double) {
        base += loss.base * weight
        semantic += loss.semantic * weight
        topFiveAccuracy += loss.topFiveAccuracy * weight
    }

    mutating func add(_ sums: LossSums, weight: Double) {
        base += sums.base * weight
        semantic += sums.semantic * weight
        topFiveAccuracy += sums.topFiveAccuracy * weight
    }

    /// A line of `metrics.jsonl`.
    func entry(_ stage: String) -> ConfigMap {
        var map: ConfigMap = [
            "stage": .string(stage), "step": .int(step), "loss": .double(loss), "base_loss": .double(base),
            "semantic_loss": .double(semantic), "top_5_accuracy": .double(topFiveAccuracy)
        ]
        if stage == "train" {
            map["lr"] = .double(learningRate)
            map["grad_norm"] = .double(gradientNorm)
        }
        if !speakers.isEmpty {
            var losses = ConfigMap()
            for (name, loss) in speakers.sorted(by: { $0.key < $1.key }) { losses[name] = .double(loss) }
            map["speaker_loss"] = .map(losses)
        }
        map["tokens"] = .int(tokens)
        map["seconds"] = .double(seconds)
        return map
    }
}
