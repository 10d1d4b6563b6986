import Tensors

/// The sizes that decide what a training step costs: of the model, and of the adapters and trainable weights on it.
public struct StepShape: Equatable, Sendable {
    /// A weight matrix and what sits on it.
    struct Matrix: Equatable, Sendable {
        var input: Int, output: Int
        /// Of all adapters together.
        var rank = 0
        /// Whether an adapter multiplies the weight's rows: then the gradient of the gain needs the product, and
        /// dropout a second product.
        var hasGain = false, splitsInput = false
        /// Whether its elements want a gradient.
        var isTrained = false

        init(_ module: Module) {
            (input, output) = (module.columns, module.rows)
            rank = module.layers.reduce(0) { $0 + $1.adapter.configuration.rank }
            hasGain = module.layers.contains { type(of: $0).hasGain }
            splitsInput =
                hasGain && module.kind == .linear && (module.layers.last?.adapter.configuration.dropout ?? 0) > 0
            isTrained = module.weight.tensor.requiresGrad
        }
    }

    struct Stack: Equatable, Sendable {
        var shape: LayerShape
        /// wqkv, wo, w1, w3, w2 of each layer.
        var layers: [[Matrix]]
    }

    var slow: Stack
    /// nil in naive models.
    var fast: Stack?
    /// From the slow width to the fast one, where they differ.
    var projection: Matrix?
    /// To the vocabulary.
    var tokens: Matrix
    /// To the codes: of one codebook, or of all in a naive model.
    var codes: Matrix
    var codebookCount: Int
    /// Bytes of all weights, as they are kept.
    var weightBytes: Int
    /// Numbers in adapters.
    var adapterCount: Int
    /// Numbers that want a gradient, and those among them behind the frames: fast stack and code projection.
    var trainedCount: Int, trainedFrameCount: Int
    var hasDropout: Bool
    /// In which numbers it multiplies with the weights.
    var products: ProductPrecision

    /// Every matrix that a step multiplies with.
    var matrices: [Matrix] {
        slow.layers.flatMap { $0 } + (fast?.layers.flatMap { $0 } ?? []) + [projection, tokens, codes].compactMap { $0 }
    }

    init(_ model: LanguageModel) {
        let c = model.configuration, tree = model.tree
        func stack(_ layers: [Layer], _ shape: LayerShape) -> Stack {
            Stack(shape: shape, layers: layers.map { $0.modules.map(Matrix.init) })
        }
        slow = stack(tree.layers, c.slowShape)
        fast = tree.fast.flatMap { fast in c.fastShape.map { stack(fast.layers, $0) } }
        projection = tree.fast?.project.map(Matrix.init)
        tokens = Matrix(model.outputModule.module)
        codes = Matrix(tree.fast?.output ?? tree.naive!.output)
        codebookCount = c.codebookCount
        var seen: Set<ObjectIdentifier> = []
        weightBytes = model.weights.reduce(0) { sum, weight in
            seen.insert(ObjectIdentifier(weight)).inserted ? sum + weight.tensor.count * weight.tensor.dtype.size : sum
        }
        adapterCount = model.adapters.reduce(0) { $0 + $1.parameterCount }
        let trained = model.trainableParameters
        trainedCount = trained.reduce(0) { $0 + $1.tensor.count }
        trainedFrameCount = trained.reduce(0) {
            $1.name.hasPrefix("fast_") || $1.name.hasPrefix("codebook_") ? $0 + $1.tensor.count : $0
        }
        products = model.products
        hasDropout = c.dropout > 0 || model.adapters.contains { $0.configuration.dropout > 0 }
    }
}

/// What a row of a batch asks for.
public struct RowSize: Equatable, Sendable {
    /// Tokens without padding.
    public var tokens: Int
    /// Columns whose codes are predicted.
    public var frames: Int
    /// Tokens that have a label.
    public var labels: Int

    /// Unless told otherwise, all tokens but the last have a label, and codes.
    public init(tokens: Int, frames: Int? = nil, labels: Int? = nil) {
        self.tokens = tokens
        self.frames = frames ?? max(tokens - 1, 0)
        self.labels = labels ?? max(tokens - 1, 0)
    }

    static func + (a: RowSize, b: RowSize) -> RowSize {
        RowSize(tokens: a.tokens + b.tokens, frames: a.frames + b.frames, labels: a.labels + b.labels)
    }
}

extension LanguageModel {
    /// The sizes that decide what a training step costs, as the model is now.
    public var stepShape: StepShape { StepShape(self) }
}
