import Support
import Tensors

/// Texts that are spoken in step and come and go one by one: each step reads the weights once for all that are there.
/// What a text becomes depends on its seed and on nothing else that is spoken meanwhile.
///
/// It holds what the model's adapters were when it was made: sessions of several voices share the base's weights.
/// References that texts have in common are run once.
public final class SpeechSession {
    let model: LanguageModel
    let generator: Generator
    private var streams: [GenerationStream] = []
    private var tellings: [Int: (telling: SpokenText.Telling, options: GenerationOptions)] = [:]
    private var numbers = 0

    /// What happened to a text in a step.
    public enum Event {
        /// A new frame: the codec's codes, one per codebook.
        case frame([Int32])
        /// It is spoken to its end.
        case ended(GeneratedSpeech)
        /// It cannot go on; the others can.
        case failed(any Error)
    }

    public init(_ model: LanguageModel) throws {
        self.model = model
        generator = try Generator(model, keepsBeginnings: true)
    }

    /// How many texts are being spoken.
    public var count: Int { streams.count }

    /// Takes one more text. - Returns: its number, by which events name it.
    public func add(_ text: String, references: [VoiceReference] = [], _ options: SpeechOptions) throws -> Int {
        guard options.samples == 1 else {
            throw OpahError(.argument, "a session speaks each text once: add it again for another sample")
        }
        let number = numbers + 1
        var telling = SpokenText.Telling(try SpokenText(model, text, references, options), sample: number),
            generation = options.generation
        generation.seed &-= UInt64(number)   // a stream draws with the seed plus its number
        let stream = telling.first()
        try generator.prepare(stream, generation)
        numbers = number
        tellings[number] = (telling, generation)
        streams.append(stream)
        return number
    }

    /// Speaks a text no further.
    public func cancel(_ number: Int) {
        streams.removeAll { $0.sample == number }
        tellings[number] = nil
    }

    /// One frame more of every text.
    public func step() throws -> [(number: Int, event: Event)] {
        guard !streams.isEmpty else { return [] }
        try Interrupt.check()
        var events: [(number: Int, event: Event)] = []
        try generator.advance(streams) { events.append(($0.sample, .frame($0.codes))) }
        streams = streams.compactMap { stream in
            guard stream.end != nil else { return stream }
            let number = stream.sample, options = tellings[number]!.options
            do {
                if let next = tellings[number]!.telling.next(after: stream) {
                    try generator.prepare(next, options)
                    return next
                }
                events.append((number, .ended(try tellings[number]!.telling.result())))
            } catch { events.append((number, .failed(error))) }
            tellings[number] = nil
            return nil
        }
        return events
    }
}
