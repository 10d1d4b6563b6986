import Support
import Tensors

/// How far the logits of one model lie from another's, over many positions.
///
/// Against float32, `relative` stays within `bound` (docs/notes/rounded-weights.md).
public struct LogitsError: Equatable, Sendable {
    /// |difference| / |reference|, both as Euclidean norms over all logits, each position's mean taken off (a constant
    /// changes no probability).
    public var relative = 0.0
    /// The largest single difference, means taken off.
    public var maxAbsolute = 0.0
    /// The share of positions whose largest logit is the same one.
    public var topOneAgreement = 1.0
    public var positions = 0

    /// What `relative` may be against float32 in a model where logits pass `layers` layers (slow and fast); nil for
    /// forms that keep every weight as it is.
    ///
    /// A layer adds two branches to the residual stream, each with an error of its own of about e, the relative error
    /// of a weight: sqrt(2 layers) e in all, and half as much again to be sure. e is 0.0016 for bfloat16 (8 bits,
    /// evenly rounded) and 0.0075 for int8 (steps of 1/127 of the largest of 1024 normal numbers). The short rows of
    /// small models are rounded less evenly: no bound is below 0.01 and 0.04. int4 rounds one of a layer's two branches,
    /// with e = 0.082, and its bound is never below 0.25 (docs/notes/rounded-weights.md).
    public static func bound(_ form: LanguageModel.WeightForm, layers: Int) -> Double? {
        let branches = Double(2 * layers).squareRoot()
        switch form {
        case .asStored, .float32: return nil
        case .bfloat16: return max(0.01, 1.5 * 0.0016 * branches)
        case .int8: return max(0.04, 1.5 * 0.0075 * branches)
        case .int4: return max(0.25, 1.5 * 0.082 * Double(layers).squareRoot())
        }
    }

    private var squares = (difference: 0.0, reference: 0.0), same = 0

    fileprivate mutating func add(rows found: Tensor, _ reference: Tensor) {
        let width = found.shape[1]
        for row in 0 ..< found.shape[0] {
            add(found.pointer(Float.self) + row * width, reference.pointer(Float.self) + row * width, width)
        }
    }

    private mutating func add(_ found: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, _ count: Int) {
        func mean(_ x: UnsafePointer<Float>) -> Double {
            (0 ..< count).reduce(0.0) { $0 + Double(x[$1]) } / Double(count)
        }
        func best(_ x: UnsafePointer<Float>) -> Int { (1 ..< max(count, 1)).reduce(0) { x[$1] > x[$0] ? $1 : $0 } }
        let (a, b) = (mean(found), mean(reference))
        for i in 0 ..< count {
            let value = Double(reference[i]) - b, difference = Double(found[i]) - a - value
            squares.difference += difference * difference
            squares.reference += value * value
            maxAbsolute = max(maxAbsolute, abs(difference))
        }
        positions += 1
        if best(found) == best(reference) { same += 1 }
        relative = squares.reference > 0 ? (squares.difference / squares.reference).squareRoot() : 0
        topOneAgreement = Double(same) / Double(positions)
    }

    public static func == (a: LogitsError, b: LogitsError) -> Bool {
        (a.relative, a.maxAbsolute, a.topOneAgreement, a.positions) == (
            b.relative, b.maxAbsolute, b.topOneAgreement, b.positions
        )
    }
}

extension LanguageModel {
    /// The error of this model's logits against those of `reference`, both as generation computes them, over sequences
    /// that both are given (so no choice of one moves the other).
    /// - Parameter sequences: integers [1 + C, T], values as the model reads them.
    /// - Returns: the error of the main token's logits at every position, and of the codes' at every position whose next
    ///   token is a frame.
    public func logitsError(
        against reference: LanguageModel, on sequences: [Tensor]
    ) throws -> (tokens: LogitsError, codes: LogitsError) {
        guard configuration.dim == reference.configuration.dim,
            configuration.vocabularySize == reference.configuration.vocabularySize,
            configuration.codebookCount == reference.configuration.codebookCount,
            configuration.codebookSize == reference.configuration.codebookSize, frameIds == reference.frameIds
        else {
            throw OpahError(.argument, "logits can be compared between models of one configuration only")
        }
        let ours = try Decoder(self), theirs = try Decoder(reference)
        var result = (tokens: LogitsError(), codes: LogitsError())
        for sequence in sequences {
            let columns = try Prompt.columns(of: sequence, rows: configuration.codebookCount + 1)
            guard !columns.isEmpty, columns.count <= min(maxLength, reference.maxLength) else {
                throw OpahError(
                    .argument,
                    "compare: a sequence of \(columns.count) tokens; these models take 1 to \(min(maxLength, reference.maxLength))"
                )
            }
            try columns.enumerated().forEach { try check($0.element, at: $0.offset) }
            let a = try ours.allLogits(columns), b = try theirs.allLogits(columns)
            result.tokens.add(rows: a.tokens, b.tokens)
            result.codes.add(rows: a.codes, b.codes)
        }
        return result
    }

    /// Throws unless every value of a column lies in its table.
    func check(_ column: [Int32], at position: Int) throws {
        let c = configuration
        guard column[0] >= 0, column[0] < c.vocabularySize,
            column.dropFirst().allSatisfy({ $0 >= 0 && $0 < c.codebookSize })
        else {
            throw OpahError(
                .index,
                "generate: column \(position) of the prompt, \(column), has a value outside the vocabulary (\(c.vocabularySize)) or the codebooks (\(c.codebookSize)\(release.format.codeOffset == 1 ? ", codes + 1" : ""))"
            )
        }
    }
}

extension Decoder {
    /// Logits of a whole sequence: tokens [T, V], and codes [M * C, K] of the M frames.
    fileprivate func allLogits(_ columns: [[Int32]]) throws -> (tokens: Tensor, codes: Tensor) {
        let hidden = try prompt(try makeCache(), position: 0, columns: columns[...])
        let frames = columns.indices.dropFirst().filter { frameIds.contains(Int(columns[$0][0])) }
        return (try tokenLogits(hidden), try codeLogits(columns, frames, after: hidden))
    }
}
