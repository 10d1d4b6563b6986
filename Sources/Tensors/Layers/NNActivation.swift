import Support

extension NN {
    /// The gated unit of the feed-forward layers: silu(gate) * up, elementwise; silu(x) = x / (1 + e^-x).
    public static func swiGLU(_ gate: Tensor, _ up: Tensor) throws -> Tensor {
        let gate = try gate.single(), up = try up.single()
        guard gate.shape == up.shape else {
            throw OpahError(.shape, "swiGLU: gate of shape \(gate.shape) and up of shape \(up.shape) must agree")
        }
        let a = try gate.dense("swiGLU"), b = try up.dense("swiGLU")
        let result = try gated(a, b)
        let savedA = Saved(a), savedB = Saved(b)
        Autograd.record(result, "swiGLU", [gate, up]) { gradient in
            let dGate = try Tensor(empty: gradient.shape), dUp = try Tensor(empty: gradient.shape)
            let plain = try gradient.dense("swiGLU")
            let g = plain.pointer(Float.self), ap = try savedA.pointer("swiGLU"), bp = try savedB.pointer("swiGLU")
            let da = dGate.pointer(Float.self), db = dUp.pointer(Float.self)
            Parallel.forRange(plain.count, grain: 8192) { range in
                eachVector(range.count) { j, lanes in
                    let i = range.lowerBound &+ j
                    let x = load(ap + i, lanes), y = load(g + i, lanes), s = x.logistic()
                    store(y * x * s, db + i, lanes)
                    // silu'(x) = s + x s (1 - s)
                    store(y * load(bp + i, lanes) * s.addingProduct(x * s, Float8(1) - s), da + i, lanes)
                }
            }
            return [dGate, dUp]
        }
        result.node?.remake = { try gated(savedA.value("swiGLU"), savedB.value("swiGLU")) }
        return result
    }

    private static func gated(_ gate: Tensor, _ up: Tensor) throws -> Tensor {
        let result = try Tensor(empty: gate.shape)
        let ap = gate.pointer(Float.self), bp = up.pointer(Float.self), out = result.pointer(Float.self)
        Parallel.forRange(result.count, grain: 8192) { range in
            eachVector(range.count) { j, lanes in
                let i = range.lowerBound &+ j, x = load(ap + i, lanes)
                store(x * x.logistic() * load(bp + i, lanes), out + i, lanes)
            }
        }
        return result
    }
}
