/// In which numbers the products of a training step with its weights are computed. Sums are always float32.
public enum ProductPrecision: String, Codable, Sendable {
    case float32
    /// Both factors rounded to bfloat16 (8 bits, half to even). Weights stored so lose nothing.
    case bfloat16
}
