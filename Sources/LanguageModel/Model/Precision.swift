import Support
import Tensors

/// `trainer.precision`: in which numbers the products of a training step with the model's weights are computed.
/// Adapters, norms, softmax, the residual stream, losses and every sum are float32 in each; so is generation.
public enum Precision: String, CaseIterable, Sendable {
    /// bfloat16 where the processor multiplies such numbers, faster than float32, and the weights are stored so;
    /// otherwise float32.
    case auto
    case single = "32-true"
    /// bfloat16 where the processor multiplies such numbers, otherwise float32. Weights are as they are stored or,
    /// trained, float32; so that the two names mean the same here.
    case half = "bf16-true", mixed = "bf16-mixed"
    /// Factors rounded to bfloat16 on any processor, where need be multiplied as float32 numbers: to go on with a run
    /// that another machine began.
    case rounded = "bf16-rounded"

    /// - Parameters:
    ///   - isStoredSo: whether the weights are bfloat16.
    ///   - isFaster: asked for where it matters alone, as it is measured.
    func products(isStoredSo: Bool, isAvailable: Bool, isFaster: @autoclosure () -> Bool) -> ProductPrecision {
        switch self {
        case .auto: isAvailable && isStoredSo && isFaster() ? .bfloat16 : .float32
        case .single: .float32
        case .half, .mixed: isAvailable ? .bfloat16 : .float32
        case .rounded: .bfloat16
        }
    }
}

/// What `auto` comes to where more than this machine decides: it is measured, and another machine, or another minute,
/// may measure another thing.
public struct SettledProducts: Sendable {
    public let products: ProductPrecision
    /// Why it is not bfloat16: `not faster on every machine of this run`.
    public let reason: String

    public init(_ products: ProductPrecision, reason: String) { (self.products, self.reason) = (products, reason) }
}

extension LanguageModel {
    /// What `precision` comes to: on this machine, with the weights as they are now, unless it was settled.
    public var products: ProductPrecision {
        if precision == .auto, let settled { return settled.products }
        return precision.products(
            isStoredSo: isStoredInBFloat16, isAvailable: BFloat16Engine.isAvailable, isFaster: BFloat16Engine.isFaster)
    }

    private var isStoredInBFloat16: Bool { tree.layers.first?.wqkv.weight.tensor.dtype == .bfloat16 }

    /// Why products are not in bfloat16.
    private var notHalf: String {
        if precision == .auto, let settled { return settled.reason }
        guard BFloat16Engine.isAvailable else { return BFloat16Engine.description }
        guard isStoredInBFloat16 else { return "not what the weights are stored in" }
        return "no faster on this processor (\(DecimalText.significant(BFloat16Engine.speed ?? 0, 2)) times as fast)"
    }

    /// One line about it, for a person; nil where all is float32 because that was asked for.
    public var precisionNote: String? {
        let engine = BFloat16Engine.description
        return switch (precision, products) {
        case (.single, _): nil
        case (_, .float32):
            "products with the weights are computed in float32 (precision \(precision.rawValue)): bfloat16 is "
                + notHalf
        case (_, .bfloat16) where !BFloat16Engine.isAvailable:
            "factors of products are rounded to bfloat16 and multiplied as float32, which is no faster (precision \(precision.rawValue)): bfloat16 is \(engine)"
        case (_, .bfloat16):
            "products with the weights are computed in bfloat16 by \(engine), sums in float32 (precision \(precision.rawValue))"
        }
    }
}
