import Foundation
import LanguageModel
import Support
import Tensors
import TestSupport
import XCTest

/// Times of a random model of the size of 1.4. `OPAH_BENCH=1 swift test -c release --filter
/// LanguageModelTests.SpeedTests`
final class SpeedTests: XCTestCase {
    override func setUpWithError() throws {
        try XCTSkipUnless(ProcessInfo.processInfo.environment["OPAH_BENCH"] != nil, "set OPAH_BENCH=1 to measure")
    }

    private static let configuration = try! ModelConfiguration([
        "model_type": "dual_ar", "dim": 1024, "n_layer": 24, "n_fast_layer": 4, "n_head": 16, "n_local_heads": 2,
        "intermediate_size": 4096,
        "vocab_size": 32000, "num_codebooks": 8, "codebook_size": 1024, "tie_word_embeddings": false, "rope_base": 1e6,
        "norm_eps": 1e-6,
        "max_seq_len": 4096
    ])
    private static let folder = NSTemporaryDirectory() + "opah-bench-model"

    /// The model in a file, made once.
    private func saved() throws -> String {
        if !FileManager.default.fileExists(atPath: Self.folder + "/config.json") {
            try LanguageModel.random(Self.configuration, seed: 1, dtype: .bfloat16).save(Self.folder)
        }
        return Self.folder
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }

    /// Processor time of all threads so far: what other programs leave of the machine does not matter to it.
    private func cpu() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    private func batch(_ lengths: [Int]) throws -> Batch {
        let random = Random(seed: 5), length = lengths.max()!
        var inputs: [Int] = [], labels: [Int] = [], masks: [Int] = []
        for n in lengths {
            // A third text, then speech; the labels are the next column.
            let columns = (0 ... n).map { t in
                (0 ..< 9).map { row in
                    t < n / 8
                        ? (row == 0 ? 100 + random.integer(below: 30000) : 0)
                        : (row == 0 ? 5 : 1 + random.integer(below: 1000))
                }
            }
            for row in 0 ..< 9 {
                for t in 0 ..< length {
                    inputs.append(t < n ? columns[t][row] : 0)
                    labels.append(t < n ? (row > 0 && t + 1 < n / 8 ? -100 : columns[t + 1][row]) : -100)
                }
            }
            masks += (0 ..< length).map { $0 < n ? 0 : 1 }
        }
        return Batch(
            inputs: try Tensor(integers: inputs, [lengths.count, 9, length]),
            attentionMasks: try Tensor(integers: masks, [lengths.count, length]).to(.bool),
            labels: try Tensor(integers: labels, [lengths.count, 9, length]))
    }

    func testLoading() throws {
        let folder = try saved()
        for form in [LanguageModel.WeightForm.asStored, .asStored, .float32] {
            let time = try seconds {
                XCTAssertGreaterThan(try LanguageModel.load(folder, weights: form).parameterCount, 490_000_000)
            }
            print(String(format: "  load %@: %.3f s", form.rawValue, time))
        }
    }

    func testTrainingStep() throws {
        for (lengths, again) in [([512], nil), ([512], 24), ([200, 500, 900, 1400], nil)] as [([Int], Int?)] {
            let model = try LanguageModel.load(try saved())
            try model.applyLoRA(.stock, generator: Random(seed: 1))
            if let again { model.planner.fixed = .init(recomputedLayers: again) }
            let batch = try batch(lengths)
            for _ in 0 ..< 2 {
                Memory.resetPeak()
                let before = cpu()
                var forward = 0.0, loss = 0.0
                let time = try seconds {
                    var result: LossResult?
                    forward = try seconds { result = try model.loss(batch, dropoutSeed: 1) }
                    loss = result!.base
                    try result!.loss.backward()
                }
                for (_, tensor) in model.trainableParameters { tensor.grad = nil }
                print(
                    String(
                        format:
                            "  LoRA step, rows of %@%@: %.2f s (forward %.2f, processor time %.1f), peak %.2f GB, base loss %.3f",
                        lengths.map(String.init).joined(separator: ", "),
                        again == nil ? "" : ", all layers recomputed", time, forward, cpu() - before,
                        Double(Memory.peak) / 1e9, loss))
                if lengths.count > 1 { break }
            }
        }
    }

    func testMerging() throws {
        let base = try saved(), adapter = Self.folder + ".ckpt", output = Self.folder + "-merged"
        let model = try LanguageModel.load(base), lora = try model.applyLoRA(.stock, generator: Random(seed: 1))
        for (_, tensor) in lora.namedParameters {
            let noise = try Tensor.randn(tensor.shape, std: 0.01, generator: Random(seed: 2))
            for i in 0 ..< tensor.count { tensor.pointer(Float.self)[i] += noise.pointer(Float.self)[i] }
        }
        print(String(format: "  digest of the base: %.2f s", try seconds { _ = try model.baseDigest() }))
        print(String(format: "  saving the adapter: %.2f s", try seconds { try model.saveLoRA(lora, to: adapter) }))
        Memory.resetPeak()
        let time = try seconds {
            let report = try LanguageModel.mergeFiles(
                configuration: nil, baseWeight: base, loraWeight: adapter, output: output)
            print("  \(report)")
        }
        print(String(format: "  merging files: %.2f s, peak %.2f GB", time, Double(Memory.peak) / 1e9))
        try? FileManager.default.removeItem(atPath: output)
    }

    func testGeneration() throws {
        let random = Random(seed: 2), length = 200, frames = 40
        let prompt = try Tensor(
            integers: (0 ..< 9).flatMap { row in
                (0 ..< length).map { t in
                    t < 40
                        ? (row == 0 ? 100 + random.integer(below: 30000) : 0)
                        : (row == 0 ? 5 : 1 + random.integer(below: 1000))
                }
            }, [9, length])
        for form in [LanguageModel.WeightForm.int4, .int8, .bfloat16, .float32] {
            let model = try LanguageModel.load(try saved(), weights: form)
            for streams in [1, 1, 4, 8] {
                var options = GenerationOptions(sampling: SamplingOptions(), maxNewTokens: frames)
                options.minFrames = frames   // random weights would end at any moment
                let before = try MachineRates.measure(seconds: 1.5)
                var times: [Double] = [], cpus: [Double] = []
                let start = DispatchTime.now().uptimeNanoseconds
                _ = try model.generate(prompts: [Tensor](repeating: prompt, count: streams), options) { frame in
                    if frame.sample == streams - 1 {
                        times.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
                        cpus.append(self.cpu())
                    }
                }
                let after = try MachineRates.measure(seconds: 1.5)
                let rate = before.better(after).readBandwidth,
                    steps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted(), middle = steps[steps.count / 2]
                let cost = try model.generationCost(streams: streams, context: length + frames / 2),
                    floor = Double(cost.bytesPerFrame) / rate
                print(
                    String(
                        format:
                            "  generate %@ x %d: prompt of %d in %.2f s, then %.2f steps/s (%.1f ... %.1f ms, median %.1f; %.1f ms of processor time), %.2f frames/s; memory read %.1f GB/s gives %.2f: %.2f of the floor; %.1f of %.1f GFLOP/s",
                        form.rawValue, streams, length, times[0], 1 / middle, steps[0] * 1e3, steps.last! * 1e3,
                        middle * 1e3,
                        (cpus.last! - cpus[0]) / Double(steps.count) * 1e3, Double(streams) / middle, rate / 1e9,
                        1 / floor, floor / middle,
                        Double(cost.operationsPerFrame) / middle / 1e9, before.better(after).matrixRate / 1e9))
            }
        }
    }
}
