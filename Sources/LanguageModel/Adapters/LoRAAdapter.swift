import Support
import Tensors

/// An adapter on a model, of any kind: float32 tensors beside the base weights, never mixed into them while it is
/// trained or evaluated.
public final class LoRAAdapter {
    public let configuration: LoRAConfiguration
    /// Strength at which it is applied, live: 0 is off, 1 is as trained.
    public var scale: Float = 1
    /// The training step it was saved at, when its file says so.
    public internal(set) var step: Int?
    /// What reading its file noticed: for example that upstream files do not record alpha.
    public internal(set) var notes: [String] = []
    var layers: [any AdapterLayer] = []

    init(_ configuration: LoRAConfiguration) { self.configuration = configuration }

    /// `<module>.lora_A` [r, in], `<module>.lora_B` [out, r] and what else its kind has, in the order of the state
    /// dict.
    public var namedParameters: [(name: String, tensor: Tensor)] { layers.flatMap(\.namedParameters) }

    /// Whether a tensor of that name belongs to an adapter of some kind.
    static func isParameter(_ name: String) -> Bool { split(name) != nil }

    /// A parameter's module and its ending, as in `AdapterLayer.parameterNames`; nil for other names.
    static func split(_ name: String) -> (module: String, parameter: String)? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let parameter = String(name[name.index(after: dot)...])
        return AdapterKind.parameterNames.contains(parameter) ? (String(name[..<dot]), parameter) : nil
    }

    /// The modules that it sits on.
    public var modules: [String] { layers.map(\.name) }
    public var parameterCount: Int { layers.reduce(0) { $0 + $1.parameters.reduce(0) { $0 + $1.count } } }
}

extension LanguageModel {
    /// Puts a fresh adapter on the model; until it is trained, the output is the base's. The base stays frozen.
    @discardableResult
    public func applyLoRA(_ configuration: LoRAConfiguration, generator: Random = .standard) throws -> LoRAAdapter {
        let adapter = LoRAAdapter(configuration), kind = configuration.kind.layer
        let names = try LoRATargets.select(configuration.targets, from: tree.adaptable.map(\.name))
        for module in tree.adaptable where names.contains(module.name) {
            let parameters = try kind.initial(on: module, configuration, generator)
            for parameter in parameters { try parameter.setRequiresGrad() }
            adapter.layers.append(kind.init(on: module, parameters, adapter))
        }
        attach(adapter)
        return adapter
    }

    /// Takes an adapter off again.
    public func removeLoRA(_ adapter: LoRAAdapter) {
        adapters.removeAll { $0 === adapter }
        for module in tree.adaptable { module.layers.removeAll { $0.adapter === adapter } }
    }

    func attach(_ adapter: LoRAAdapter) {
        adapters.append(adapter)
        for layer in adapter.layers { layer.module.layers.append(layer) }
    }
}
