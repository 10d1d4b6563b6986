import LanguageModel
import Support
import Tensors

/// The exponential moving average of what is trained (Polyak and Juditsky 1992): after each step a <- d a + (1 - d) w.
/// It swings less than the weights themselves, so that a run's end does not depend on its last few rows.
///
/// Step t (from 1) takes d = min(decay, (1 + t) / (10 + t)), the usual warm-up: at first the weights run away from an
/// average that still holds what they began with.
final class WeightAverage {
    let decay: Double
    /// The averages, float32, by the names and in the order of the trained tensors.
    let averages: [(name: String, tensor: Tensor)]
    private let trained: [(name: String, tensor: Tensor)]

    init(of trained: [(name: String, tensor: Tensor)], decay: Double) throws {
        self.trained = trained
        self.decay = decay
        averages = try trained.map { ($0.name, try $0.tensor.detach().clone()) }
    }

    func follow(step: Int) throws {
        let share = 1 - min(decay, Double(1 + step) / Double(10 + step))
        try Autograd.withoutGradients {
            for (average, weight) in zip(averages, trained) {
                try average.tensor.add_(weight.tensor.detach().sub(average.tensor).mul_(share))
            }
        }
    }

    func restore(_ saved: [(name: String, tensor: Tensor)]) throws {
        let places = Dictionary(saved.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        for (name, tensor) in averages {
            guard let value = places[name], value.shape == tensor.shape else {
                throw OpahError(.format, "the average of \(name) is missing or has another shape")
            }
            _ = try tensor.copy_(value)
        }
    }

    /// Runs `body` with the averages in the model, where the trained weights are otherwise.
    func whileInPlace<R>(_ body: () throws -> R) throws -> R {
        try exchange()
        do {
            let result = try body()
            try exchange()
            return result
        } catch {
            try exchange()
            throw error
        }
    }

    private func exchange() throws {
        try Autograd.withoutGradients {
            for (average, weight) in zip(averages, trained) {
                let kept = try weight.tensor.detach().clone()
                _ = try weight.tensor.copy_(average.tensor)
                _ = try average.tensor.copy_(kept)
            }
        }
    }
}
