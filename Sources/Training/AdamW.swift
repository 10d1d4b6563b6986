import Support
import Tensors

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), in PyTorch's order of operations:
///
///     p -= lr * decay * p
///     m  = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
///     p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
///
/// Parameters are contiguous float32 leaves; those without a gradient are left alone.
public final class AdamW {
    public struct Settings: Sendable, Equatable {
        public var learningRate = 1e-4
        public var betas = (0.9, 0.95)
        public var epsilon = 1e-5
        public var weightDecay = 0.0
        public init() {}
        public static func == (a: Settings, b: Settings) -> Bool {
            a.learningRate == b.learningRate && a.betas == b.betas && a.epsilon == b.epsilon
                && a.weightDecay == b.weightDecay
        }
    }

    public var settings: Settings
    /// The learning rate of the next step; a schedule sets it.
    public var learningRate: Double
    public let parameters: [(name: String, tensor: Tensor)]
    /// Steps taken, per parameter: one that had no gradient at first starts its bias correction late, as PyTorch's
    /// does.
    public private(set) var steps: [Int]
    private var firstMoments: [Tensor?]
    private var secondMoments: [Tensor?]

    public init(_ parameters: [(name: String, tensor: Tensor)], _ settings: Settings = Settings()) throws {
        for (name, tensor) in parameters {
            let problem =
                tensor.storage.isMapped
                ? "is mapped from a file, read-only"
                : tensor.dtype != .float32
                    ? "is \(tensor.dtype.rawValue)"
                    : tensor.isContiguous ? nil : "is not contiguous"
            if let problem {
                throw OpahError(
                    .dtype, "adamw: \(name) \(problem); parameters must be contiguous float32",
                    hint: "train a float32 copy: load the weights as float32, or apply an adapter")
            }
        }
        self.parameters = parameters
        self.settings = settings
        learningRate = settings.learningRate
        steps = Array(repeating: 0, count: parameters.count)
        firstMoments = Array(repeating: nil, count: parameters.count)
        secondMoments = firstMoments
    }

    public func zeroGradients() { for (_, tensor) in parameters { tensor.grad = nil } }

    public func step() throws {
        for (i, (name, tensor)) in parameters.enumerated() {
            guard let gradient = try tensor.grad?.contiguous() else { continue }
            guard gradient.shape == tensor.shape, gradient.dtype == .float32 else {
                throw OpahError(
                    .shape, "adamw: the gradient of \(name) is \(gradient.shape), the parameter \(tensor.shape)")
            }
            let m = try firstMoments[i] ?? Tensor(zeros: tensor.shape),
                v = try secondMoments[i] ?? Tensor(zeros: tensor.shape)
            (firstMoments[i], secondMoments[i]) = (m, v)
            steps[i] += 1
            update(tensor, gradient, m, v, step: steps[i])
            tensor.storage.didChange()
        }
    }

    private func update(_ parameter: Tensor, _ gradient: Tensor, _ first: Tensor, _ second: Tensor, step: Int) {
        let (b1, b2) = settings.betas
        let decay = Float(1 - learningRate * settings.weightDecay)
        let stepSize = Float(-learningRate / (1 - power(b1, step)))
        let correction = Float((1 - power(b2, step)).squareRoot()), epsilon = Float(settings.epsilon)
        let take1 = Float(1 - b1), keep2 = Float(b2), take2 = Float(1 - b2)
        let p = parameter.pointer(Float.self), g = gradient.pointer(Float.self)
        let m = first.pointer(Float.self), v = second.pointer(Float.self)
        Parallel.forRange(parameter.count, grain: 1 << 15) { range in
            for i in range {
                let gradient = g[i]
                m[i] += take1 * (gradient - m[i])   // PyTorch's lerp form
                v[i] = keep2 * v[i] + take2 * gradient * gradient
                p[i] = decay * p[i] + stepSize * (m[i] / (v[i].squareRoot() / correction + epsilon))
            }
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0, factor = base, n = exponent
        while n > 0 {
            if n & 1 == 1 { result *= factor }
            factor *= factor
            n >>= 1
        }
        return result
    }

    /// What the optimizer remembers of one parameter.
    public struct Moments {
        public let step: Int
        public let first: Tensor, second: Tensor
        public init(step: Int, first: Tensor, second: Tensor) {
            (self.step, self.first, self.second) = (step, first, second)
        }
    }

    /// Moments by parameter name; nothing for parameters that never had a gradient.
    public var state: [(name: String, moments: Moments)] {
        parameters.indices.compactMap { i in
            guard let first = firstMoments[i], let second = secondMoments[i] else { return nil }
            return (parameters[i].name, Moments(step: steps[i], first: first, second: second))
        }
    }

    /// Puts back what `state` gave. Names that are not among the parameters are an error.
    public func restore(_ state: [(name: String, moments: Moments)]) throws {
        let places = Dictionary(parameters.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for (name, moments) in state {
            guard let place = places[name], moments.first.shape == parameters[place].tensor.shape,
                moments.second.shape == moments.first.shape
            else {
                throw OpahError(
                    .checkpoint,
                    "the optimizer state has \(name) of shape \(moments.first.shape), which does not fit this model",
                    hint: "resume with the rank and targets that the run began with")
            }
            steps[place] = moments.step
            firstMoments[place] = try moments.first.to(.float32).clone()
            secondMoments[place] = try moments.second.to(.float32).clone()
        }
    }
}
