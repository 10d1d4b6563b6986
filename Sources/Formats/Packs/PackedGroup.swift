import Support
import Tensors

/// One record of a pack: all clips of a speaker or folder.
public struct PackedGroup: Equatable, Sendable {
    /// Where it came from: `folder` or `filelist`.
    public var source: String
    /// The speaker: the folder's last component, or the file list's column.
    public var name: String
    public var sentences: [PackedSentence]

    public init(source: String, name: String, sentences: [PackedSentence]) {
        (self.source, self.name, self.sentences) = (source, name, sentences)
    }
}

/// One clip: its text in one or more spellings, and its codes.
public struct PackedSentence: Equatable, Sendable {
    public var texts: [String]
    /// [codebook][frame], each value as the codec gave it (from 0).
    public var codes: [[UInt32]]

    public init(texts: [String], codes: [[UInt32]]) { (self.texts, self.codes) = (texts, codes) }

    /// From a codes tensor of any integer dtype, [C, T].
    public init(texts: [String], codes: Tensor) throws {
        guard codes.rank == 2, codes.dtype.isInteger else {
            throw OpahError(
                .data, "codes must be whole numbers [codebooks, frames], not \(codes.dtype.rawValue) \(codes.shape)")
        }
        func rows<T: FixedWidthInteger>(_: T.Type) throws -> [[UInt32]] {
            let base = codes.pointer(T.self)
            return try (0 ..< codes.shape[0]).map { row in
                try (0 ..< codes.shape[1]).map { column in
                    let value = base[row * codes.strides[0] + column * codes.strides[1]]
                    guard let code = UInt32(exactly: value) else {
                        throw OpahError(.data, "the code \(value) is out of range")
                    }
                    return code
                }
            }
        }
        self.texts = texts
        self.codes =
            switch codes.dtype {
            case .int64: try rows(Int64.self)
            case .int32: try rows(Int32.self)
            case .int16: try rows(Int16.self)
            case .int8: try rows(Int8.self)
            default: try rows(UInt8.self)
            }
        withExtendedLifetime(codes) {}
    }

    /// The codes as int32 [C, T].
    public func codesTensor() throws -> Tensor {
        let frames = codes.first?.count ?? 0
        guard codes.allSatisfy({ $0.count == frames }) else {
            throw OpahError(.data, "the codebooks of a clip have different lengths: \(codes.map(\.count))")
        }
        let tensor = try Tensor(empty: [codes.count, frames], .int32)
        var target = tensor.pointer(Int32.self)
        for row in codes {
            for code in row {
                guard let value = Int32(exactly: code) else {
                    throw OpahError(.data, "the code \(code) is out of range")
                }
                target.pointee = value
                target += 1
            }
        }
        return tensor
    }
}

extension PackedGroup {
    var message: TextData_TextData {
        var result = TextData_TextData()
        result.source = source
        result.name = name
        result.sentences = sentences.map { sentence in
            var result = TextData_Sentence()
            result.texts = sentence.texts
            result.semantics = sentence.codes.map { values in
                var result = TextData_Semantics()
                result.values = values
                return result
            }
            return result
        }
        return result
    }
}
