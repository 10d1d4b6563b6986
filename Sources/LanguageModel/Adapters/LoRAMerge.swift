import Support
import Tensors

extension LanguageModel {
    /// Adds every adapter to the weights it sits on, and takes the adapters off.
    ///
    /// weight + alpha / r * (B A): the product and the sum in float32, one rounding to the weight's dtype. Merging stores
    /// what an adapter does; nothing else in this program needs it.
    public func mergeLoRA() throws {
        for module in tree.adaptable where !module.factors.isEmpty {
            try Interrupt.check()
            module.weight.tensor = try Self.merged(module, dtype: module.weight.tensor.dtype)
            module.factors = []
        }
        adapters = []
        weightsChanged()
    }

    /// The weight of a module with its adapters added, rounded once to `dtype`.
    static func merged(_ module: Module, dtype: DType) throws -> Tensor {
        let weight = module.weight.tensor.detach()
        let wide = try weight.to(.float32)
        let sum = wide.storage === weight.storage ? try wide.clone() : wide
        for factors in module.factors { addProduct(factors, module.kind, to: sum.pointer(), module.rows, module.columns) }
        return try sum.to(dtype)
    }

    /// sum[row, column] += scale * (B A), where the terms of each product are added in order with fused operations, so
    /// that the bits do not depend on the machine.
    private static func addProduct(_ factors: LoRAFactors, _ kind: Module.Kind, to sum: UnsafeMutablePointer<Float>,
                                   _ rows: Int, _ columns: Int) {
        let rank = factors.a.shape[0], scale = factors.scale
        nonisolated(unsafe) let a = factors.a.pointer(Float.self), b = factors.b.pointer(Float.self), sum = sum
        Parallel.forRange(rows, grain: max(1, 16384 / (columns * rank))) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { product in
                for row in range {
                    for column in 0..<columns { product[column] = 0 }
                    for k in 0..<rank {
                        switch kind {
                        case .linear:
                            let left = b[row * rank + k], right = a + k * columns
                            for column in 0..<columns { product[column].addProduct(left, right[column]) }
                        case .embedding:   // the transposed product
                            let left = a[k * rows + row]
                            for column in 0..<columns { product[column].addProduct(left, b[column * rank + k]) }
                        }
                    }
                    // Two roundings, as the reference: first the scaled product, then the sum.
                    for column in 0..<columns {
                        let scaled = product[column] * scale
                        sum[row * columns + column] = sum[row * columns + column] + scaled
                    }
                }
            }
        }
    }
}
