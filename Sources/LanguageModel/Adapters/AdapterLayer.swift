import Support
import Tensors

/// What an adapter does to one module: the seam between the kinds of adapters and everything that runs them.
///
/// A kind says which tensors it has, how they begin, and which change of the weight they make. Forward and backward
/// passes (`Projection`, `NN.loraLinear`, `NN.loraEmbedding`, `NN.linearCrossEntropy`), generation (`DecoderLinear`,
/// `DecoderEmbedding`), merging, files, plans and costs know only this and `WeightChange`.
protocol AdapterLayer: AnyObject {
    /// Endings of its tensors' names in checkpoints, in order: `lora_A` of `<module>.lora_A`. The first two are the
    /// factors.
    static var parameterNames: [String] { get }
    /// Whether its changes have a gain.
    static var hasGain: Bool { get }
    /// Shapes in the order of the names.
    static func shapes(on module: Module, rank: Int) -> [Dims]
    /// The values that it begins with: the output is the base's.
    static func initial(on module: Module, _ configuration: LoRAConfiguration, _ generator: Random) throws -> [Tensor]

    /// - Parameter parameters: float32, in the order of the names.
    init(on module: Module, _ parameters: [Tensor], _ adapter: LoRAAdapter)
    /// The module's name, which outlives it.
    var name: String { get }
    var module: Module { get }
    var adapter: LoRAAdapter { get }
    var parameters: [Tensor] { get }
    /// What it does to the weight now, the adapter's live scale included; nil for nothing. Gradients flow to the
    /// parameters.
    func change() throws -> WeightChange?
}

extension AdapterLayer {
    /// `<module>.lora_A` and so on.
    var namedParameters: [(name: String, tensor: Tensor)] {
        zip(Self.parameterNames, parameters).map { ("\(name).\($0)", $1) }
    }
}

/// The change of a weight: of each output the row of W times a gain, plus a product of low rank.
///
/// On a linear layer, W [out, in] becomes diag(gain) W + scale B A. An embedding's table [V, D] counts as the
/// transposed weight of a linear layer: W becomes W diag(gain) + scale (B A)^T.
struct WeightChange {
    /// [r, in] on a linear layer, [r, V] on an embedding.
    var a: Tensor
    /// [out, r] on a linear layer, [D, r] on an embedding.
    var b: Tensor
    var scale: Float
    /// [out] or [D]; nil for 1.
    var gain: Tensor?
}

extension Module {
    /// What the adapters on it do, as they are now, oldest first.
    func changes() throws -> [WeightChange] { try layers.compactMap { try $0.change() } }

    /// All of them as one, factors side by side, each with its own scale; nil for nothing.
    func change() throws -> WeightChange? {
        let changes = try changes()
        guard changes.count > 1 else { return changes.first }
        return WeightChange(
            a: try Tensor.cat(changes.map(\.a), dim: 0),
            b: try Tensor.cat(changes.map { try $0.b.mul(Double($0.scale)) }, dim: 1), scale: 1,
            gain: try Self.gain(changes))
    }

    /// The gain of all together, 1 + the sum of (gain - 1); nil for 1.
    static func gain(_ changes: [WeightChange]) throws -> Tensor? {
        let gains = changes.compactMap(\.gain)
        guard let first = gains.first else { return nil }
        return try gains.dropFirst().reduce(first) { try $0.add($1).sub(1) }
    }
}
