import Foundation
import TestSupport
import XCTest

/// The predicted peak of a training step against what the process then took.
final class TrainingMemoryTests: XCTestCase {
    /// Runs two steps in a process of its own: predicted and measured bytes, parts, recomputed layers.
    private func steps(layers: Int, rows: String, budget: String, dropout: String) throws -> [Double] {
        let script = """
            local lm, lora, tensor, train = require "opah.lm", require "opah.lora", require "opah.tensor", require "opah.train"
            local model = lm.new({ model_type = "dual_ar", vocab_size = 8000, dim = 512, n_layer = \(layers), n_fast_layer = 2, n_head = 8, n_local_heads = 2,
              head_dim = 64, intermediate_size = 2048, codebook_size = 256, num_codebooks = 8, max_seq_len = 2048, tie_word_embeddings = false }, { seed = 1, dtype = "bfloat16" })
            lora.apply(model, lora.config { r = 8, lora_alpha = 16, lora_dropout = \(dropout) }, { seed = 1 })
            local lengths, longest = {\(rows)}, 0
            for _, n in ipairs(lengths) do longest = math.max(longest, n) end
            local inputs = tensor.zeros(#lengths, 9, longest, { dtype = "int64" })
            local labels = tensor.full({ #lengths, 9, longest }, -100, { dtype = "int64" })
            local padding = tensor.ones(#lengths, longest, { dtype = "bool" })
            for b, n in ipairs(lengths) do
              inputs[{ b, {}, { 1, n } }] = 7
              inputs[{ b, 1, { 1, n } }] = 5
              labels[{ b, {}, { 1, n } }] = 7
              padding[{ b, { 1, n } }] = false
            end
            local batch = { inputs = inputs, labels = labels, attention_masks = padding }
            local cost = model:training_cost { batch = batch, memory_budget = \(budget) }
            local optimizer = train.adamw(model:parameters())
            for step = 1, 2 do
              model:loss(batch, { seed = step, memory_budget = \(budget) }):backward()
              optimizer:step()
              optimizer:zero_grad()
            end
            local peak
            for line in io.lines("/proc/self/status") do peak = peak or line:match("^VmHWM:%s+(%d+) kB") end
            print(cost.bytes, peak * 1024, cost.parts, cost.recomputed_layers)
            """
        let path = NSTemporaryDirectory() + "opah-memory-\(UUID().uuidString).lua"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let result = try OpahProcess.run([path])
        XCTAssertEqual(result.code, 0, result.errors)
        return result.output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }

    func testPeakIsPredicted() throws {
        for (layers, rows, budget, dropout) in [
            (6, "450", "\"8GB\"", "0"), (6, "150, 450, 200", "\"8GB\"", "0.1"), (8, "200, 600, 270", "380e6", "0.1"),
            (6, "450", "270e6", "0")
        ] {
            let found = try steps(layers: layers, rows: rows, budget: budget, dropout: dropout)
            guard found.count == 4 else { return XCTFail("\(found)") }
            let what =
                "rows \(rows), budget \(budget): predicted \(Int(found[0] / 1e6)) MB, taken \(Int(found[1] / 1e6)) MB, \(found[2]) parts, \(found[3]) layers recomputed"
            XCTAssertLessThan(abs(found[0] / found[1] - 1), 0.15, what)
            print("  " + what)
        }
    }
}
