import Tensors

/// Two factors: the weight W becomes W + scale B A.
final class LoRALayer: AdapterLayer {
    static let parameterNames = ["lora_A", "lora_B"]
    static let hasGain = false

    let name: String
    unowned let module: Module
    unowned let adapter: LoRAAdapter
    let parameters: [Tensor]

    init(on module: Module, _ parameters: [Tensor], _ adapter: LoRAAdapter) {
        (name, self.module, self.parameters, self.adapter) = (module.name, module, parameters, adapter)
    }

    /// Of A [r, in] and B [out, r]: an embedding's table counts as the transposed weight of a linear layer.
    static func shapes(on module: Module, rank: Int) -> [Dims] {
        [[rank, module.inputs], [module.outputs, rank]]
    }

    /// Linear layers: A uniform in +-1/sqrt(in) (kaiming-uniform with a = sqrt 5), B zero. Embeddings: A zero, B
    /// standard normal.
    static func initial(on module: Module, _ configuration: LoRAConfiguration, _ generator: Random) throws -> [Tensor] {
        let shapes = shapes(on: module, rank: configuration.rank)
        switch module.kind {
        case .linear:
            let bound = 1 / Double(module.inputs).squareRoot()
            return [
                try Tensor.rand(shapes[0], low: -bound, high: bound, generator: generator),
                try Tensor(zeros: shapes[1])
            ]
        case .embedding:
            return [try Tensor(zeros: shapes[0]), try Tensor.randn(shapes[1], generator: generator)]
        }
    }

    func change() -> WeightChange? {
        let scale = adapter.configuration.scaling * adapter.scale
        return scale == 0 ? nil : WeightChange(a: parameters[0], b: parameters[1], scale: scale)
    }
}
