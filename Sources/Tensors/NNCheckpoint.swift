import Support

extension NN {
    /// Runs `function` without keeping what its backward pass would need; backward runs it again.
    ///
    /// Costs one more forward pass and saves its activations. Parameters that `function` uses without
    /// taking them as inputs get their gradients too. `function` must give the same result both times:
    /// draw dropout seeds outside it, or pass the `restore` that puts the generator back.
    /// - Parameter restore: called before the second run; sets random generators to what they were before the first.
    public static func checkpoint(_ inputs: [Tensor], restoring restore: (() throws -> () throws -> Void)? = nil,
                                  _ function: @escaping ([Tensor]) throws -> Tensor) throws -> Tensor {
        guard Autograd.isEnabled else { return try function(inputs) }
        let rewind = try restore?()
        let result = try Autograd.withoutGradients { try function(inputs) }.alias
        // Parameters inside are not known here, so the outcome always wants a gradient.
        let always = try Tensor(empty: [])
        always.requiresGrad = true
        let wanted = inputs.map(\.requiresGrad)
        Autograd.record(result, "checkpoint", inputs + [always]) { gradient in
            let leaves = inputs.map { input in
                let leaf = input.alias
                leaf.requiresGrad = input.requiresGrad
                return leaf
            }
            let reenter = try rewind.map { _ in try restore!() }
            try rewind?()
            let again = try Autograd.withGradients { try function(leaves) }
            try reenter?()
            if again.requiresGrad { try Autograd.backward(again, seed: gradient) }
            return zip(leaves, wanted).map { leaf, wants in wants ? leaf.grad : nil }
        }
        return result
    }
}
