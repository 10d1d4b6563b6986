import Tensors

/// `trainer.precision`: in which numbers the products of a training step with the model's weights are computed.
/// Adapters, norms, softmax, the residual stream, losses and every sum are float32 in each; so is generation.
public enum Precision: String, CaseIterable, Sendable {
    /// bfloat16 where the processor multiplies such numbers and the weights are stored so; otherwise float32.
    case auto
    case single = "32-true"
    /// bfloat16 where the processor multiplies such numbers, otherwise float32. Weights are as they are stored or,
    /// trained, float32; so that the two names mean the same here.
    case half = "bf16-true", mixed = "bf16-mixed"
    /// Factors rounded to bfloat16 on any processor, where need be multiplied as float32 numbers: to go on with a run
    /// that another machine began.
    case rounded = "bf16-rounded"

    /// - Parameter isStoredSo: whether the weights are bfloat16.
    func products(isStoredSo: Bool, isFast: Bool) -> ProductPrecision {
        switch self {
        case .auto: isFast && isStoredSo ? .bfloat16 : .float32
        case .single: .float32
        case .half, .mixed: isFast ? .bfloat16 : .float32
        case .rounded: .bfloat16
        }
    }
}

extension LanguageModel {
    /// What `precision` comes to on this machine, with the weights as they are now.
    public var products: ProductPrecision {
        precision.products(
            isStoredSo: tree.layers.first?.wqkv.weight.tensor.dtype == .bfloat16, isFast: BFloat16Engine.isFast)
    }

    /// One line about it, for a person; nil where all is float32 because that was asked for.
    public var precisionNote: String? {
        let engine = BFloat16Engine.description
        return switch (precision, products) {
        case (.single, _): nil
        case (_, .float32):
            "products with the weights are computed in float32 (precision \(precision.rawValue)): bfloat16 is "
                + (BFloat16Engine.isFast ? "not what the weights are stored in" : engine)
        case (.rounded, _) where !BFloat16Engine.isFast:
            "factors of products are rounded to bfloat16 and multiplied as float32, which is no faster (precision bf16-rounded): bfloat16 is \(engine)"
        case (_, .bfloat16):
            "products with the weights are computed in bfloat16 by \(engine), sums in float32 (precision \(precision.rawValue))"
        }
    }
}
