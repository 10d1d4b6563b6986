import Support
import Tensors

/// Scales the gradients of `parameters` so that their common 2-norm is at most `limit`, and returns the norm
/// before: PyTorch's `clip_grad_norm_`. Norms add up in Double, in the order given.
/// A norm that is not a number scales nothing: the caller decides what to do with the step.
@discardableResult
public func clipGradientNorm(_ parameters: [Tensor], _ limit: Double) throws -> Double {
    var gradients: [Tensor] = []
    for parameter in parameters {
        guard let gradient = parameter.grad else { continue }
        let contiguous = try gradient.contiguous()
        if contiguous !== gradient { parameter.grad = contiguous }
        gradients.append(contiguous)
    }
    let norm = gradientNorm(gradients)
    let scale = Float(limit / (norm + 1e-6))
    if norm.isFinite, scale < 1 {
        for gradient in gradients {
            let g = gradient.pointer(Float.self)
            Parallel.forRange(gradient.count, grain: 1 << 16) { range in for i in range { g[i] *= scale } }
            gradient.storage.didChange()
        }
    }
    return norm
}

/// The 2-norm of all gradients together. Each tensor is summed in fixed blocks, so threads change nothing.
func gradientNorm(_ gradients: [Tensor]) -> Double {
    let block = 1 << 14
    var total = 0.0
    for gradient in gradients {
        let g = gradient.pointer(Float.self), count = gradient.count, blocks = (count + block - 1) / block
        let sums = UnsafeMutableBufferPointer<Double>.allocate(capacity: blocks)
        defer { sums.deallocate() }
        let pointer = sums.baseAddress
        Parallel.forRange(blocks, grain: 4) { range in
            for b in range {
                let end = min((b + 1) * block, count)
                var i = b * block, lanes = SIMD4<Double>()
                while i + 4 <= end {
                    let x = SIMD4<Double>(Double(g[i]), Double(g[i + 1]), Double(g[i + 2]), Double(g[i + 3]))
                    lanes += x * x
                    i += 4
                }
                var sum = lanes.sum()
                while i < end { sum += Double(g[i]) * Double(g[i]); i += 1 }
                pointer![b] = sum
            }
        }
        total += sums.reduce(0, +)
    }
    return total.squareRoot()
}
