import Foundation
import LanguageModel
import Tensors
import TestSupport
import XCTest

/// Weights of fewer bits: what they change in the logits, and what a frame costs with them.
final class WeightFormTests: GenerationCase {
    /// Of weights that eight bits hold exactly nothing but the rounding of a prompt's vectors is seen in the logits: a number is
    /// missed by 0.57 % (steps of 1/127 of the largest of 64 normal ones) in each branch, and tables are not rounded.
    func testEightBitWeights() throws {
        for name in ["dual_bf16", "dual_tied", "naive_bf16"] {
            try withCopy(of: name) { folder in
                let model = try LanguageModel.load(folder, weights: .float32)
                for (name, tensor) in model.namedWeights where tensor.rank == 2 {
                    let p = tensor.pointer(Float.self), width = tensor.shape[1]
                    for row in 0 ..< tensor.shape[0] {
                        let values = UnsafeMutableBufferPointer(start: p + row * width, count: width)
                        let scale = exp2(ceil(log2(maxAbs(Array(values)) / 126)))
                        var units = values.map { $0 / scale }
                        units[row % min(8, width)] = 127   // the largest, from which the scale is found
                        for (i, unit) in units.enumerated() { values[i] = unit.rounded() * scale }
                    }
                    tensor.storage.didChange()
                    XCTAssertFalse(name.isEmpty)
                }
                try model.save(folder + "/exact")
                let exact = try LanguageModel.load(folder + "/exact", weights: .float32)
                let sequence = try sequences().first { $0.model.hasSuffix(name) } ?? sequences()[0]
                let prompt = try Prompt.encode(
                    exact.tokenizer!, text: sequence.text, codebookCount: exact.configuration.codebookCount)
                let spoken = try exact.generate(prompt: prompt, sequence.options).sequence
                let found = try LanguageModel.load(folder + "/exact", weights: .int8)
                    .logitsError(against: exact, on: [spoken])
                print("  \(name): tokens \(found.tokens.relative), codes \(found.codes.relative)")
                let branches = Double(
                    2 * (exact.configuration.layerCount + (exact.configuration.fast?.layerCount ?? 0))
                ).squareRoot()
                XCTAssertLessThan(max(found.tokens.relative, found.codes.relative), 1.5 * 0.0057 * branches, name)
            }
        }
    }

    func testLogitsErrors() throws {
        for name in ["dual_bf16", "dual_fastdim", "dual_tied", "naive_bf16"] {
            let folder = Vectors.path("dualar/\(name)"), exact = try LanguageModel.load(folder, weights: .float32)
            let prompt = try Prompt.encode(
                exact.tokenizer!, text: "Ok 42. No way", codebookCount: exact.configuration.codebookCount)
            var speaking = try options(SamplingOptions(topP: 1, temperature: 1.9), tokens: 40)
            speaking.minFrames = 40
            let sequence = try exact.generate(prompt: prompt, speaking).sequence
            let same = try exact.logitsError(against: exact, on: [sequence])
            XCTAssertEqual(same.tokens.relative, 0)
            XCTAssertEqual(same.codes.topOneAgreement, 1)
            XCTAssertEqual(same.tokens.positions, sequence.shape[1])
            XCTAssertEqual(same.codes.positions, 40 * exact.configuration.codebookCount)
            for (form, bound) in [(LanguageModel.WeightForm.bfloat16, 0.01), (.int8, 0.04), (.int4, 0.25)] {
                let found = try LanguageModel.load(folder, weights: form).logitsError(against: exact, on: [sequence])
                print(
                    "  \(name) \(form): tokens \(found.tokens.relative), codes \(found.codes.relative), the same code \(found.codes.topOneAgreement)"
                )
                XCTAssertLessThan(found.tokens.relative, bound, "\(name) \(form)")
                XCTAssertLessThan(found.codes.relative, bound, "\(name) \(form)")
                if form != .bfloat16 { XCTAssertGreaterThan(found.tokens.relative, form == .int8 ? 1e-4 : 1e-3) }
            }
            let other = try LanguageModel.random(exact.configuration, seed: 5, tokenizer: exact.tokenizer)
            XCTAssertGreaterThan(try other.logitsError(against: exact, on: [sequence]).tokens.relative, 0.5)
        }
        let dual = try LanguageModel.load(Vectors.path("dualar/dual_bf16")),
            naive = try LanguageModel.load(Vectors.path("dualar/naive_bf16"))
        assertThrows(.argument) { try dual.logitsError(against: naive, on: []) }
        assertThrows(.index) {
            try dual.logitsError(against: dual, on: [Tensor(integers: [5, 99, 0, 0, 0, 0, 0, 0, 0], [9, 1])])
        }
    }

    func testCosts() throws {
        let released = try ModelConfiguration([
            "model_type": "dual_ar", "dim": 1024, "n_layer": 24, "n_fast_layer": 4, "n_head": 16, "n_local_heads": 2,
            "intermediate_size": 4096,
            "vocab_size": 32000, "num_codebooks": 8, "codebook_size": 1024, "tie_word_embeddings": false,
            "max_seq_len": 4096
        ])
        // 24 layers of 14 942 208 weights and 32000 rows of output; 8 times 4 such layers and 1024 rows.
        let once = 24 * 14_942_208 + 32_000 * 1024, again = 4 * 14_942_208 + 1024 * 1024
        let one = try GenerationCost(released, .bfloat16)
        XCTAssertEqual(one.bytesPerFrame, 2 * (once + 8 * again))
        XCTAssertEqual(one.operationsPerFrame, 2 * (once + 8 * again))
        XCTAssertEqual(one.weightBytes, 2 * (once + again))
        XCTAssertEqual(one.cacheBytesPerToken, 24 * 2 * 2 * 64 * 4)
        XCTAssertEqual(try GenerationCost(released, .float32).bytesPerFrame, 2 * one.bytesPerFrame)
        XCTAssertEqual(
            // and the scales
            try Double(GenerationCost(released, .int8).bytesPerFrame), Double(one.bytesPerFrame) / 2, accuracy: 4e6)
        // Of 14 942 208 weights of a layer 12 582 912 are feed-forward: 4.5 bits, the rest 8; and the scales.
        let forward = (24 + 8 * 4) * 12_582_912
        XCTAssertEqual(
            try Double(GenerationCost(released, .int4).bytesPerFrame),
            Double(one.bytesPerFrame) / 2 - Double(forward) * (1 - 4.5 / 8), accuracy: 4e6)
        let four = try GenerationCost(released, .bfloat16, streams: 4, context: 500)
        XCTAssertEqual(four.bytesPerFrame, one.bytesPerFrame + 4 * 500 * one.cacheBytesPerToken)
        XCTAssertEqual(four.operationsPerFrame, 4 * (one.operationsPerFrame + 2 * 24 * 2 * 1024 * 500))
        assertThrows(.argument) { try GenerationCost(released, .int8, streams: 0) }
        let tiny = try LanguageModel.load(Vectors.path("dualar/dual_bf16"))
        XCTAssertEqual(
            try tiny.generationCost().weightBytes, try GenerationCost(tiny.configuration, .bfloat16).weightBytes)
    }
}
