import Support

/// The kinds of adapters. What a kind does to a module is an `AdapterLayer`; nothing else in the program asks for the
/// kind.
public enum AdapterKind: String, CaseIterable, Sendable {
    /// W + alpha / r * B A.
    case lora
    /// W + alpha / sqrt(r) * B A: the strength of a high rank does not shrink (Kalajdzievski 2023).
    case rslora
    /// The length of each output's row of the weight is a number of its own: `DoRALayer`.
    case dora

    /// Type of what it puts on a module.
    var layer: any AdapterLayer.Type {
        switch self {
        case .lora, .rslora: LoRALayer.self
        case .dora: DoRALayer.self
        }
    }

    /// What the product B A is multiplied by.
    func scaling(rank: Int, alpha: Double) -> Double {
        switch self {
        case .lora, .dora: alpha / Double(rank)
        case .rslora: alpha / Double(rank).squareRoot()
        }
    }

    /// The kind of that name, or an error that lists the names.
    public static func named(_ name: String) throws -> AdapterKind {
        if let kind = AdapterKind(rawValue: name) { return kind }
        let known = allCases.map(\.rawValue)
        throw OpahError(
            .config, "lora: there is no kind of adapter called '\(name: name)'",
            hint: suggestion(for: name, in: known) ?? "the kinds are \(known.joined(separator: ", "))")
    }

    /// Endings of the names of all kinds' tensors.
    static let parameterNames = Set(allCases.flatMap { $0.layer.parameterNames })
}
