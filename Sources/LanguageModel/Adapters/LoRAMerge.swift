import Support
import Tensors

extension LanguageModel {
    /// Adds every adapter to the weights it sits on, and takes the adapters off.
    ///
    /// gain * weight + scale * (B A): the product and the sum in float32, one rounding to the weight's dtype. Merging
    /// stores what an adapter does; nothing else in this program needs it.
    public func mergeLoRA() throws {
        for module in tree.adaptable where !module.layers.isEmpty {
            try Interrupt.check()
            module.weight.tensor = try Self.merged(module, dtype: module.weight.tensor.dtype)
            module.layers = []
        }
        adapters = []
        weightsChanged()
    }

    /// The weight of a module with its adapters added, rounded once to `dtype`.
    static func merged(_ module: Module, dtype: DType) throws -> Tensor {
        try Autograd.withoutGradients {
            let weight = module.weight.tensor.detach(), changes = try module.changes()
            var sum = try weight.to(.float32)
            if let gain = try Module.gain(changes) {
                sum = try sum.mul(module.kind == .linear ? gain.reshape([module.rows, 1]) : gain)
            } else if sum.storage === weight.storage {
                sum = try sum.clone()
            }
            for change in changes {
                try addProduct(change, module.kind, to: sum.pointer(), module.rows, module.columns)
            }
            return try sum.to(dtype)
        }
    }

    /// sum[row, column] += scale * (B A), where the terms of each product are added in order with fused operations, so
    /// that the bits do not depend on the machine.
    private static func addProduct(
        _ change: WeightChange, _ kind: Module.Kind, to sum: UnsafeMutablePointer<Float>,
        _ rows: Int, _ columns: Int
    ) throws {
        let plainA = try change.a.detach().contiguous(), plainB = try change.b.detach().contiguous()
        let rank = plainA.shape[0], scale = change.scale
        nonisolated(unsafe) let a = plainA.pointer(Float.self), b = plainB.pointer(Float.self), sum = sum
        Parallel.forRange(rows, grain: max(1, 16384 / (columns * rank))) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { product in
                for row in range {
                    for column in 0 ..< columns { product[column] = 0 }
                    for k in 0 ..< rank {
                        switch kind {
                        case .linear:
                            let left = b[row * rank + k], right = a + k * columns
                            for column in 0 ..< columns { product[column].addProduct(left, right[column]) }
                        case .embedding:   // the transposed product
                            let left = a[k * rows + row]
                            for column in 0 ..< columns { product[column].addProduct(left, b[column * rank + k]) }
                        }
                    }
                    // Two roundings, as the reference: first the scaled product, then the sum.
                    for column in 0 ..< columns {
                        let scaled = product[column] * scale
                        sum[row * columns + column] = sum[row * columns + column] + scaled
                    }
                }
            }
        }
    }
}
