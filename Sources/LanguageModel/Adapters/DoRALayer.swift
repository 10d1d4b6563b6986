import Tensors

/// Weight-decomposed adaptation (Liu et al. 2024): the direction of each output's row of the weight is adapted by two
/// factors, its length is a number of its own.
///
/// W' = m * V / |V| with V = W + scale B A, |V| the length of each output's row and m, trained, one number per output.
/// As PEFT has it:
/// - |V| follows the factors, but counts as a constant in the gradient (the paper's section 4.3).
/// - Dropout acts on the input of all that the adapter adds, (m / |V| - 1) W x included; see `NN.loraLinear`.
/// - An embedding's outputs are the table's columns, so m is as long as a row of the table.
/// - Several adapters add up, each as the difference to W. A live scale c blends: W + c (W' - W).
///
/// An output without any length (|V| = 0) has no direction: it stays 0, where PEFT divides by 0.
final class DoRALayer: AdapterLayer {
    static let parameterNames = LoRALayer.parameterNames + ["lora_magnitude_vector"]
    static let hasGain = true

    let name: String
    unowned let module: Module
    unowned let adapter: LoRAAdapter
    let parameters: [Tensor]
    /// The lengths, and what they were of.
    private var known: (norms: Tensor, weight: Storage, versions: [Int])?

    init(on module: Module, _ parameters: [Tensor], _ adapter: LoRAAdapter) {
        (name, self.module, self.parameters, self.adapter) = (module.name, module, parameters, adapter)
    }

    static func shapes(on module: Module, rank: Int) -> [Dims] {
        LoRALayer.shapes(on: module, rank: rank) + [[module.outputs]]
    }

    /// The factors as LoRA's, whose product is 0; m as the weight has it.
    static func initial(on module: Module, _ configuration: LoRAConfiguration, _ generator: Random) throws -> [Tensor] {
        let factors = try LoRALayer.initial(on: module, configuration, generator)
        return factors + [try norms(of: module, factors, scale: configuration.scaling)]
    }

    func change() throws -> WeightChange? {
        guard adapter.scale != 0 else { return nil }
        let factor = try parameters[2].div(norms())   // m / |V|
        return WeightChange(
            a: parameters[0], b: try parameters[1].mul(factor.reshape([factor.count, 1])),
            scale: adapter.configuration.scaling * adapter.scale,
            gain: adapter.scale == 1 ? factor : try factor.mul(Double(adapter.scale)).add(1 - Double(adapter.scale)))
    }

    /// |V|, a constant; infinite where it is 0.
    private func norms() throws -> Tensor {
        let weight = module.weight.tensor
        let versions = ([weight] + parameters.prefix(2)).map(\.storage.version)
        if let known, known.weight === weight.storage, known.versions == versions { return known.norms }
        let norms = try Self.norms(of: module, parameters, scale: adapter.configuration.scaling)
        let values = norms.pointer(Float.self)
        for i in 0 ..< norms.count where values[i] == 0 { values[i] = .infinity }
        known = (norms, weight.storage, versions)
        return norms
    }

    private static func norms(of module: Module, _ factors: [Tensor], scale: Float) throws -> Tensor {
        let weight = module.weight.tensor.detach()
        let a = factors[0].detach()
        let b = factors[1].detach()
        return try module.kind == .linear
            ? NN.rowNorms(weight, a: a, b: b, scale: scale) : NN.columnNorms(weight, a: a, b: b, scale: scale)
    }
}
