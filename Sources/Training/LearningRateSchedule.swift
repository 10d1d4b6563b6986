import Glibc
import Support

/// The factor on the learning rate at each step. `step` counts from 0, so the first optimizer step of a
/// schedule with warm-up has the factor 0.
public enum LearningRateSchedule: Sendable, Equatable {
    /// From 0 to 1 in `warmup` steps, then 1.
    case constant(warmup: Int)
    /// From 0 to 1 in `warmup` steps, then down along `cycles` cosine waves until `total`, never below `floor`.
    case cosine(warmup: Int, total: Int, cycles: Double = 0.5, floor: Double = 0)

    public func factor(_ step: Int) -> Double {
        switch self {
        case .constant(let warmup):
            return step < warmup ? Double(step) / Double(max(1, warmup)) : 1
        case .cosine(let warmup, let total, let cycles, let floor):
            if step < warmup { return Double(step) / Double(max(1, warmup)) }
            let progress = Double(step - warmup) / Double(max(1, total - warmup))
            return max(floor, 0.5 * (1 + cos(.pi * cycles * 2 * progress)))
        }
    }

    /// A number of warm-up steps: whole, or a fraction between 0 and 1 of `total`.
    public static func warmupSteps(_ value: Double, of total: Int?) throws -> Int {
        if value > 0, value < 1 {
            guard let total else {
                throw OpahError(
                    .config, "\(value) of the steps to warm up, but num_training_steps is not set",
                    hint: "give num_training_steps, or the number of warm-up steps itself")
            }
            return Int(value * Double(total))
        }
        guard let steps = Int(exactly: value.rounded(.towardZero)), steps >= 0 else {
            throw OpahError(.config, "num_warmup_steps must be 0 or more, not \(value)")
        }
        return steps
    }
}
