import Support
import Tensors
import Text

/// A spoken reference: what was said, and its codes [C, T].
public struct VoiceReference {
    public let text: String
    public let codes: Tensor
    public init(text: String, codes: Tensor) { (self.text, self.codes) = (text, codes) }
}

/// How text becomes speech.
public struct SpeechOptions: Sendable {
    public var generation: GenerationOptions
    /// How many times the text is spoken; samples run in step, which costs little more than one.
    public var samples = 1
    /// Pieces of text have at most about so many UTF-8 bytes.
    public var chunkLength = 100
    /// Whether the text is cut, each piece seeing the ones before it.
    public var iterativePrompt = true
    /// Tokens that a piece's prompt and answer should keep to; the answer is given half.
    public var contextLength = 2048
    /// Who speaks: the role in the prompt, in releases that have one for speakers.
    public var speaker = "assistant"
    /// Whether control tokens in texts and references count as such.
    public var allowSpecial = false

    public init(_ generation: GenerationOptions) { self.generation = generation }
}

/// One spoken sample of a text.
public struct GeneratedSpeech {
    /// The codec's codes, int32 [C, T].
    public let codes: Tensor
    /// The pieces of text, how many frames each took, and why each ended.
    public let pieces: [(text: String, frames: Int, end: GenerationEnd)]
    /// What a person should know: pieces that hit a limit.
    public var notes: [String] {
        pieces.compactMap { piece in
            piece.end == .complete ? nil
                : "'\(piece.text)' was cut off after \(piece.frames) frames: \(piece.end == .tokenLimit ? "max_new_tokens" : "the model's length") was reached"
        }
    }
}

extension LanguageModel {
    /// Speaks a text: cuts it into pieces and continues a prompt for each.
    /// - Parameters:
    ///   - onFrame: hears every frame when it is there.
    ///   - onSample: hears every sample, by its number from 0, as soon as it has spoken the whole text.
    /// - Returns: one result per sample. The closing `<|im_end|>` is not in the codes; the last real frame always is.
    public func speak(_ text: String, references: [VoiceReference] = [], _ options: SpeechOptions,
                      onFrame: ((GeneratedFrame) throws -> Void)? = nil,
                      onSample: ((Int, GeneratedSpeech) throws -> Void)? = nil) throws -> [GeneratedSpeech] {
        guard let writer else {
            throw OpahError(.checkpoint, "this model has no tokenizer that writes turns", hint: "load it from a folder with its tokenizer files, or pass a prompt")
        }
        guard options.samples >= 1, options.samples <= 4096, options.chunkLength >= 1 else {
            throw OpahError(.argument, "num_samples must be from 1 to 4096 and chunk_length at least 1, not \(options.samples) and \(options.chunkLength)")
        }
        let books = configuration.codebookCount, cleaning = writer.format.cleaning
        let texts = options.iterativePrompt ? splitText(text, length: options.chunkLength, cleaning) : [text]
        guard texts.contains(where: { !cleanText($0, cleaning).isEmpty }) else {
            throw OpahError(.argument, "there is nothing to speak in '\(text.prefix(60))'", hint: "punctuation alone has no sound")
        }
        let prompts = try references.map {
            try Prompt.columns(writer, text: $0.text, codes: try Prompt.codebooks($0.codes, books), codebookCount: books,
                               speaker: options.speaker, allowSpecial: options.allowSpecial)
        }
        let encoded = try texts.map {
            try Prompt.columns(writer, text: $0, codes: nil, codebookCount: books, speaker: options.speaker, allowSpecial: options.allowSpecial)
        }
        // The system speaks where there is a reference, and counts where there is none.
        let system = Prompt.plain(try writer.system(), books), taken = system.count + prompts.reduce(0) { $0 + $1.count }
        let reference = prompts.isEmpty ? [] : system + prompts.flatMap { $0 }
        if let longest = encoded.map(\.count).max(), reference.count + longest >= maxLength {
            throw OpahError(.argument, "the references take \(reference.count) tokens and a piece of text \(longest), and this model takes \(maxLength) with the answer",
                            hint: "use a shorter reference, or a smaller chunk_length")
        }

        let generator = try Generator(self)
        var segments = [[[[Int32]]]](repeating: [], count: options.samples)
        var pieces = [[(text: String, frames: Int, end: GenerationEnd)]](repeating: [], count: options.samples)
        var codes = [[[Int32]]](repeating: [], count: options.samples)
        var results = [GeneratedSpeech?](repeating: nil, count: options.samples)
        func start(_ piece: Int, _ sample: Int, after earlier: GenerationStream? = nil) -> GenerationStream {
            segments[sample].append(encoded[piece])
            let prompt = reference + history(segments[sample], referenceLength: taken, options).flatMap { $0 }
            return GenerationStream(sample: sample, piece: piece, prompt: prompt, continuing: earlier)
        }
        // A sample goes on with its next piece at once, whatever the others do.
        try generator.run((0..<options.samples).map { start(0, $0) }, options.generation, onFrame) { stream in
            let sample = stream.sample
            let spoken = stream.frames(release, options.generation.strayTokens)
            segments[sample].append(stream.answer(release, options.generation.strayTokens, end: Prompt.plain([endId], books)))
            codes[sample] += spoken
            pieces[sample].append((texts[stream.piece], spoken.count, stream.end!))
            if stream.piece + 1 < encoded.count { return start(stream.piece + 1, sample, after: stream) }
            // Frames without codes (kept stray tokens) have nothing to decode.
            let offset = Int32(release.format.codeOffset)
            let columns = codes[sample].map { $0.dropFirst().map { $0 - offset } }.filter { $0.allSatisfy { $0 >= 0 } }
            let speech = GeneratedSpeech(codes: try Prompt.tensor(columns, rows: books), pieces: pieces[sample])
            results[sample] = speech
            try onSample?(sample, speech)
            return nil
        }
        return results.map { $0! }
    }

    /// The segments that the next piece sees, the newest last; fewer when they would leave no room for an answer.
    private func history(_ segments: [[[Int32]]], referenceLength: Int, _ options: SpeechOptions) -> [[[Int32]]] {
        let budget = options.contextLength - options.contextLength / 2 - referenceLength
        var chosen = Prompt.window(segments.map(\.count), budget: budget)
        let reserve = max(1, min(options.contextLength / 2, (maxLength - referenceLength) / 2))
        func length() -> Int { referenceLength + chosen.reduce(0) { $0 + segments[$1].count } }
        while chosen.count > 1, length() + reserve > maxLength {
            // A text goes together with its answer; the first pair stays longest.
            chosen.removeSubrange(chosen.count > 3 ? 2..<4 : 0..<2)
        }
        return chosen.map { segments[$0] }
    }
}
