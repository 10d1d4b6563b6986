import Support
import Tensors

extension Codec {
    /// Samples of codes [C, T] (any integer dtype): T * samplesPerToken of them, from -1 to 1.
    /// - Throws: `shape` for another number of codebooks, `index` for codes out of range.
    public func decode(_ codes: Tensor) throws -> [Float] {
        let table = try CodeTable(codes, self)
        let count = table.tokens * samplesPerToken
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard var samples = buffer.baseAddress else { return }
            try CodecDecoder(self).run(table, into: &samples)
            initialized = count
        }
    }

    /// The same as a float32 tensor [T * samplesPerToken].
    public func decodeTensor(_ codes: Tensor) throws -> Tensor {
        let table = try CodeTable(codes, self), result = try Tensor(empty: [table.tokens * samplesPerToken])
        var samples = result.pointer(Float.self)
        try CodecDecoder(self).run(table, into: &samples)
        return result
    }

    /// The samples of codes [C, T] piece by piece, in order: memory does not grow with T. The pieces together are
    /// what `decode` gives, bit for bit.
    /// - Parameter body: gets the next samples, about 1.4 s of them at a time.
    public func decode(_ codes: Tensor, _ body: ([Float]) throws -> Void) throws {
        let table = try CodeTable(codes, self), decoder = try CodecDecoder(self)
        for start in stride(from: 0, to: table.tokens, by: decoder.stretch) {
            let end = min(start + decoder.stretch, table.tokens), count = (end - start) * samplesPerToken
            try body(
                [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                    guard var samples = buffer.baseAddress else { return }
                    try decoder.run(table, start ..< end, into: &samples)
                    initialized = count
                })
        }
    }

    /// What the vocoder gets to see of codes [C, T]: float32 [D, T * downsampling].
    public func decoderInput(_ codes: Tensor) throws -> Tensor {
        let table = try CodeTable(codes, self), width = configuration.quantizer.inputDim
        let result = try Tensor(empty: [width, table.tokens * configuration.downsampleFactor])
        let up = Upsampling.Pass(try decoding().up, capacity: max(table.tokens, 1), lead: 0)
        guard table.tokens > 0 else { return result }
        let (rows, count) = try up(tokens: table.tokens) { table[$0, $1] }
        for t in 0 ..< count {
            for c in 0 ..< width { result.pointer(Float.self)[c * count + t] = rows.row(t)[c] }
        }
        return result
    }
}

extension Codec {
    /// Codes with those replaced that a model can say and this codec does not have, and a note on each. A model's
    /// codebooks are as large as the next power of two (1024 for 1000), and it may say one of the surplus codes now and
    /// then: that frame then takes the same codebook's code of the nearest frame, and the rest of the utterance stays
    /// as it is. Larger and negative codes, and codes with such a code in more than half of their frames, stay as they
    /// are: an error for `decode`.
    public func reachable(_ codes: Tensor) throws -> (codes: Tensor, notes: [String]) {
        guard codes.rank == 2, codes.dtype.isInteger, codes.shape[0] == codebookCount else { return (codes, []) }
        let tokens = codes.shape[1], size = codebookSize
        var values = try codes.ints(), spoken = 1, strays: [(book: Int, token: Int)] = []
        while spoken < size { spoken *= 2 }
        for (i, value) in values.enumerated() where value >= size {
            guard value < spoken else { return (codes, []) }
            strays.append((i / tokens, i % tokens))
        }
        guard !strays.isEmpty, 2 * Set(strays.map(\.token)).count <= max(tokens, 2), values.allSatisfy({ $0 >= 0 })
        else { return (codes, []) }
        let said = values
        var notes: [String] = []
        for (book, token) in strays {
            func isReachable(_ t: Int) -> Bool { (0 ..< tokens).contains(t) && said[book * tokens + t] < size }
            guard
                let distance = (1 ..< max(tokens, 2)).first(where: {
                    isReachable(token - $0) || isReachable(token + $0)
                })
            else { return (codes, []) }
            let from = isReachable(token - distance) ? token - distance : token + distance
            values[book * tokens + token] = said[book * tokens + from]
            notes.append(
                "code \(said[book * tokens + token]) of codebook \(book + 1), frame \(token + 1), is none of this codec's (0 to \(size - 1)): "
                    + "frame \(from + 1)'s \(said[book * tokens + from]) is used there")
        }
        if notes.count > 8 { notes[5...] = ["and so are \(notes.count - 5) more"] }
        return (try Tensor(integers: values, codes.shape, .int32), notes)
    }
}

/// Decodes a sequence of codes piece by piece: the pieces' samples, one after the other, are those of
/// `Codec.decode` on the whole, within rounding (1e-5); and bit for bit when every piece but the last has
/// a multiple of `stretch` tokens. For playing while generating, and for long sequences.
public final class CodecDecoder {
    private let codec: Codec
    private let up: Upsampling.Pass
    private let vocoder: Vocoder.Pass
    /// Tokens that go through the vocoder together.
    public let stretch: Int

    public init(_ codec: Codec) throws {
        self.codec = codec
        let parts = try codec.decoding()
        stretch = max(120 / codec.configuration.downsampleFactor, 1)
        vocoder = Vocoder.Pass(parts.vocoder, capacity: stretch * codec.configuration.downsampleFactor)
        up = Upsampling.Pass(parts.up, capacity: stretch, lead: vocoder.lead)
    }

    /// The samples of the next codes [C, T].
    public func append(_ codes: Tensor) throws -> [Float] {
        let table = try CodeTable(codes, codec), count = table.tokens * codec.samplesPerToken
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard var samples = buffer.baseAddress else { return }
            try run(table, into: &samples)
            initialized = count
        }
    }

    /// Tokens `range` of the table, or all.
    func run(_ table: CodeTable, _ range: Range<Int>? = nil, into samples: inout UnsafeMutablePointer<Float>) throws {
        let range = range ?? 0 ..< table.tokens
        for start in stride(from: range.lowerBound, to: range.upperBound, by: stretch) {
            try Interrupt.check()
            let (rows, count) = try up(tokens: min(stretch, range.upperBound - start)) { table[$0, start + $1] }
            try vocoder(rows, rows: count, into: samples)
            samples += count * codec.hopLength
        }
    }
}

/// Codes that have been checked: [C, T], each in range.
struct CodeTable {
    let tokens: Int
    private let values: [Int32]

    init(_ codes: Tensor, _ codec: Codec) throws {
        guard codes.rank == 2, codes.shape[0] == codec.codebookCount else {
            throw OpahError(
                .shape,
                "codes of shape \(codes.shape) do not fit a codec with \(codec.codebookCount) codebooks: [\(codec.codebookCount), T] is wanted",
                hint: codes.rank == 2 && codes.shape[1] == codec.codebookCount ? "the codes seem to be transposed" : nil
            )
        }
        guard codes.dtype.isInteger else {
            throw OpahError(.dtype, "codes are whole numbers, not \(codes.dtype.rawValue)")
        }
        let tokens = codes.shape[1], size = codec.codebookSize
        self.tokens = tokens
        var values = [Int32](repeating: 0, count: codes.count)
        func read<T: FixedWidthInteger>(_: T.Type) throws {
            let pointer = codes.pointer(T.self)
            for c in 0 ..< codes.shape[0] {
                for t in 0 ..< tokens {
                    let value = pointer[c * codes.strides[0] + t * codes.strides[1]]
                    guard value >= 0, value < size else {
                        throw OpahError(
                            .index,
                            "code \(value) of codebook \(c + 1), frame \(t + 1), is out of range: codes run from 0 to \(size - 1)",
                            hint: "these codes come from another codec, or were packed (packed codes are one higher)")
                    }
                    values[c * tokens + t] = Int32(value)
                }
            }
        }
        switch codes.dtype {
        case .int64: try read(Int64.self)
        case .int32: try read(Int32.self)
        case .int16: try read(Int16.self)
        case .int8: try read(Int8.self)
        default: try read(UInt8.self)
        }
        self.values = values
    }

    @inline(__always)
    subscript(book: Int, token: Int) -> Int { Int(values[book * tokens + token]) }
}
