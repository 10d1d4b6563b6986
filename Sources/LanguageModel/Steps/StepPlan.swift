import Support
import Tensors

/// How a training step stays within a memory budget without computing anything else.
public struct StepPlan: Equatable, Sendable {
    /// Rows of the batch that run together, forward and backward.
    public struct Part: Equatable, Sendable {
        /// Of the rows that hold more than padding, 0-based.
        public var rows: Range<Int>
        /// Frames whose fast stack runs at once.
        public var frames: Int
        /// Slow layers, from the first on, that keep their input only and run again in the backward pass.
        public var recomputedLayers: Int

        public init(rows: Range<Int>, frames: Int = StepPlanner.frameBlock, recomputedLayers: Int = 0) {
            (self.rows, self.frames, self.recomputedLayers) = (rows, frames, recomputedLayers)
        }
    }

    /// One after the other; their gradients add up to those of the batch.
    public var parts: [Part]
    /// Predicted peak of the process's resident memory, weights included.
    public var bytes: Int

    public var recomputedLayers: Int { parts.map(\.recomputedLayers).max() ?? 0 }
}

/// Chooses the plan of a training step.
///
/// What saves memory, in the order in which it is used; what each costs, and what was not worth it, is in
/// docs/notes/a-training-step.md:
///
/// - norms and the gated product are made again (always);
/// - the fast stack runs one block of frames at a time, forward and backward (always);
/// - parts of the batch, one after the other;
/// - smaller blocks of frames;
/// - slow layers keep their input alone, and run again but for their last product.
public struct StepPlanner: Equatable, Sendable {
    /// What the process may take in a step, in bytes of resident memory, weights included. Nine tenths of what the
    /// machine (or its container) has unless set.
    public var memoryBudget: Int
    /// Sets the plan of every part by hand, whatever the budget says: rows per part, frames at once, recomputed layers.
    public var fixed: Fixed?

    public struct Fixed: Equatable, Sendable {
        public var rows: Int, frames: Int, recomputedLayers: Int
        public init(rows: Int = .max, frames: Int = StepPlanner.frameBlock, recomputedLayers: Int = 0) {
            (self.rows, self.frames, self.recomputedLayers) = (rows, frames, recomputedLayers)
        }
    }

    /// Frames that run at once where memory allows: with 8 codebooks 2048 rows, over which expanding a half-stored
    /// weight costs under 1 % of its product.
    public static let frameBlock = 256
    static let smallestFrameBlock = 64

    public init(memoryBudget: Int = Memory.available / 10 * 9) { self.memoryBudget = memoryBudget }

    /// The plan for a batch of `rows`. The cheapest that fits, with a little to spare; where none does, the one that
    /// needs least, with more bytes than the budget.
    public func plan(_ shape: StepShape, rows: [RowSize]) -> StepPlan {
        let memory = StepMemory(shape: shape), layers = shape.slow.layers.count
        // Predictions have been up to 5 % too low.
        let target = memoryBudget / 20 * 19
        func peak(_ range: Range<Int>, _ recomputed: Int, _ frames: Int) -> Int {
            memory.peak(
                rows[range].reduce(RowSize(tokens: 0), +), recomputed: recomputed, frames: frames,
                isWhole: range.count == rows.count)
        }
        var parts: [StepPlan.Part] = [], first = 0
        while first < rows.count {
            var part = StepPlan.Part(rows: first ..< first + 1, frames: Self.frameBlock, recomputedLayers: 0)
            if let fixed {
                part = .init(
                    rows: first ..< min(first + max(min(fixed.rows, rows.count), 1), rows.count),
                    frames: max(fixed.frames, 1),
                    recomputedLayers: min(fixed.recomputedLayers, layers))
            } else {
                while peak(part.rows, 0, part.frames) > target, part.frames > Self.smallestFrameBlock {
                    part.frames /= 2
                }
                while peak(part.rows, part.recomputedLayers, part.frames) > target, part.recomputedLayers < layers {
                    part.recomputedLayers += 1
                }
                // Rows that fit beside it without further cost.
                while part.rows.upperBound < rows.count, part.recomputedLayers == 0,
                    peak(first ..< part.rows.upperBound + 1, 0, part.frames) <= target
                { part.rows = first ..< part.rows.upperBound + 1 }
            }
            parts.append(part)
            first = part.rows.upperBound
        }
        return StepPlan(parts: parts, bytes: parts.map { peak($0.rows, $0.recomputedLayers, $0.frames) }.max() ?? 0)
    }

    /// One part: without gradients nothing is kept.
    func withoutGradients(rows: Int) -> StepPlan {
        StepPlan(parts: [.init(rows: 0 ..< rows, frames: Self.frameBlock, recomputedLayers: 0)], bytes: 0)
    }

    /// The plan for a batch, or an error of kind `memory` when it cannot be done within the budget.
    public func fittingPlan(_ shape: StepShape, rows: [RowSize]) throws -> StepPlan {
        let plan = plan(shape, rows: rows)
        guard fixed != nil || plan.bytes <= memoryBudget else {
            let longest = rows.map(\.tokens).max() ?? 0
            throw OpahError(
                .memory,
                "a step with a row of \(longest) tokens needs about \(plan.bytes / 1_000_000) MB, and memory_budget allows \(memoryBudget / 1_000_000) MB",
                hint: shape.trainedCount > shape.adapterCount
                    ? "train an adapter instead of all weights, lower max_length, or raise memory_budget"
                    : "lower max_length, keep the weights as stored (weights=stored), or raise memory_budget")
        }
        return plan
    }
}
