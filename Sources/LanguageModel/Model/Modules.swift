import Support
import Tensors

/// One tensor of the checkpoint under its name. Merging and unfreezing replace the tensor, never its elements:
/// the elements may lie in a read-only mapping of the file.
final class Weight {
    /// As in the checkpoint: `layers.0.attention.wqkv.weight`.
    let name: String
    var tensor: Tensor {
        didSet { streamed = [:] }
    }
    private var streamed: [StreamedMatrix.Quantization?: (matrix: StreamedMatrix, version: Int)] = [:]

    init(_ name: String, _ tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }

    /// The matrix as generation reads it, as stored or quantized, made again when the elements have changed since.
    func streamedMatrix(_ quantized: StreamedMatrix.Quantization?) throws -> StreamedMatrix {
        if let known = streamed[quantized], known.version == tensor.storage.version { return known.matrix }
        let matrix = try quantized.map { try StreamedMatrix(tensor, quantized: $0) } ?? StreamedMatrix(tensor)
        streamed[quantized] = (matrix, tensor.storage.version)
        return matrix
    }
}

/// A linear layer or an embedding table: a weight matrix, perhaps a bias, and the adapters that sit on it.
final class Module {
    enum Kind { case linear, embedding }

    /// The weight's name without `.weight`.
    let name: String
    let kind: Kind
    let weight: Weight
    let bias: Weight?
    /// What the adapters on it are, oldest first.
    var layers: [any AdapterLayer] = []

    init(_ name: String, _ kind: Kind, _ weight: Weight, bias: Weight? = nil) {
        (self.name, self.kind, self.weight, self.bias) = (name, kind, weight, bias)
    }

    var rows: Int { weight.tensor.shape[0] }
    var columns: Int { weight.tensor.shape[1] }
    /// As a linear layer: a table's input is a row's number, its outputs are the row's elements.
    var inputs: Int { kind == .linear ? columns : rows }
    var outputs: Int { kind == .linear ? rows : columns }
}

/// One transformer layer, slow or fast.
struct Layer {
    let shape: LayerShape
    let attentionNorm, feedForwardNorm: Weight
    let wqkv, wo, w1, w2, w3: Module

    var modules: [Module] { [wqkv, wo, w1, w3, w2] }
}

/// All modules of a model, built over its weights.
struct ModuleTree {
    let embeddings, codebookEmbeddings: Module
    let layers: [Layer]
    let norm: Weight
    /// nil when the embedding table is also the output projection.
    let output: Module?
    let fast: Fast?
    let naive: Naive?

    struct Fast {
        let project: Module?
        let embeddings: Module
        let layers: [Layer]
        let norm: Weight
        let output: Module
    }

    struct Naive {
        let norm: Weight
        let output: Module
    }

    init(_ configuration: ModelConfiguration, _ weights: [Weight]) {
        let byName = Dictionary(uniqueKeysWithValues: weights.map { ($0.name, $0) })
        func weight(_ name: String) -> Weight { byName[name + ".weight"]! }   // the layout has been checked
        func linear(_ name: String) -> Module { Module(name, .linear, weight(name), bias: byName[name + ".bias"]) }
        func embedding(_ name: String) -> Module { Module(name, .embedding, weight(name)) }
        func layers(_ prefix: String, _ count: Int, _ shape: LayerShape) -> [Layer] {
            (0 ..< count).map { i in
                let prefix = "\(prefix).\(i)."
                return Layer(
                    shape: shape, attentionNorm: weight(prefix + "attention_norm"),
                    feedForwardNorm: weight(prefix + "ffn_norm"),
                    wqkv: linear(prefix + "attention.wqkv"), wo: linear(prefix + "attention.wo"),
                    w1: linear(prefix + "feed_forward.w1"), w2: linear(prefix + "feed_forward.w2"),
                    w3: linear(prefix + "feed_forward.w3"))
            }
        }
        embeddings = embedding("embeddings")
        codebookEmbeddings = embedding("codebook_embeddings")
        self.layers = layers("layers", configuration.layerCount, configuration.slowShape)
        norm = weight("norm")
        output = configuration.tiesWordEmbeddings ? nil : linear("output")
        if let fast = configuration.fast, let shape = configuration.fastShape {
            self.fast = Fast(
                project: fast.dim == configuration.dim ? nil : linear("fast_project_in"),
                embeddings: embedding("fast_embeddings"), layers: layers("fast_layers", fast.layerCount, shape),
                norm: weight("fast_norm"), output: linear("fast_output"))
            naive = nil
        } else {
            fast = nil
            naive = Naive(norm: weight("codebook_norm"), output: linear("codebook_output"))
        }
    }

    /// The modules that an adapter can sit on, in the order of the state dict.
    var adaptable: [Module] {
        var result = [embeddings, codebookEmbeddings] + layers.flatMap(\.modules)
        if let output { result.append(output) }
        if let fast { result += [fast.embeddings] + fast.layers.flatMap(\.modules) + [fast.output] }
        return result
    }
}
