import LanguageModel
import LuaHost

extension SamplingOptions {
    static let options = OptionTable(SamplingOptions()) { o in
        o.option("top_p", \.topP, "tokens are kept, best first, while their summed probability does not exceed this")
        o.option("temperature", \.temperature, "what logits are divided by; low is plain, high is varied")
        o.option("repetition_penalty", \.repetitionPenalty, "what logits of recent codes are divided by; 1 is none")
    }
}

extension SpeechOptions {
    /// Of a text that is spoken once.
    static let ofOneSample = OptionTable(SpeechOptions(GenerationOptions(sampling: SamplingOptions()))) { o in
        o.option("speaker", \.speaker, "who speaks: the role in the prompt, in releases that have one for speakers")
        o.option(
            "max_new_tokens", \.generation.maxNewTokens, "frames at most, per piece of text; 0 is what the model holds")
        o.option("min_frames", "integer", .integer(0), "frames that are spoken before a piece may end") {
            (speech, frames: Int) in
            speech.generation.minFrames = max(1, frames)
        }
        o.include(SamplingOptions.options, at: \.generation.sampling)
        o.option("chunk_length", \.chunkLength, "pieces of text have at most about so many UTF-8 bytes")
        o.option("iterative_prompt", \.iterativePrompt, "cut the text, each piece seeing the ones before it")
        o.option("seed", \.generation.seed, "of sampling")
        o.option("allow_special", \.allowSpecial, "whether control tokens such as `<|im_end|>` in texts count as such")
    }

    static let options = OptionTable(SpeechOptions(GenerationOptions(sampling: SamplingOptions()))) { o in
        o.include(ofOneSample, at: \.self)
        o.option("num_samples", \.samples, "how many times the text is spoken")
    }
}
