import Support
import Tensors

/// What one training or evaluation step looks at, as the collator makes it.
public struct Batch {
    /// int [B, 1 + C, T]: the token and its codes, as the release writes them.
    public let inputs: Tensor
    /// bool [B, T], true at padding; nil when there is none.
    public let attentionMasks: Tensor?
    /// int [B, 1 + C, T]: what each position shall predict, -100 where nothing counts; nil when no loss is asked for.
    public let labels: Tensor?

    public init(inputs: Tensor, attentionMasks: Tensor? = nil, labels: Tensor? = nil) {
        (self.inputs, self.attentionMasks, self.labels) = (inputs, attentionMasks, labels)
    }
}

/// A batch without its padding: the N real tokens of all rows one after the other.
struct PackedBatch {
    static let ignored = -100

    let batchSize: Int, length: Int
    /// Flat index b * T + t of each kept token.
    private(set) var places: [Int] = []
    /// Position of each within its row: its angle in the rotary table.
    private(set) var positions: [Int] = []
    /// [0, n1, n1 + n2, ..., N]
    private(set) var segments: [Int] = [0]
    private(set) var tokens: [Int] = []
    /// Kept tokens that are frames, and their codes as rows of the joint codebook table, C each.
    private(set) var semanticRows: [Int] = [], codeIds: [Int] = []
    /// Kept tokens whose next column has codes, and the first C - 1 of those: what the fast transformer reads.
    private(set) var frameRows: [Int] = [], frameCodes: [Int] = []

    /// Labels of the kept tokens; empty without labels.
    private(set) var tokenLabels: [Int] = []
    private var codeLabels: [Int] = []   // C per kept token
    /// Counted labels of tokens, and of codes at all places.
    private(set) var tokenLabelCount = 0, codeLabelCount = 0

    /// When this is a part of a batch: tokens and frames of the batch before it.
    private(set) var firstToken = 0, firstFrame = 0

    var count: Int { places.count }

    init(_ batch: Batch, _ model: LanguageModel) throws {
        let c = model.configuration, books = c.codebookCount, rows = books + 1
        // Where codes are not moved up by one, a frame may be all zeros; its main token tells it from padding.
        let framesBegin = model.release.format.codeOffset == 0 ? model.frameIds : 0 ..< 0
        let shape = batch.inputs.shape
        guard shape.count == 3, shape[1] == rows, batch.inputs.dtype.isInteger else {
            throw OpahError(
                .shape,
                "inputs of shape \(shape) and dtype \(batch.inputs.dtype.rawValue); wanted integers [B, \(rows), T]",
                hint: shape.count == 3 && shape[1] < rows ? "the codes come from a codec with fewer codebooks" : nil)
        }
        (batchSize, length) = (shape[0], shape[2])
        guard length <= model.maxLength else {
            throw OpahError(
                .shape, "rows of \(length) tokens, and this model takes \(model.maxLength)",
                hint: "load it with a larger max_length, or cut the rows")
        }
        let inputs = try batch.inputs.ints()
        let padding = try batch.attentionMasks.map { masks in
            guard masks.shape == [shape[0], shape[2]] else {
                throw OpahError(
                    .shape, "attention_masks of shape \(masks.shape) for inputs of shape \(shape); wanted [B, T]")
            }
            return try masks.bools()
        }
        let labels = try batch.labels.map { labels in
            guard labels.shape == shape, labels.dtype.isInteger else {
                throw OpahError(
                    .shape,
                    "labels of shape \(labels.shape) and dtype \(labels.dtype.rawValue) for inputs of shape \(shape)")
            }
            return try labels.ints()
        }

        for b in 0 ..< batchSize {
            func value(_ row: Int, _ t: Int) -> Int { inputs[(b * rows + row) * length + t] }
            for t in 0 ..< length where !(padding?[b * length + t] ?? false) {
                let row = places.count, token = value(0, t)
                guard token >= 0, token < c.vocabularySize else {
                    throw OpahError(
                        .index,
                        "inputs: token \(token) in row \(b), column \(t); the vocabulary has \(c.vocabularySize)")
                }
                places.append(b * length + t)
                positions.append(t)
                tokens.append(token)
                if model.frameIds.contains(token) {
                    semanticRows.append(row)
                    for k in 0 ..< books {
                        codeIds.append(try Self.code(value(k + 1, t), c, b, t) + k * c.codebookSize)
                    }
                }
                if c.architecture == .dualAR, t + 1 < length,
                    framesBegin.contains(value(0, t + 1)) || (1 ..< books).contains(where: { value($0, t + 1) != 0 })
                {
                    frameRows.append(row)
                    for k in 1 ..< books { frameCodes.append(try Self.code(value(k, t + 1), c, b, t + 1)) }
                }
            }
            if places.count > segments.last! { segments.append(places.count) }
        }
        if c.architecture == .naive { frameRows = Array(places.indices) }
        guard !places.isEmpty else { throw OpahError(.data, "the batch holds nothing but padding") }
        guard let labels else { return }
        tokenLabels = places.map { labels[$0 / length * rows * length + $0 % length] }
        codeLabels = places.flatMap { place in
            (1 ..< rows).map { labels[(place / length * rows + $0) * length + place % length] }
        }
        tokenLabelCount = tokenLabels.count { $0 != Self.ignored }
        for b in 0 ..< batchSize {
            for index in (b * rows + 1) * length ..< (b + 1) * rows * length where labels[index] != Self.ignored {
                codeLabelCount += 1
            }
        }
    }

    private static func code(_ value: Int, _ c: ModelConfiguration, _ b: Int, _ t: Int) throws -> Int {
        guard value >= 0, value < c.codebookSize else {
            throw OpahError(
                .index, "inputs: code \(value) in row \(b), column \(t); the codebooks have \(c.codebookSize) values")
        }
        return value
    }

    /// Keeps only the frames that have a code label: the others cannot change the loss.
    mutating func dropUnlabelledFrames() {
        let books = codeLabels.count / max(count, 1)
        let kept = frameRows.indices.filter { i in
            codeLabels[frameRows[i] * books ..< (frameRows[i] + 1) * books].contains { $0 != Self.ignored }
        }
        guard kept.count < frameRows.count else { return }
        let width = frameCodes.count / frameRows.count
        frameCodes = kept.flatMap { frameCodes[$0 * width ..< ($0 + 1) * width] }
        frameRows = kept.map { frameRows[$0] }
    }

    /// Labels at some of the frames: (frame, codebook).
    func labels(ofFrames range: Range<Int>, books: Int) -> [Int] {
        frameRows[range].flatMap { codeLabels[$0 * books ..< ($0 + 1) * books] }
    }

    /// Rows that hold more than padding.
    var rowSizes: [RowSize] {
        zip(segments, segments.dropFirst()).map { lower, upper in
            RowSize(
                tokens: upper - lower, frames: frames(in: lower ..< upper).count,
                labels: tokenLabels.isEmpty ? 0 : tokenLabels[lower ..< upper].count { $0 != Self.ignored })
        }
    }

    /// The frames whose tokens lie in `tokens`; frames are in the order of tokens.
    private func frames(in tokens: Range<Int>) -> Range<Int> {
        (frameRows.firstIndex { $0 >= tokens.lowerBound } ?? frameRows.count)
            ..< (frameRows.firstIndex { $0 >= tokens.upperBound } ?? frameRows.count)
    }

    /// Some of the rows that `rowSizes` counts. The numbers of labels stay those of the whole batch.
    func part(_ rows: Range<Int>) -> PackedBatch {
        let tokens = segments[rows.lowerBound] ..< segments[rows.upperBound], shift = tokens.lowerBound
        let frames = frames(in: tokens), books = count == 0 ? 0 : codeLabels.count / count
        let codes = frameRows.isEmpty ? 0 : frameCodes.count / frameRows.count
        let semantic = semanticRows.indices.filter { tokens.contains(semanticRows[$0]) }
        let each = semanticRows.isEmpty ? 0 : codeIds.count / semanticRows.count
        var part = self
        part.places = Array(places[tokens])
        part.positions = Array(positions[tokens])
        part.segments = segments[rows.lowerBound ... rows.upperBound].map { $0 - shift }
        part.tokens = Array(self.tokens[tokens])
        part.semanticRows = semantic.map { semanticRows[$0] - shift }
        part.codeIds = semantic.flatMap { codeIds[$0 * each ..< ($0 + 1) * each] }
        part.frameRows = frameRows[frames].map { $0 - shift }
        part.frameCodes = Array(frameCodes[frames.lowerBound * codes ..< frames.upperBound * codes])
        part.tokenLabels = Array(tokenLabels[tokens])
        part.codeLabels = Array(codeLabels[tokens.lowerBound * books ..< tokens.upperBound * books])
        part.firstToken += shift
        part.firstFrame += frames.lowerBound
        return part
    }
}
