import Tensors

/// Gradients that are taken during the forward pass, part by part, so that only one part's activations exist at a time.
///
/// A sum of parts has the sum of their gradients, up to the factor that `backward` begins with. Each part runs forward
/// and backward at once with that factor 1; the sums are kept, and handed on, scaled, when the result's turn comes.
final class TakenGradients {
    private let parameters: [Tensor]
    private var sums: [Tensor?]

    /// - Parameter parameters: leaves that the parts may depend on.
    init(_ parameters: [Tensor]) {
        self.parameters = parameters
        sums = parameters.map { _ in nil }
    }

    /// Runs a part's forward and backward pass. Its parameters' own `grad` stays as it is.
    func take(_ part: () throws -> Tensor) throws {
        let before = parameters.map(\.grad)
        for (parameter, sum) in zip(parameters, sums) { parameter.grad = sum }
        sums = []   // so that additions find no other owner
        defer {
            sums = parameters.map(\.grad)
            for (parameter, gradient) in zip(parameters, before) { parameter.grad = gradient }
        }
        let value = try part()
        if Autograd.isEnabled, value.requiresGrad { try value.backward() }
    }

    /// The sum of the parts, [], as an operation on the parameters and on `input`.
    func result(_ value: Double, input: (tensor: Tensor, gradient: Tensor)? = nil) throws -> Tensor {
        let result = try Tensor([Float(value)], [])
        let inputs = (input.map { [$0.tensor] } ?? []) + parameters,
            gradients = (input.map { [$0.gradient] } ?? []) + sums
        Autograd.record(result, "sum of parts", inputs) { gradient in
            let factor = try gradient.contiguous().pointer(Float.self)[0]
            return try gradients.map { try factor == 1 ? $0 : $0?.mul(Double(factor)) }
        }
        return result
    }
}
