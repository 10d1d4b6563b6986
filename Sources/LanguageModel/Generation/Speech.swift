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
            piece.end == .complete
                ? nil
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
    public func speak(
        _ text: String, references: [VoiceReference] = [], _ options: SpeechOptions,
        onFrame: ((GeneratedFrame) throws -> Void)? = nil,
        onSample: ((Int, GeneratedSpeech) throws -> Void)? = nil
    ) throws -> [GeneratedSpeech] {
        guard options.samples >= 1, options.samples <= 4096 else {
            throw OpahError(.argument, "num_samples must be from 1 to 4096, not \(options.samples)")
        }
        let spoken = try SpokenText(self, text, references, options), generator = try Generator(self)
        var tellings = (0 ..< options.samples).map { SpokenText.Telling(spoken, sample: $0) }
        var results = [GeneratedSpeech?](repeating: nil, count: options.samples)
        // A sample goes on with its next piece at once, whatever the others do.
        try generator.run(tellings.indices.map { tellings[$0].first() }, options.generation, onFrame) { stream in
            let sample = stream.sample
            if let next = tellings[sample].next(after: stream) { return next }
            let speech = try tellings[sample].result()
            results[sample] = speech
            try onSample?(sample, speech)
            return nil
        }
        return results.map { $0! }
    }
}
