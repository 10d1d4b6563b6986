import Support
import Tensors

/// What generating one frame takes: the bytes that must come from memory, which bound its speed, and the arithmetic.
///
/// The slow stack and the output projection are read once per frame, the fast stack and its output once per codebook,
/// whatever the number of streams. Each stream adds the keys and values it has seen. Embeddings, norms, biases and
/// adapters are left out: together well under one part in a hundred.
public struct GenerationCost: Equatable, Sendable {
    /// Bytes of all matrices in the chosen form, held in memory while generating.
    public let weightBytes: Int
    /// Keys and values of one token of one stream.
    public let cacheBytesPerToken: Int
    /// Read for one frame of every stream.
    public let bytesPerFrame: Int
    /// Multiplications and additions for one frame of every stream.
    public let operationsPerFrame: Int

    /// - Parameters:
    ///   - form: `.asStored` counts as bfloat16, the form of the released checkpoints.
    ///   - streams: samples that are generated in step.
    ///   - context: tokens that a stream has seen, prompt included.
    public init(_ c: ModelConfiguration, _ form: LanguageModel.WeightForm, streams: Int = 1, context: Int = 0) throws {
        guard streams >= 1, streams <= 4096, context >= 0, context <= 1 << 20 else {
            throw OpahError(
                .argument,
                "generation cost: streams must be from 1 to 4096 and context from 0 to \(1 << 20), not \(streams) and \(context)"
            )
        }
        var held = 0, read = 0, products = 0
        let forms = MatrixForms(form)
        func matrix(_ rows: Int, _ columns: Int, _ quantized: StreamedMatrix.Quantization?, times: Int) {
            let bytes =
                switch quantized {
                case .int8: rows * (columns + 4)   // a float32 scale for each row
                case .int4: NibbleRows.byteCount(rows, columns)
                case nil: rows * columns * (form == .float32 ? 4 : 2)
                }
            held += bytes
            read += bytes * times
            products += rows * columns * times
        }
        func layers(_ count: Int, _ shape: LayerShape, times: Int) {
            for _ in 0 ..< count {
                matrix(shape.projectedDim, shape.dim, forms.others, times: times)
                matrix(shape.dim, shape.dim, forms.others, times: times)
                for _ in 0 ..< 2 { matrix(shape.intermediateSize, shape.dim, forms.feedForward, times: times) }
                matrix(shape.dim, shape.intermediateSize, forms.feedForward, times: times)
            }
        }
        layers(c.layerCount, c.slowShape, times: 1)
        matrix(c.vocabularySize, c.dim, forms.others, times: 1)
        if let fast = c.fast, let shape = c.fastShape {
            if fast.dim != c.dim { matrix(fast.dim, c.dim, forms.others, times: 1) }
            layers(fast.layerCount, shape, times: c.codebookCount)
            matrix(c.codebookSize, fast.dim, forms.others, times: c.codebookCount)
        } else {
            matrix(c.codebookCount * c.codebookSize, c.dim, forms.others, times: 1)
        }
        // Scores and mixture: two products per head, token seen and element.
        products += c.layerCount * 2 * c.dim * context
        weightBytes = held
        cacheBytesPerToken = KeyValueCache.bytesPerToken(layers: c.layerCount, c.slowShape)
        bytesPerFrame = read + streams * context * cacheBytesPerToken
        operationsPerFrame = 2 * products * streams
    }
}

extension LanguageModel {
    /// What a frame takes with the weights in the form they have.
    public func generationCost(streams: Int = 1, context: Int = 0) throws -> GenerationCost {
        let isWide = weights.contains { $0.tensor.dtype != .bfloat16 && $0.name.hasSuffix("w1.weight") }
        return try GenerationCost(
            configuration, weightForm == .asStored ? (isWide ? .float32 : .bfloat16) : weightForm,
            streams: streams, context: context)
    }
}
