import Support
import Tensors
import Text

extension LanguageModel {
    /// A model with fresh weights: matrices and embeddings normal with deviation `initializer_range`, biases 0,
    /// norms 1. The same seed gives the same weights.
    /// - Parameter dtype: how they are stored; float32 or bfloat16.
    public static func random(
        _ configuration: ModelConfiguration, seed: UInt64, dtype: DType = .float32,
        tokenizer: Tokenizer? = nil
    ) throws -> LanguageModel {
        guard dtype == .float32 || dtype == .bfloat16 else {
            throw OpahError(.dtype, "random weights are float32 or bfloat16, not \(dtype.rawValue)")
        }
        if let tokenizer { try ModelRelease.check(configuration, tokenizer, folder: tokenizer.directory) }
        let layout = ParameterLayout(configuration).entries, generator = Random(seed: seed)
        let bytes = layout.reduce(0) { $0 + $1.shape.product * dtype.size }
        guard bytes <= Memory.limit / 10 * 9 else {
            throw OpahError(
                .memory,
                "a model of these dimensions takes \(ByteCount.text(bytes)), and this machine has \(ByteCount.text(Memory.limit))"
            )
        }
        let tensors = try layout.map { entry in
            try Interrupt.check()
            return switch entry.role {
            case .matrix, .embedding:
                try Tensor.randn(entry.shape, dtype, std: configuration.initializerRange, generator: generator)
            case .bias: try Tensor(zeros: entry.shape, dtype)
            case .norm: try Tensor.ones(entry.shape, dtype)
            }
        }
        return try LanguageModel(
            configuration, tensors: tensors, tokenizer: tokenizer, folder: nil, maxLength: nil, form: .asStored)
    }
}
