import Support
import Tensors

/// What the model says about a batch. Values at padding are zero.
public struct ForwardResult {
    /// [B, T, V]
    public let tokenLogits: Tensor
    /// [B, T, C, K]; zero where `codebookPositions` is false.
    public let codebookLogits: Tensor
    /// [B, T, D]: the slow stack's output before the final norm.
    public let hidden: Tensor
    /// bool [B, T]: where codes were predicted. Dual-AR models skip positions whose next column has no codes.
    public let codebookPositions: Tensor
}

extension LanguageModel {
    /// Rotary table of the slow stack, bfloat16 [maxLength, headDim / 2, 2].
    func slowRotary() throws -> Tensor {
        try rotary.slow.get {
            try RotaryTable.make(
                positions: maxLength, headDim: configuration.headDim, base: Float(configuration.ropeBase))
        }
    }

    /// Rotary table of the fast stack, bfloat16 [C, headDim / 2, 2].
    func fastRotary() throws -> Tensor {
        try rotary.fast.get {
            try RotaryTable.make(
                positions: configuration.codebookCount, headDim: configuration.fastShape?.headDim ?? 2,
                base: Float(configuration.ropeBase))
        }
    }

    /// Logits of all positions. Gradients can flow through it; for training, `loss` costs far less memory.
    /// - Parameter dropoutSeed: switches dropout on, as in training.
    public func forward(_ batch: Batch, dropoutSeed: UInt64? = nil) throws -> ForwardResult {
        let packed = try PackedBatch(batch, self), c = configuration
        let pass = ForwardPass(self, packed, dropoutSeed: dropoutSeed)
        let hidden = try pass.slow()
        let (b, t, total) = (packed.batchSize, packed.length, packed.batchSize * packed.length)
        let tokens = try pass.linear(outputModule, try NN.rmsNorm(hidden, tree.norm.tensor, eps: pass.epsilon))
        let framePlaces = packed.frameRows.map { packed.places[$0] }
        let codes: Tensor
        if framePlaces.isEmpty {
            codes = try Tensor(zeros: [total, c.codebookCount * c.codebookSize])
        } else {
            let frames = try pass.frames(try RowOperations.gather(hidden, packed.frameRows), packed.frameRows.indices)
            let module = tree.fast?.output ?? tree.naive!.output
            let logits = try pass.linear(.module(module), frames).reshape([
                framePlaces.count, c.codebookCount * c.codebookSize
            ])
            codes = try RowOperations.scatter(logits, framePlaces, total: total)
        }
        let positions = try Tensor(zeros: [b, t], .bool)
        for place in framePlaces { positions.pointer(UInt8.self)[place] = 1 }
        return ForwardResult(
            tokenLogits: try RowOperations.scatter(tokens, packed.places, total: total).reshape([b, t, c.vocabularySize]
            ),
            codebookLogits: try codes.reshape([b, t, c.codebookCount, c.codebookSize]),
            hidden: try RowOperations.scatter(hidden, packed.places, total: total).reshape([b, t, c.dim]),
            codebookPositions: positions)
    }

    /// The projection to the vocabulary.
    var outputModule: Projection { tree.output.map(Projection.module) ?? .tied(tree.embeddings) }
}

/// A value made when first asked for.
final class Lazy<Value> {
    private var value: Value?
    func get(_ make: () throws -> Value) rethrows -> Value {
        if let value { return value }
        let made = try make()
        value = made
        return made
    }
}

/// A weight as a linear layer.
enum Projection {
    case module(Module)
    /// An embedding table used as output projection: its adapter W + s A^T B^T has the factors in each other's role.
    case tied(Module)

    var module: Module {
        switch self {
        case .module(let module), .tied(let module): module
        }
    }

    /// `x` as the base shall read it, and all adapters on the weight as one.
    func adapted(_ x: Tensor, _ mask: DropoutMask?) throws -> (x: Tensor, adapter: NN.Adapter?) {
        guard let change = try module.change() else { return (x, nil) }
        guard case .tied = self else {
            return (x, NN.Adapter(a: change.a, b: change.b, scale: change.scale, gain: change.gain, dropout: mask))
        }
        let (a, b) = (try change.b.transpose(0, 1), try change.a.transpose(0, 1))
        guard let gain = change.gain else { return (x, NN.Adapter(a: a, b: b, scale: change.scale, dropout: mask)) }
        // A table's gain is of its columns, here the inputs. The adapter's part reads them too, so its factor undoes
        // it.
        return (
            try x.mul(gain),
            NN.Adapter(a: try a.div(try Self.withoutZeros(gain)), b: b, scale: change.scale, dropout: mask)
        )
    }

    /// Zeros replaced by ones, to divide by: what is 0 stays 0 by the gain itself.
    private static func withoutZeros(_ gain: Tensor) throws -> Tensor {
        let values = try gain.floats()
        return values.contains(0) ? try gain.add(try Tensor(values.map { $0 == 0 ? 1 : 0 }, gain.shape)) : gain
    }
}

/// One run of the model over a packed batch.
struct ForwardPass {
    let model: LanguageModel
    let packed: PackedBatch
    let epsilon: Float
    /// Slow layers that run again in the backward pass.
    private let recomputedLayers: Int
    /// Source of dropout seeds, one per site: recomputation draws the same.
    private let dropoutSeed: UInt64?

    init(_ model: LanguageModel, _ packed: PackedBatch, recomputedLayers: Int = 0, dropoutSeed: UInt64?) {
        self.model = model
        self.packed = packed
        epsilon = Float(model.configuration.normEpsilon)
        self.dropoutSeed = dropoutSeed
        self.recomputedLayers = recomputedLayers
    }

    /// The slow stack's output before the final norm, [N, D].
    func slow() throws -> Tensor {
        let tree = model.tree
        var x = try embedding(tree.embeddings, packed.tokens)
        if !packed.semanticRows.isEmpty {
            let codes = try embedding(tree.codebookEmbeddings, packed.codeIds)
            x = try RowOperations.addGroups(x, codes, packed.semanticRows, group: model.configuration.codebookCount)
        }
        return try stack(
            tree.layers, x, table: try model.slowRotary(), positions: packed.positions, segments: packed.segments,
            recomputed: recomputedLayers, firstSite: 0, firstRow: packed.firstToken)
    }

    /// What the codebook projections read of `range` of the frames: [M * C, width] after the fast stack of a dual-AR
    /// model, [M, D] in a naive one.
    /// - Parameter picked: the frames' rows of the slow stack's output.
    func frames(_ picked: Tensor, _ range: Range<Int>) throws -> Tensor {
        if let naive = model.tree.naive { return try NN.rmsNorm(picked, naive.norm.tensor, eps: epsilon) }
        let fast = model.tree.fast!, books = model.configuration.codebookCount, m = range.count, codes = books - 1
        let first = try fast.project.map { try linear(.module($0), picked) } ?? picked
        let rest = try embedding(
            fast.embeddings, Array(packed.frameCodes[range.lowerBound * codes ..< range.upperBound * codes]))
        let x = try RowOperations.interleave(first, rest, each: codes)
        let out = try stack(
            fast.layers, x, table: try model.fastRotary(), positions: (0 ..< m * books).map { $0 % books },
            segments: (0 ... m).map { $0 * books }, recomputed: 0, firstSite: model.tree.layers.count,
            firstRow: firstRow(ofFrame: range.lowerBound))
        return try NN.rmsNorm(out, fast.norm.tensor, eps: epsilon)
    }

    /// The number of a frame's first row in the fast stack, counted over the whole batch.
    func firstRow(ofFrame frame: Int) -> Int { (packed.firstFrame + frame) * model.configuration.codebookCount }

    private func stack(
        _ layers: [Layer], _ x: Tensor, table: Tensor, positions: [Int], segments: [Int], recomputed: Int,
        firstSite: Int, firstRow: Int
    ) throws -> Tensor {
        var x = x
        for (index, layer) in layers.enumerated() {
            try Interrupt.check()
            let run: ([Tensor], Bool) throws -> Tensor = { inputs, again in
                try self.layer(
                    layer, inputs[0], table: table, positions: positions, segments: segments,
                    site: (firstSite + index) * 8,
                    firstRow: firstRow, again: again)
            }
            x = try index < recomputed ? NN.checkpoint([x], run) : run([x], false)
        }
        return x
    }

    /// - Parameter again: a second run, for the backward pass alone.
    private func layer(
        _ layer: Layer, _ x: Tensor, table: Tensor, positions: [Int], segments: [Int], site: Int, firstRow: Int,
        again: Bool
    ) throws -> Tensor {
        let normed = try NN.rmsNorm(x, layer.attentionNorm.tensor, eps: epsilon)
        let qkv = try linear(.module(layer.wqkv), normed, site: site, firstRow: firstRow)
        let mixed = try NN.selfAttention(
            qkv, heads: layer.shape.headCount, keyHeads: layer.shape.keyValueHeadCount, table: table,
            positions: positions, segments: segments,
            dropout: try mask(model.configuration.dropout, site + 1, firstRow * layer.shape.headCount))
        let h = try x.add(try linear(.module(layer.wo), mixed, site: site + 2, firstRow: firstRow))
        let inner = try NN.rmsNorm(h, layer.feedForwardNorm.tensor, eps: epsilon)
        let gated = try NN.swiGLU(
            try linear(.module(layer.w1), inner, site: site + 3, firstRow: firstRow),
            try linear(.module(layer.w3), inner, site: site + 4, firstRow: firstRow))
        let down = try linear(.module(layer.w2), gated, site: site + 5, firstRow: firstRow, valueWanted: !again)
        return try again ? RowOperations.unreadSum(h, down) : h.add(down)
    }

    /// x W^T + bias, with the adapters on it.
    func linear(
        _ projection: Projection, _ x: Tensor, site: Int = -1, firstRow: Int = 0, valueWanted: Bool = true
    ) throws -> Tensor {
        let module = projection.module
        let (x, adapter) = try projection.adapted(x, try adapterMask(module, site, firstRow))
        guard let adapter else {
            return try NN.linear(
                x, module.weight.tensor, bias: module.bias?.tensor, valueWanted: valueWanted,
                precision: model.products)
        }
        if let gain = adapter.gain {
            return try NN.loraLinear(
                x, module.weight.tensor, bias: module.bias?.tensor, a: adapter.a, b: adapter.b, scale: adapter.scale,
                gain: gain, dropout: adapter.dropout, valueWanted: valueWanted, precision: model.products)
        }
        return try NN.loraLinear(
            x, module.weight.tensor, bias: module.bias?.tensor, a: adapter.a, b: adapter.b, scale: adapter.scale,
            dropout: adapter.dropout, valueWanted: valueWanted, precision: model.products)
    }

    func embedding(_ module: Module, _ ids: [Int]) throws -> Tensor {
        let ids = try Tensor(integers: ids, [ids.count])
        guard let change = try module.change() else { return try NN.embedding(module.weight.tensor, ids) }
        return try NN.loraEmbedding(
            module.weight.tensor, ids, a: change.a, b: change.b, scale: change.scale, gain: change.gain)
    }

    /// Dropout on an adapter's input: that of the newest adapter on the module.
    func adapterMask(_ module: Module, _ site: Int, _ firstRow: Int) throws -> DropoutMask? {
        guard module.kind == .linear, let layer = module.layers.last else { return nil }
        return try mask(layer.adapter.configuration.dropout, site, firstRow)
    }

    /// A mask whose rows are numbered over the whole batch, so that its parts drop the same elements.
    private func mask(_ probability: Double, _ site: Int, _ firstRow: Int) throws -> DropoutMask? {
        guard let dropoutSeed, probability > 0 else { return nil }
        let seed = Random(seed: dropoutSeed, offset: UInt64(bitPattern: Int64(site))).integer(below: 1 << 62)
        return try DropoutMask(Float(probability), seed: UInt64(seed))?.from(row: firstRow)
    }
}
