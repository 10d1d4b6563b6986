import Glibc
import Support
import Tensors

/// How a sequence is continued.
public struct GenerationOptions: Sendable {
    /// What to do when a sampled token cannot be spoken: the main one is neither a frame nor `<|im_end|>`.
    public enum StrayTokens: Sendable {
        /// Keep it, as the original's inner loop does: with codes 0, or with such as its release has.
        case keep
        /// Draw again among the tokens that can follow; the first frame of a text is never `<|im_end|>`.
        /// A sampled padding (which no codec can decode) is drawn again too.
        case redraw
    }

    public var sampling: SamplingOptions
    /// Columns at most, per piece of text; 0 means as many as the model's length allows.
    public var maxNewTokens: Int
    /// Sample i of seed s is what sample 0 of seed s + i is.
    public var seed: UInt64
    public var strayTokens: StrayTokens
    /// Frames before which `<|im_end|>` is not accepted; only when stray tokens are drawn again.
    public var minFrames = 1
    /// How many codes the codec has in each codebook, where that is known: larger ones are never drawn.
    public var codecSize: Int?

    public init(sampling: SamplingOptions, maxNewTokens: Int = 0, seed: UInt64 = 42, strayTokens: StrayTokens = .redraw)
    {
        (self.sampling, self.maxNewTokens, self.seed, self.strayTokens) = (sampling, maxNewTokens, seed, strayTokens)
    }
}

/// Why a sequence ended.
public enum GenerationEnd: String, Sendable {
    /// The model said so with `<|im_end|>`.
    case complete
    /// `max_new_tokens` was reached.
    case tokenLimit
    /// The model's maximum length was reached.
    case lengthLimit
}

/// One new frame, told while generation goes on.
public struct GeneratedFrame: Sendable {
    /// Which of the samples, which piece of its text, and the frame's number in that piece; all from 0.
    public let sample: Int, piece: Int, index: Int
    /// The codec's codes, one per codebook (-1 where a stray token without any was kept).
    public let codes: [Int32]
}

extension LanguageModel {
    /// Continues a prompt, as the original's inner loop does.
    /// - Parameter prompt: integers [1 + C, T], values as the model reads them.
    /// - Returns: int32 [1 + C, T + new], the prompt first; its last column is `<|im_end|>` when `end` is `.complete`.
    public func generate(
        prompt: Tensor, _ options: GenerationOptions,
        onFrame: ((GeneratedFrame) throws -> Void)? = nil
    ) throws -> (sequence: Tensor, end: GenerationEnd) {
        try generate(prompts: [prompt], options, onFrame: onFrame)[0]
    }

    /// Continues several prompts, or the same one several times, in step: each reading of the weights serves all of
    /// them.
    /// - Parameter prompts: as for one; the i-th is sample i.
    /// - Returns: for each what it would give alone with the seed `seed + i`, to the last bit.
    public func generate(
        prompts: [Tensor], _ options: GenerationOptions,
        onFrame: ((GeneratedFrame) throws -> Void)? = nil
    ) throws -> [(sequence: Tensor, end: GenerationEnd)] {
        let rows = configuration.codebookCount + 1
        let streams = try prompts.enumerated().map {
            GenerationStream(sample: $0.offset, piece: 0, prompt: try Prompt.columns(of: $0.element, rows: rows))
        }
        try Generator(self).run(streams, options, onFrame) { _ in nil }
        return try streams.map { (try Prompt.tensor($0.columns, rows: rows), $0.end!) }
    }
}

/// The loop that continues several sequences in step, so that each step reads the weights once for all.
final class Generator {
    private let model: LanguageModel
    let decoder: Decoder
    private let endId: Int
    private let frameIds: Range<Int>
    /// What columns add to the codec's codes.
    private let offset: Int
    /// Where the beginnings that texts share are kept; nil where there is nobody to share with.
    private let beginnings: SharedBeginnings?
    /// How many earlier codes the repetition penalty sees.
    private static let window = 16

    /// - Parameter keepsBeginnings: for texts that come one after the other, with the same references.
    init(_ model: LanguageModel, keepsBeginnings: Bool = false) throws {
        self.model = model
        beginnings = keepsBeginnings ? SharedBeginnings() : nil
        decoder = try Decoder(model)
        (endId, frameIds, offset) = (model.endId, model.frameIds, model.release.format.codeOffset)
    }

    /// Up to so many tokens of a stream that has more than one to catch up with go one by one, like the others' next
    /// ones; more go by matrix products, for which weights must be expanded.
    private static let fewTokens = 4

    /// - Parameter ended: hears of every stream that has ended, and may name another to go on with.
    func run(
        _ streams: [GenerationStream], _ options: GenerationOptions, _ onFrame: ((GeneratedFrame) throws -> Void)?,
        ended: (GenerationStream) throws -> GenerationStream?
    ) throws {
        for stream in streams { try prepare(stream, options) }
        var active = streams
        while !active.isEmpty {
            try Interrupt.check()
            try advance(active, onFrame)
            active = try active.compactMap { stream in
                guard stream.end != nil else { return stream }
                guard let next = try ended(stream) else { return nil }
                try prepare(next, options)
                return next
            }
        }
    }

    /// One more token for each of the streams, which have been prepared.
    func advance(_ active: [GenerationStream], _ onFrame: ((GeneratedFrame) throws -> Void)?) throws {
        try step(active, try hidden(active), onFrame)
    }

    /// The hidden state of each stream's last token, [streams, D].
    ///
    /// A prompt is run for its stream alone, whose result then cannot depend on the others; what two streams have in
    /// common is run once and copied.
    private func hidden(_ active: [GenerationStream]) throws -> Tensor {
        let width = decoder.configuration.dim, result = try Tensor(empty: [active.count, width])
        func put(_ row: UnsafePointer<Float>, _ i: Int) {
            (result.pointer(Float.self) + i * width).update(from: row, count: width)
        }
        var next: [Int] = [], fresh: [Int] = []
        for (i, stream) in active.enumerated() {
            if let twin = fresh.first(where: { active[$0].columns == stream.columns }), stream.cached.isEmpty {
                try stream.cache.copy(active[twin].cache, count: stream.columns.count)
                put(result.pointer(Float.self) + twin * width, i)
                stream.cached = stream.columns
                continue
            }
            let isFresh = stream.cached.isEmpty
            if isFresh, stream.sharedLength > 0 { try begin(stream) }
            if stream.columns.count - stream.cached.count > Self.fewTokens {
                let rows = try decoder.prompt(
                    stream.cache, position: stream.cached.count, columns: stream.columns[stream.cached.count...])
                put(rows.pointer(Float.self) + (rows.shape[0] - 1) * width, i)
                if isFresh { fresh.append(i) }
                stream.cached = stream.columns
                continue
            }
            while stream.columns.count - stream.cached.count > 1 {
                let at = stream.cached.count
                _ = try decoder.step([(stream.cache, at, stream.columns[at])])
                stream.cached.append(stream.columns[at])
            }
            next.append(i)
        }
        guard !next.isEmpty else { return result }
        let rows = try decoder.step(next.map { (active[$0].cache, active[$0].cached.count, active[$0].columns.last!) })
        for (row, i) in next.enumerated() {
            put(rows.pointer(Float.self) + row * width, i)
            active[i].cached.append(active[i].columns.last!)
        }
        return result
    }

    /// Runs, or finds, what a stream may begin with like others. By itself in either case: what it becomes must not
    /// depend on whether somebody was here before.
    private func begin(_ stream: GenerationStream) throws {
        let columns = Array(stream.columns.prefix(stream.sharedLength))
        if let kept = beginnings?.find(columns) {
            try stream.cache.copy(kept, count: columns.count)
        } else {
            _ = try decoder.prompt(stream.cache, position: 0, columns: columns[...])
            try beginnings?.keep(columns) {
                let copy = try decoder.makeCache()
                try copy.copy(stream.cache, count: columns.count)
                return copy
            }
        }
        stream.cached = columns
    }

    /// Checks the prompt and makes room, keeping what the cache already holds of it.
    func prepare(_ stream: GenerationStream, _ options: GenerationOptions) throws {
        try options.sampling.check()
        stream.options = options
        let length = stream.columns.count
        guard length > 0 else { throw OpahError(.argument, "generate: the prompt is empty") }
        guard length < model.maxLength else {
            throw OpahError(
                .argument,
                "generate: the prompt has \(length) tokens, and this model takes \(model.maxLength) with the answer",
                hint: "use a shorter reference or text, or load the model with a larger max_length")
        }
        for (t, column) in stream.columns.enumerated() { try model.check(column, at: t) }
        let room = model.maxLength - length
        stream.limitIsLength = options.maxNewTokens <= 0 || options.maxNewTokens > room
        stream.limit = length + (stream.limitIsLength ? room : options.maxNewTokens)
        if stream.cache == nil { stream.cache = try decoder.makeCache() }
        let common = zip(stream.cached, stream.columns).prefix { $0 == $1 }.count
        stream.cached = Array(stream.columns.prefix(min(common, length - 1)))   // the last one must run again
    }

    private func step(
        _ active: [GenerationStream], _ hidden: Tensor,
        _ onFrame: ((GeneratedFrame) throws -> Void)?
    ) throws {
        let isNaive = decoder.configuration.architecture == .naive, size = decoder.configuration.vocabularySize
        let logits = try decoder.tokenLogits(hidden)
        var tokens: [Int] = [], speaking: [Int] = []
        for (i, stream) in active.enumerated() {
            let row = UnsafeMutableBufferPointer(start: logits.pointer(Float.self) + i * size, count: size)
            let token = try mainToken(row, stream, stream.options, isNaive)
            tokens.append(token)
            // In a naive model codes come with every token; a fast stack need not run where they are masked.
            let hasCodes = isNaive || model.release.codesFollowMainToken
            if frameIds.contains(token) || (hasCodes && stream.options.strayTokens == .keep) { speaking.append(i) }
        }
        var codes = [[Int32]](
            repeating: [Int32](repeating: 0, count: decoder.configuration.codebookCount), count: active.count)
        if !speaking.isEmpty {
            let first =
                model.release.codesFollowMainToken
                ? speaking.map {
                    Int32(min(max(tokens[$0] - frameIds.lowerBound, 0), decoder.configuration.codebookSize - 1))
                } : nil
            let found = try decoder.codes(try rows(hidden, speaking), first: first) { place, book, logits in
                let stream = active[speaking[place]], options = stream.options!
                // Value k + offset is code k; with an offset of 1, 0 is padding.
                if let size = options.codecSize, size + offset < logits.count {
                    for value in (size + offset) ..< logits.count { logits[value] = -.infinity }
                }
                if let recent = recentValues(stream, row: book + 1) {
                    Sampling.penalise(logits, recent, Float(options.sampling.repetitionPenalty))
                }
                let code = try Sampling.draw(logits, options.sampling, uniform: uniform(stream, options, book + 1))
                guard code == 0, offset == 1, options.strayTokens == .redraw else { return Int32(code) }
                logits[0] = -.infinity
                return Int32(
                    try Sampling.draw(logits, options.sampling, uniform: uniform(stream, options, -(book + 1))))
            }
            for (place, i) in speaking.enumerated() { codes[i] = found[place] }
        }
        for (i, stream) in active.enumerated() {
            stream.columns.append([Int32(tokens[i])] + codes[i])
            if tokens[i] == endId {
                stream.end = .complete
                continue
            }
            try onFrame?(
                GeneratedFrame(
                    sample: stream.sample, piece: stream.piece,
                    index: stream.columns.count - 1 - stream.promptLength, codes: codes[i].map { $0 - Int32(offset) }))
            if stream.columns.count >= stream.limit { stream.end = stream.limitIsLength ? .lengthLimit : .tokenLimit }
        }
    }

    /// Naive models draw the main token almost greedily.
    private func mainToken(
        _ logits: UnsafeMutableBufferPointer<Float>, _ stream: GenerationStream, _ options: GenerationOptions,
        _ isNaive: Bool
    ) throws -> Int {
        var sampling = options.sampling
        if isNaive { (sampling.temperature, sampling.topP) = (0.1, 0.1) }
        if !isNaive, model.release.penalisesMainTokens, let recent = recentValues(stream, row: 0) {
            Sampling.penalise(logits, recent, Float(options.sampling.repetitionPenalty))
        }
        // Where a frame's token is its first code, those that the model or the codec lacks are never drawn.
        let spoken =
            frameIds.count == 1
            ? frameIds
            : frameIds.prefix(min(options.codecSize ?? .max, decoder.configuration.codebookSize))
        for token in spoken.upperBound ..< frameIds.upperBound { logits[token] = -.infinity }
        let mustSpeak = stream.columns.count - stream.promptLength < options.minFrames
        let token = try Sampling.draw(logits, sampling, uniform: uniform(stream, options, 0))
        let stays = spoken.contains(token) || (token == endId && !mustSpeak)
        if stays || options.strayTokens == .keep { return token }
        let second = uniform(stream, options, decoder.configuration.codebookCount + 1)
        if spoken.count == 1 {
            if mustSpeak { return spoken.lowerBound }
            // Between the two, with the odds the model gives them.
            let odds = Double(logits[endId] - logits[spoken.lowerBound]) / sampling.temperature
            return second < 1 / (1 + exp(odds)) ? spoken.lowerBound : endId
        }
        for token in logits.indices where !spoken.contains(token) && (token != endId || mustSpeak) {
            logits[token] = -.infinity
        }
        return try Sampling.draw(logits, sampling, uniform: second)
    }

    /// The values of a row that the penalty applies to: the last 16 columns without the first generated one, which also
    /// has no penalty itself. The window starts out filled with zeros, so the value 0 is penalised in the first 16
    /// columns.
    private func recentValues(_ stream: GenerationStream, row: Int) -> [Int]? {
        let frames = stream.columns.count - stream.promptLength
        guard frames > 0 else { return nil }
        let later = stream.columns.suffix(min(frames - 1, Self.window))
        return later.map { Int($0[row]) } + (later.count < Self.window ? [0] : [])
    }

    /// A number in [0, 1) for one decision: a function of the seed plus the sample, the piece, the frame and the row,
    /// so that samples do not depend on how many run together.
    private func uniform(_ stream: GenerationStream, _ options: GenerationOptions, _ row: Int) -> Double {
        let frame = stream.columns.count - stream.promptLength
        let decision =
            frame * 2 * (decoder.configuration.codebookCount + 2)
            + (row < 0 ? decoder.configuration.codebookCount + 1 - row : row)
        return Random(
            seed: options.seed &+ UInt64(stream.sample), offset: UInt64(stream.piece) << 32 | UInt64(decision)
        ).uniform()
    }

    private func rows(_ hidden: Tensor, _ picked: [Int]) throws -> Tensor {
        let width = hidden.shape[1], result = try Tensor(empty: [picked.count, width])
        for (to, from) in picked.enumerated() {
            (result.pointer(Float.self) + to * width).update(
                from: hidden.pointer(Float.self) + from * width, count: width)
        }
        return result
    }
}
