import Tensors

/// How a training step trades memory for time: layers whose activations would not fit are run again in the backward
/// pass instead of being kept. Each costs about a third more time for that layer.
public struct Recomputation: Equatable, Sendable {
    /// Bytes that the activations of one step may take; half the machine's memory unless set.
    public var memoryBudget: Int
    /// Sets the numbers of recomputed slow and fast layers, whatever the budget says.
    public var layers: (slow: Int, fast: Int)? {
        get { fixed.map { ($0[0], $0[1]) } }
        set { fixed = newValue.map { [$0.slow, $0.fast] } }
    }
    private var fixed: [Int]?

    public init(memoryBudget: Int = Memory.limit / 2) { self.memoryBudget = memoryBudget }

    /// What a step keeps, and which layers it runs again.
    public struct Plan: Equatable, Sendable {
        public var slowLayers = 0, fastLayers = 0
        /// Estimated bytes of activations at the end of the forward pass.
        public var bytes = 0
    }

    /// The plan for `rows` tokens and `frames` fast sequences. Fast layers come first: there are few, and each holds
    /// C rows per frame.
    public func plan(_ configuration: ModelConfiguration, rows: Int, frames: Int) -> Plan {
        let fast = configuration.fast, fastShape = configuration.fastShape
        let slowRows = rows, fastRows = frames * configuration.codebookCount
        func bytes(_ slow: Int, _ quick: Int) -> Int {
            var total = Self.bytes(configuration.slowShape, slowRows, layers: configuration.layerCount, again: slow)
            if let fast, let fastShape { total += Self.bytes(fastShape, fastRows, layers: fast.layerCount, again: quick) }
            return total
        }
        let mostFast = fast?.layerCount ?? 0
        var (slow, quick) = (0, 0)
        if let layers {
            (slow, quick) = (min(layers.slow, configuration.layerCount), min(layers.fast, mostFast))
        } else {
            while bytes(slow, quick) > memoryBudget, slow < configuration.layerCount || quick < mostFast {
                if quick < mostFast { quick += 1 } else { slow += 1 }
            }
        }
        return Plan(slowLayers: slow, fastLayers: quick, bytes: bytes(slow, quick))
    }

    /// Kept per row and layer: two residual inputs, two normed inputs, rotated q, k, v, the attention's result, and three
    /// vectors of the feed-forward; of a recomputed layer the input alone, and all of one layer while it runs again.
    private static func bytes(_ s: LayerShape, _ rows: Int, layers: Int, again: Int) -> Int {
        let kept = 5 * s.dim + s.projectedDim + 3 * s.intermediateSize
        return 4 * rows * ((layers - again) * kept + again * s.dim + (again > 0 ? kept : 0))
    }
}
