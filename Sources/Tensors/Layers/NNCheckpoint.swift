import Support

extension NN {
    /// Runs `function` without keeping what its backward pass would need; backward runs it again.
    ///
    /// Costs one more forward pass and saves its activations. Parameters that `function` uses without
    /// taking them as inputs get their gradients too.
    /// - Parameter generator: what `function` draws from; it repeats its draws in the second run.
    public static func checkpoint(
        _ inputs: [Tensor], generator: Random = .standard,
        _ function: @escaping ([Tensor]) throws -> Tensor
    ) throws -> Tensor {
        try checkpoint(inputs, generator: generator) { inputs, _ in try function(inputs) }
    }

    /// The same for a function that is told whether it runs again: the elements of its result are then not read,
    /// so that what leads to them alone need not be computed.
    public static func checkpoint(
        _ inputs: [Tensor], generator: Random = .standard,
        _ function: @escaping ([Tensor], _ again: Bool) throws -> Tensor
    ) throws -> Tensor {
        guard Autograd.isEnabled else { return try function(inputs, false) }
        let seed = generator.seed, offset = generator.offset, time = Storage.clock
        let result = try Autograd.withoutGradients { try function(inputs, false) }.detach()
        // Parameters inside are not known here, so the outcome always wants a gradient.
        let always = try Tensor(zeros: []).setRequiresGrad()
        let saved = inputs.map(Saved.init), wanted = inputs.map(\.requiresGrad)
        Autograd.record(result, "checkpoint", inputs + [always]) { gradient in
            let leaves = try zip(saved, wanted).map { try $0.value("checkpoint").detach().setRequiresGrad($1) }
            let later = (seed: generator.seed, offset: generator.offset)
            generator.reset(seed: seed, offset: offset)
            defer { generator.reset(seed: later.seed, offset: later.offset) }
            let again = try Autograd.withGradients { try function(leaves, true) }
            if let changed = Autograd.leaves(of: again).first(where: { $0.storage.version > time }) {
                throw OpahError(
                    .gradient,
                    "backward of checkpoint: a parameter of shape \(changed.shape) that it uses was changed in place after it was used",
                    hint: "call backward before the optimizer's step")
            }
            if again.requiresGrad { try Autograd.backward(again, seed: gradient) }
            return zip(leaves, wanted).map { leaf, wants in wants ? leaf.grad : nil } + [nil]
        }
        return result
    }
}
