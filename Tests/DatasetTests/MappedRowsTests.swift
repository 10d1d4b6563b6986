import Dataset
import Support
import TestSupport
import Text
import XCTest

/// Rows of packs that are read clip by clip are those of packs in memory, and those of version 0.1.0, which held all.
final class MappedRowsTests: XCTestCase {
    private static let tokenizer = Result { try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel")) }

    private func settings(_ sampler: SamplingSettings.Sampler, _ isSecond: Bool) -> SamplingSettings {
        var settings = SamplingSettings()
        settings.sampler = sampler
        if isSecond {
            (settings.maxLength, settings.validationFraction, settings.seed) = (
                sampler == .coverage ? 80 : 100, 0.05, 42
            )
            (settings.codebookSize, settings.codebooks, settings.causal) = (990, 4, sampler == .coverage)
        } else {
            (settings.maxLength, settings.validationFraction, settings.seed) = (256, 0.2, 7)
            (settings.interactiveProbability, settings.speakerProbability) = (0.5, 0.5)
            (settings.skipTextProbability, settings.corruptProbability) = (0.3, 0.15)
        }
        return settings
    }

    /// 200 batches of a row and all held-out ones, as digest of their numbers.
    private func digest(_ data: TrainingDataset) throws -> String {
        let digest = Digest()
        func add(_ batch: TokenBatch) throws {
            for tensor in [batch.inputs, batch.labels] {
                digest.update(try tensor.ints().map(String.init).joined(separator: ",") + "\n")
            }
        }
        for _ in 0 ..< 200 { try add(data.batch(1)) }
        for batch in try data.validation(batchSize: 4) { try add(batch) }
        return digest.finish()
    }

    func testRowsAreThoseOfPacksInMemory() throws {
        let tokenizer = try Self.tokenizer.get()
        // Digests that version 0.1.0 printed.
        let known: [(SamplingSettings.Sampler, Bool, String, clips: [Int])] = [
            (.coverage, false, "026cc83206743fe2592ec1b8cb47b6f5", [237, 63, 0]),
            (.coverage, true, "47d114411cd579b23b79f257e56af5e1", [77, 6, 217]),
            (.reference, false, "cfeee3be895ddf9d428279a2dd00bfd2", [237, 63, 0]),
            (.reference, true, "a6e530e3ff656a7f6b750f981c7d5d52", [77, 6, 217])
        ]
        try withTemporaryFolder { folder in
            let packs = try MadePacks(in: folder)
            for (sampler, isSecond, rows, clips) in known {
                let settings = settings(sampler, isSecond), what = "\(sampler) \(isSecond)"
                func dataset(_ store: SentenceStore) throws -> TrainingDataset {
                    try TrainingDataset(store: store, tokenizer: tokenizer, settings: settings)
                }
                // Cold, with an index and lengths of other settings, and with all of them.
                for round in 0 ..< 2 {
                    let memory = try dataset(MadePacks.store()), mapped = try dataset(packs.store())
                    XCTAssertEqual(mapped.digest, "1e0c852f2ae41fc2604055bbfe38e72c")
                    XCTAssertEqual(memory.digest, mapped.digest)
                    XCTAssertEqual([mapped.trainingClips, mapped.validationClips, mapped.skipped.count], clips, what)
                    XCTAssertEqual(memory.skipped.map(\.path), mapped.skipped.map(\.path), what)
                    XCTAssertEqual(memory.skipped.map(\.reason), mapped.skipped.map(\.reason), what)
                    XCTAssertEqual(
                        [memory.largestCode, memory.codebooks], [mapped.largestCode, mapped.codebooks], what)
                    XCTAssertEqual(memory.largestCodeClip, mapped.largestCodeClip, what)
                    XCTAssertEqual(try digest(memory), rows, what)
                    XCTAssertEqual(try digest(mapped), rows, "\(what), round \(round)")
                    XCTAssertEqual(memory.state, mapped.state, what)
                    XCTAssertEqual(memory.coverage(), mapped.coverage(), what)
                    XCTAssertEqual(memory.truncatedTokens, mapped.truncatedTokens, what)
                    let owners = try memory.validationBySpeaker(batchSize: 3).map { $0.map(\.speaker) }
                    XCTAssertEqual(owners, try mapped.validationBySpeaker(batchSize: 3).map { $0.map(\.speaker) }, what)
                    // Both go on from the state of the other.
                    let state = mapped.state, next = try (0 ..< 20).map { _ in try mapped.nextRow() }
                    try memory.restore(state)
                    XCTAssertEqual(try (0 ..< 20).map { _ in try memory.nextRow() }, next, what)
                }
            }
        }
    }

    /// A limit makes the first batches, and no more.
    func testSomeBatchesOfTheHeldOut() throws {
        let data = try TrainingDataset(
            store: MadePacks.store(), tokenizer: Self.tokenizer.get(), settings: settings(.coverage, false))
        let all = try data.validation(batchSize: 4), some = try data.validation(batchSize: 4, limit: 3)
        XCTAssertEqual(all.count, 16)
        XCTAssertEqual(try some.map { try $0.inputs.ints() }, try all.prefix(3).map { try $0.inputs.ints() })
        XCTAssertEqual(try data.validationBySpeaker(batchSize: 4, limit: 3).count, 3)
        XCTAssertEqual(try data.validation(batchSize: 4, limit: .max).count, 16)
    }

    /// Clips that cannot be used are the same ones for the same reasons.
    func testClipsThatAreLeftOut() throws {
        var groups = MadePacks.groups()
        groups[0].sentences[3].texts = [""]
        groups[0].sentences[4].texts = []
        groups[1].sentences[0].codes = (0 ..< 8).map { _ in [] }
        groups[1].sentences[9].codes.removeLast(3)
        groups[2].sentences[50].codes[7][2] = 1500
        var settings = SamplingSettings()
        (settings.maxLength, settings.codebookSize) = (70, 1024)
        try withTemporaryFolder { folder in
            let packs = try MadePacks(in: folder, groups: groups)
            for _ in 0 ..< 2 {
                let memory = try TrainingDataset(
                    store: MadePacks.store(groups), tokenizer: Self.tokenizer.get(), settings: settings)
                let mapped = try TrainingDataset(
                    store: packs.store(), tokenizer: Self.tokenizer.get(), settings: settings)
                XCTAssertEqual(
                    memory.skipped.map { [$0.path, $0.reason, $0.remedy ?? ""] },
                    mapped.skipped.map { [$0.path, $0.reason, $0.remedy ?? ""] })
                for reason in [
                    "has no text", "has no frames", "has 5 codebooks, and 8", "has the code 1500", "do not fit"
                ] {
                    XCTAssertTrue(mapped.skipped.contains { $0.reason.contains(reason) }, reason)
                }
                XCTAssertEqual(mapped.skipped.count { $0.reason == "has no text" }, 2)
            }
        }
    }
}
