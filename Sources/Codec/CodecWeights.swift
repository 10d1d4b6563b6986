import Formats
import Glibc
import Support
import Tensors

/// A codec's parameters under the reference's names, checked against a configuration.
final class CodecWeights: @unchecked Sendable {
    /// Names and tensors in the reference's order; weight-normalised ones as magnitude and direction.
    let tensors: [(name: String, tensor: Tensor)]
    private let places: [String: Int]

    private init(_ tensors: [(name: String, tensor: Tensor)]) {
        self.tensors = tensors
        places = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    /// Picks what the configuration needs out of a checkpoint's flat table.
    ///
    /// Accepted: weight norm in both of PyTorch's forms, or folded already. Ignored: whatever belongs to other models,
    /// such as `discriminator.`. Prefixes of all names are gone already (`StateDict.fitted`).
    /// - Throws: `checkpoint`, one error that names what kind of file it is, or up to three mismatches.
    init(_ file: [String: Tensor], _ configuration: CodecConfiguration) throws {
        let table = file
        let layout = WeightLayout(configuration)
        var result: [(name: String, tensor: Tensor)] = [], missing: [String] = [], misshaped: [String] = []
        var used: Set<String> = []

        func take(_ names: [String], _ shape: [Int]) throws -> Tensor? {
            guard let name = names.first(where: { table[$0] != nil }), let tensor = table[name] else { return nil }
            used.insert(name)
            guard Array(tensor.shape) == shape else {
                misshaped.append("\(name) is \(tensor.shape), not \(shape)")
                return nil
            }
            guard tensor.dtype.isFloating else {
                throw OpahError(.checkpoint, "\(name) holds \(tensor.dtype.rawValue), not numbers with a fraction")
            }
            return tensor
        }
        for entry in layout.entries {
            let before = misshaped.count
            if entry.isNormed {
                let (magnitude, direction) = WeightLayout.normedNames(entry.name)
                let ones = [entry.shape[0]] + entry.shape.dropFirst().map { _ in 1 }
                if let g = try take([magnitude, entry.name + "_g"], ones),
                    let v = try take([direction, entry.name + "_v"], entry.shape)
                {
                    result += [(magnitude, g), (direction, v)]
                } else if misshaped.count == before, let folded = try take([entry.name], entry.shape) {
                    result += [(magnitude, try Self.magnitude(folded)), (direction, folded)]
                } else if misshaped.count == before {
                    missing.append(direction)
                }
            } else if let tensor = try take([entry.name], entry.shape) {
                result.append((entry.name, tensor))
            } else if misshaped.count == before {
                missing.append(entry.name)
            }
        }
        try Self.refuse(missing, misshaped, expected: layout.entries.count, table)
        let surplus = table.keys.filter { !used.contains($0) && Self.isParameter($0) }.sorted()
        guard surplus.isEmpty else {
            throw OpahError(
                .checkpoint,
                "the checkpoint holds \(surplus.count) weights that this codec configuration has no place for: \(ShownText.few(surplus))",
                hint: "load it with the configuration that it was trained with")
        }
        places = Dictionary(uniqueKeysWithValues: result.enumerated().map { ($1.name, $0) })
        tensors = result
    }

    /// The names that a codec of this configuration may have in a file.
    static func names(_ configuration: CodecConfiguration) -> Set<String> {
        var names: Set<String> = []
        for entry in WeightLayout(configuration).entries {
            names.insert(entry.name)
            guard entry.isNormed else { continue }
            let (magnitude, direction) = WeightLayout.normedNames(entry.name)
            names.formUnion([magnitude, direction, entry.name + "_g", entry.name + "_v"])
        }
        return names
    }

    private static func refuse(
        _ missing: [String], _ misshaped: [String], expected: Int, _ table: [String: Tensor]
    ) throws {
        guard !missing.isEmpty || !misshaped.isEmpty else { return }
        if let name = table.keys.sorted().first(where: {
            ["embeddings.weight", "tok_embeddings.weight"].contains(StateDict.bareName($0))
        }) {
            throw OpahError(
                .checkpoint,
                "this looks like a language model: it has \(name: name) and lacks \(ShownText.few(missing))",
                hint: "the codec's file is firefly-gan-vq-fsq-8x1024-21hz-generator.pth")
        }
        if let name = table.keys.filter({ $0.hasSuffix("lora_A") || $0.hasSuffix("lora_B") }).min() {
            throw OpahError(.checkpoint, "this looks like a LoRA adapter (\(name: name)), not a codec")
        }
        if missing.count == expected {
            let found = table.isEmpty ? "it holds no weights" : "it holds \(ShownText.few(table.keys.sorted()))"
            throw OpahError(
                .checkpoint, "this is not a firefly codec: \(found)",
                hint: "the codec's file is firefly-gan-vq-fsq-8x1024-21hz-generator.pth")
        }
        var parts: [String] = []
        if !missing.isEmpty { parts.append("\(missing.count) weights are missing: \(ShownText.few(missing))") }
        if !misshaped.isEmpty {
            parts.append("\(misshaped.count) weights have another shape: \(ShownText.few(misshaped))")
        }
        throw OpahError(
            .checkpoint, "the checkpoint does not fit the codec configuration: " + parts.joined(separator: "; "),
            hint: "load it with the configuration that it was trained with")
    }

    /// Whether a name belongs to the codec itself, and is not one of the quantizer's derived tables.
    private static func isParameter(_ name: String) -> Bool {
        guard ["backbone.", "head.", "quantizer."].contains(where: { name.hasPrefix($0) }) else { return false }
        let last = name.split(separator: ".").last ?? ""
        return !last.hasPrefix("_") && last != "implicit_codebook" && last != "scales"
    }

    private static func magnitude(_ folded: Tensor) throws -> Tensor {
        let values = try folded.floats(), rows = folded.shape[0], length = values.count / max(rows, 1)
        let norms = (0 ..< rows).map { row in norm(values[row * length ..< (row + 1) * length]) }
        return try Tensor(norms, Dims([rows] + folded.shape.dropFirst().map { _ in 1 }))
    }

    private static func norm(_ values: ArraySlice<Float>) -> Float {
        Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }

    /// The values of a parameter in C order; a weight-normalised one comes out folded.
    func callAsFunction(_ name: String) throws -> [Float] {
        if let place = places[name] { return try tensors[place].tensor.floats() }
        let (magnitudeName, directionName) = WeightLayout.normedNames(name)
        let magnitude = try tensors[places[magnitudeName]!].tensor.floats()
        var values = try tensors[places[directionName]!].tensor.floats()
        let length = values.count / max(magnitude.count, 1)
        for row in magnitude.indices {
            let range = row * length ..< (row + 1) * length
            let factor = magnitude[row] / Self.norm(values[range])
            for i in range { values[i] *= factor }
        }
        return values
    }
}

extension CodecWeights {
    /// Untrained weights: normal, scaled by fan-in so that signals keep their size through the network.
    static func random(_ configuration: CodecConfiguration, seed: UInt64) throws -> CodecWeights {
        var noise = NormalNoise(seed: seed), table: [String: Tensor] = [:]
        for entry in WeightLayout(configuration).entries {
            let parts = entry.name.split(separator: "."), isNorm = entry.shape.count == 1 && parts.last == "weight"
            let values: [Float]
            if isNorm {
                values = [Float](repeating: 1, count: entry.count)
            } else if parts.last == "gamma" {
                values = [Float](repeating: 0.1, count: entry.count)
            } else if parts.last == "bias" {
                values = (0 ..< entry.count).map { _ in noise.next() * 0.02 }
            } else {
                let fanIn =
                    parts.contains("ups") || parts.contains("upsample")
                    ? entry.shape[0] : entry.shape.dropFirst().reduce(1, *)
                let scale = 1 / Float(max(fanIn, 1)).squareRoot()
                values = (0 ..< entry.count).map { _ in noise.next() * scale }
            }
            table[entry.name] = try Tensor(values, Dims(entry.shape))
        }
        return try CodecWeights(table, configuration)
    }
}

/// Standard normal numbers: SplitMix64 and Box-Muller.
private struct NormalNoise {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (Double((z ^ (z >> 31)) >> 11) + 0.5) / Double(1 << 53)
    }

    mutating func next() -> Float { Float((-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())) }
}
