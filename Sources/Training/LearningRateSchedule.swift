#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

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
}
