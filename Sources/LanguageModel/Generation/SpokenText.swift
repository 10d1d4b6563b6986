import Support
import Tensors
import Text

/// A text that is ready to be spoken: its pieces and the references before them, as tokens.
struct SpokenText {
    private let model: LanguageModel
    private let options: SpeechOptions
    private let texts: [String]
    /// Of each piece, columns [1 + C].
    private let encoded: [[[Int32]]]
    private let reference: [[Int32]]
    /// Columns of the system's turn and the references, whether or not they are heard.
    private let taken: Int

    init(_ model: LanguageModel, _ text: String, _ references: [VoiceReference], _ options: SpeechOptions) throws {
        guard let writer = model.writer else {
            throw OpahError(
                .checkpoint, "this model has no tokenizer that writes turns",
                hint: "load it from a folder with its tokenizer files, or pass a prompt")
        }
        guard options.chunkLength >= 1 else {
            throw OpahError(.argument, "chunk_length must be at least 1, not \(options.chunkLength)")
        }
        let books = model.configuration.codebookCount, cleaning = writer.format.cleaning
        let texts = options.iterativePrompt ? splitText(text, length: options.chunkLength, cleaning) : [text]
        guard texts.contains(where: { cleanText($0, cleaning).contains { $0.isLetter || $0.isNumber || $0.isSymbol } })
        else {
            throw OpahError(
                .argument, "there is nothing to speak in '\(text.prefix(60))'", hint: "punctuation alone has no sound")
        }
        let prompts = try references.map {
            try Prompt.columns(
                writer, text: $0.text, codes: try Prompt.codebooks($0.codes, books), codebookCount: books,
                speaker: options.speaker, allowSpecial: options.allowSpecial)
        }
        encoded = try texts.map {
            try Prompt.columns(
                writer, text: $0, codes: nil, codebookCount: books, speaker: options.speaker,
                allowSpecial: options.allowSpecial)
        }
        // The system speaks where there is a reference, and counts where there is none.
        let system = Prompt.plain(try writer.system(), books)
        taken = system.count + prompts.reduce(0) { $0 + $1.count }
        reference = prompts.isEmpty ? [] : system + prompts.flatMap { $0 }
        if let longest = encoded.map(\.count).max(), reference.count + longest >= model.maxLength {
            throw OpahError(
                .argument,
                "the references take \(reference.count) tokens and a piece of text \(longest), and this model takes \(model.maxLength) with the answer",
                hint: "use a shorter reference, or a smaller chunk_length")
        }
        (self.model, self.options, self.texts) = (model, options, texts)
    }

    /// One sample of it, while it is being spoken: a stream per piece, each of which sees the ones before it.
    struct Telling {
        private let text: SpokenText
        let sample: Int
        private var segments: [[[Int32]]] = []
        private var pieces: [(text: String, frames: Int, end: GenerationEnd)] = []
        private var codes: [[Int32]] = []

        init(_ text: SpokenText, sample: Int) { (self.text, self.sample) = (text, sample) }

        mutating func first() -> GenerationStream { start(0) }

        private mutating func start(_ piece: Int, after earlier: GenerationStream? = nil) -> GenerationStream {
            segments.append(text.encoded[piece])
            let prompt = text.reference + text.history(segments).flatMap { $0 }
            return GenerationStream(
                sample: sample, piece: piece, prompt: prompt, shared: text.reference.count, continuing: earlier)
        }

        /// Takes what a stream said; gives the stream to go on with, nil when the text has been spoken.
        mutating func next(after stream: GenerationStream) -> GenerationStream? {
            let release = text.model.release, stray = text.options.generation.strayTokens
            let spoken = stream.frames(release, stray)
            segments.append(
                stream.answer(
                    release, stray, end: Prompt.plain([text.model.endId], text.model.configuration.codebookCount)))
            codes += spoken
            pieces.append((text.texts[stream.piece], spoken.count, stream.end!))
            return stream.piece + 1 < text.encoded.count ? start(stream.piece + 1, after: stream) : nil
        }

        func result() throws -> GeneratedSpeech {
            // Frames without codes (kept stray tokens) have nothing to decode.
            let offset = Int32(text.model.release.format.codeOffset)
            let columns = codes.map { $0.dropFirst().map { $0 - offset } }.filter { $0.allSatisfy { $0 >= 0 } }
            return GeneratedSpeech(
                codes: try Prompt.tensor(columns, rows: text.model.configuration.codebookCount), pieces: pieces)
        }
    }

    /// The segments that the next piece sees, the newest last; fewer when they would leave no room for an answer.
    private func history(_ segments: [[[Int32]]]) -> [[[Int32]]] {
        let budget = options.contextLength - options.contextLength / 2 - taken, maxLength = model.maxLength
        var chosen = Prompt.window(segments.map(\.count), budget: budget)
        let reserve = max(1, min(options.contextLength / 2, (maxLength - taken) / 2))
        func length() -> Int { taken + chosen.reduce(0) { $0 + segments[$1].count } }
        while chosen.count > 1, length() + reserve > maxLength {
            // A text goes together with its answer; the first pair stays longest.
            chosen.removeSubrange(chosen.count > 3 ? 2 ..< 4 : 0 ..< 2)
        }
        return chosen.map { segments[$0] }
    }
}
