import Support
import Tensors

/// The two factors of an adapter on one module.
final class LoRAFactors {
    let module: String
    /// [r, in] on a linear layer, [r, entries] on an embedding.
    let a: Tensor
    /// [out, r] on a linear layer, [width, r] on an embedding.
    let b: Tensor
    unowned let adapter: LoRAAdapter

    init(_ module: String, a: Tensor, b: Tensor, _ adapter: LoRAAdapter) {
        (self.module, self.a, self.b, self.adapter) = (module, a, b, adapter)
    }

    /// What B A is multiplied by, the live scale included.
    var scale: Float { adapter.configuration.scaling * adapter.scale }
}

/// A low-rank adapter on a model: float32 tensors beside the base weights, never mixed into them while it is
/// trained or evaluated.
public final class LoRAAdapter {
    public let configuration: LoRAConfiguration
    /// Strength at which it is applied, live: 0 is off, 1 is as trained.
    public var scale: Float = 1
    /// The training step it was saved at, when its file says so.
    public internal(set) var step: Int?
    /// What reading its file noticed: for example that upstream files do not record alpha.
    public internal(set) var notes: [String] = []
    var factors: [LoRAFactors] = []

    init(_ configuration: LoRAConfiguration) { self.configuration = configuration }

    /// `<module>.lora_A` [r, in] and `<module>.lora_B` [out, r], in the order of the state dict.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        factors.flatMap { [($0.module + ".lora_A", $0.a), ($0.module + ".lora_B", $0.b)] }
    }

    /// The modules that it sits on.
    public var modules: [String] { factors.map(\.module) }
    public var parameterCount: Int { factors.reduce(0) { $0 + $1.a.count + $1.b.count } }
}

extension LanguageModel {
    /// Puts a fresh adapter on the model; until it is trained, the output is exactly the base's.
    ///
    /// Linear layers: A uniform in +-1/sqrt(in) (kaiming-uniform with a = sqrt 5), B zero. Embeddings: A zero, B standard
    /// normal. The base stays frozen.
    @discardableResult
    public func applyLoRA(_ configuration: LoRAConfiguration, generator: Random = .standard) throws -> LoRAAdapter {
        let adapter = LoRAAdapter(configuration)
        let names = try LoRATargets.select(configuration.targets, from: tree.adaptable.map(\.name))
        for module in tree.adaptable where names.contains(module.name) {
            let shapes = Self.factorShapes(of: module, rank: configuration.rank)
            let a: Tensor, b: Tensor
            switch module.kind {
            case .linear:
                let bound = 1 / Double(module.columns).squareRoot()
                a = try Tensor.rand(shapes.a, low: -bound, high: bound, generator: generator)
                b = try Tensor(zeros: shapes.b)
            case .embedding:
                a = try Tensor(zeros: shapes.a)
                b = try Tensor.randn(shapes.b, generator: generator)
            }
            adapter.factors.append(LoRAFactors(module.name, a: try a.setRequiresGrad(), b: try b.setRequiresGrad(), adapter))
        }
        attach(adapter)
        return adapter
    }

    /// Takes an adapter off again.
    public func removeLoRA(_ adapter: LoRAAdapter) {
        adapters.removeAll { $0 === adapter }
        for module in tree.adaptable { module.factors.removeAll { $0.adapter === adapter } }
    }

    func attach(_ adapter: LoRAAdapter) {
        adapters.append(adapter)
        let byName = Dictionary(uniqueKeysWithValues: tree.adaptable.map { ($0.name, $0) })
        for factors in adapter.factors { byName[factors.module]?.factors.append(factors) }
    }

    /// Shapes of A and B on a module: an embedding's table counts as the transposed weight of a linear layer.
    static func factorShapes(of module: Module, rank: Int) -> (a: Dims, b: Dims) {
        switch module.kind {
        case .linear: ([rank, module.columns], [module.rows, rank])
        case .embedding: ([rank, module.rows], [module.columns, rank])
        }
    }
}
