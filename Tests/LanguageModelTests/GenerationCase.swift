import Foundation
import LanguageModel
import Tensors
import TestSupport
import XCTest

/// The original's sequences of the vectors, and options to generate others with.
class GenerationCase: XCTestCase {
    struct Sequence {
        let name: String, model: String, text: String, promptText: String?
        let options: GenerationOptions
        let prompt: Tensor, expected: Tensor, promptCodes: Tensor?
    }

    func sequences() throws -> [Sequence] {
        let vectors = try Vectors.npz("generate/sequences.npz")
        return try XCTUnwrap(Vectors.json("generate/sequences.json") as? [[String: Any]]).map { entry in
            let name = entry["name"] as! String
            let sampling = try SamplingOptions(
                topP: entry["top_p"] as! Double, temperature: entry["temperature"] as! Double,
                repetitionPenalty: entry["repetition_penalty"] as! Double)
            return Sequence(
                name: name, model: entry["model"] as! String, text: entry["text"] as! String,
                promptText: entry["prompt_text"] as? String,
                options: GenerationOptions(
                    sampling: sampling, maxNewTokens: entry["max_new_tokens"] as! Int, strayTokens: .keep),
                prompt: vectors["\(name)_prompt"]!, expected: vectors["\(name)_sequence"]!,
                promptCodes: vectors["\(name)_prompt_codes"])
        }
    }

    func options(
        _ sampling: SamplingOptions? = nil, tokens: Int = 20, seed: UInt64 = 1
    ) throws -> GenerationOptions {
        GenerationOptions(
            sampling: try sampling ?? SamplingOptions(topP: 0.95, temperature: 1.5), maxNewTokens: tokens, seed: seed)
    }
}
