import Dataset
import Support
import TestSupport
import Text
import XCTest

final class SamplingTests: XCTestCase {
    private static let tokenizer = Result { try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel")) }
    private func tokenizer() throws -> Tokenizer { try Self.tokenizer.get() }

    /// Clips whose first code tells them apart: clip i of group g has frames of the code 100 g + i, in base 1000.
    private func store(_ groups: [[Int]]) -> SentenceStore {
        SentenceStore(
            groups: groups.enumerated().map { g, frames in
                SentenceGroup(
                    source: "folder", name: "S\(g)",
                    sentences: frames.enumerated().map { i, frames in
                        let number = Int32(500 * g + i)
                        return Sentence(
                            texts: ["Clip \(i)."],
                            codes: SentenceCodes(codebooks: 2, values: Array(repeating: number, count: 2 * frames)))
                    })
            })
    }

    /// The clips of a row, told by their codes.
    private func clips(_ row: TrainingRow) -> [Int] {
        var found: [Int] = []
        for value in row.tokens[row.length ..< 2 * row.length] where value > 0 && found.last != value - 1 {
            found.append(value - 1)
        }
        return found
    }

    private func settings(_ change: (inout SamplingSettings) -> Void) -> SamplingSettings {
        var settings = SamplingSettings()
        settings.validationFraction = 0
        change(&settings)
        return settings
    }

    /// 200 clips of 127 tokens: the text has some, the rest are frames.
    private func fiveSecondClips() throws -> SentenceStore {
        let text = try tokenizer().encode("Clip 100.").count
        return store([Array(repeating: 127 - text, count: 200)])
    }

    func testCoverageSeesEachClipOncePerPass() throws {
        let data = try TrainingDataset(store: fiveSecondClips(), tokenizer: tokenizer(), settings: settings { _ in })
        for pass in 1 ... 3 {
            var seen: [Int] = []
            while seen.count < 200 {
                let row = try data.nextRow()
                XCTAssertLessThanOrEqual(row.length, 4096)
                seen += clips(row)
            }
            XCTAssertEqual(seen.sorted(), Array(0 ..< 200), "pass \(pass)")
            XCTAssertNotEqual(seen, Array(0 ..< 200))
            let coverage = data.coverage()
            XCTAssertEqual([coverage.clips, coverage.seen, coverage.fewest, coverage.most], [200, 200, pass, pass])
        }
    }

    /// A share of the frames are other clips', and these are no labels; all else is as without, and so is what is held
    /// out.
    func testCorruptedFrames() throws {
        let store = store([Array(repeating: 40, count: 30), Array(repeating: 25, count: 30)])
        func dataset(_ share: Double) throws -> TrainingDataset {
            try TrainingDataset(
                store: store, tokenizer: tokenizer(),
                settings: settings {
                    ($0.maxLength, $0.corruptProbability, $0.validationFraction, $0.interactiveProbability) = (
                        200, share, 0.2, 1
                    )
                })
        }
        let plain = try dataset(0), noisy = try dataset(0.3)
        var frames = 0, changed = 0, others = Set<Int>()
        for _ in 0 ..< 40 {
            let before = try plain.nextRow(), after = try noisy.nextRow(), length = before.length
            XCTAssertEqual(after.length, length)
            XCTAssertEqual(
                after.tokens.prefix(length), before.tokens.prefix(length), "1.4 has one token for every frame")
            XCTAssertEqual(after.labels.prefix(length), before.labels.prefix(length))
            for t in 0 ..< length {
                let old = (1 ... 2).map { before.tokens[$0 * length + t] },
                    new = (1 ... 2).map { after.tokens[$0 * length + t] }
                guard old[0] > 0 else {
                    XCTAssertEqual(new, old)
                    continue
                }
                frames += 1
                let isIgnored =
                    t > 0 && after.labels[length + t - 1] == SentencePacker.ignoredLabel
                    && before.labels[length + t - 1] != SentencePacker.ignoredLabel
                if new != old {
                    changed += 1
                    others.insert(new[0] - 1)
                    XCTAssertEqual(new[0], new[1], "a whole frame of one clip")
                }
                if t > 0, new != old { XCTAssertEqual(after.labels[length + t - 1], SentencePacker.ignoredLabel) }
                if t > 0, !isIgnored {
                    XCTAssertEqual(new, old)
                    XCTAssertEqual(after.labels[2 * length + t - 1], before.labels[2 * length + t - 1])
                }
            }
        }
        XCTAssertEqual(Double(changed) / Double(frames), 0.3, accuracy: 0.03)
        XCTAssertGreaterThan(others.count, 40, "clips of both speakers")
        let (a, b) = (try plain.validation(batchSize: 4), try noisy.validation(batchSize: 4))
        XCTAssertFalse(a.isEmpty)
        XCTAssertEqual(try a.map { try $0.inputs.ints() }, try b.map { try $0.inputs.ints() })

        let state = noisy.state, next = try noisy.nextRow()
        try noisy.restore(state)
        XCTAssertEqual(try noisy.nextRow(), next, "a run that is resumed has the same frames")
    }

    func testReferenceReachesOnlyTheFirstClips() throws {
        let data = try TrainingDataset(
            store: fiveSecondClips(), tokenizer: tokenizer(), settings: settings { $0.sampler = .reference })
        var seen: Set<Int> = []
        for _ in 0 ..< 400 { seen.formUnion(clips(try data.nextRow())) }
        XCTAssertEqual(seen.sorted(), Array(0 ..< 33))
        let coverage = data.coverage()
        XCTAssertEqual([coverage.clips, coverage.seen, coverage.fewest, coverage.most], [200, 33, 0, 400])
    }

    func testNothingIsTruncated() throws {
        let frames = (0 ..< 120).map { 20 + ($0 * 37) % 300 }
        for interactive in [0.0, 0.5, 1.0] {
            let data = try TrainingDataset(
                store: store([frames, Array(frames.prefix(40))]), tokenizer: tokenizer(),
                settings: settings {
                    $0.maxLength = 400
                    $0.interactiveProbability = interactive
                    $0.speakerProbability = 0.5
                    $0.skipTextProbability = 0.3
                })
            for _ in 0 ..< 100 { XCTAssertLessThanOrEqual(try data.batch(2).inputs.shape[2], 400) }
            XCTAssertEqual(data.truncatedTokens, 0)
            XCTAssertTrue(data.skipped.isEmpty)
        }
    }

    func testClipsThatDoNotFitAreListed() throws {
        let data = try TrainingDataset(
            store: store([[50, 500, 60, 0]]), tokenizer: tokenizer(), settings: settings { $0.maxLength = 300 })
        XCTAssertEqual(data.trainingClips, 2)
        XCTAssertEqual(data.skipped.count, 2)
        XCTAssertTrue(data.skipped[0].reason.contains("do not fit in max_length 300"))
        XCTAssertTrue(data.skipped[1].reason.contains("no frames"))
        assertThrows(.data, containing: "no clip is left") {
            try TrainingDataset(
                store: store([[500]]), tokenizer: tokenizer(), settings: settings { $0.maxLength = 300 })
        }
    }

    func testSameSeedSameRows() throws {
        func rows(_ seed: UInt64) throws -> [TrainingRow] {
            let data = try TrainingDataset(
                store: store([Array(40 ..< 90), Array(30 ..< 60)]), tokenizer: tokenizer(),
                settings: settings {
                    $0.seed = seed
                    $0.maxLength = 512
                })
            return try (0 ..< 20).map { _ in try data.nextRow() }
        }
        XCTAssertEqual(try rows(1), try rows(1))
        XCTAssertNotEqual(try rows(1), try rows(2))
    }

    /// A sampler that is put back gives the rows that the first one would have given, in both modes.
    func testStateResumesExactly() throws {
        for sampler in SamplingSettings.Sampler.allCases {
            func dataset() throws -> TrainingDataset {
                try TrainingDataset(
                    store: store([Array(40 ..< 90), Array(30 ..< 60)]), tokenizer: tokenizer(),
                    settings: settings {
                        $0.sampler = sampler
                        $0.maxLength = 512
                    })
            }
            for consumed in [0, 1, 7, 23, 40] {
                let first = try dataset(), second = try dataset()
                for _ in 0 ..< consumed { _ = try first.nextRow() }
                try second.restore(first.state)
                XCTAssertEqual(second.coverage(), first.coverage(), "\(sampler) after \(consumed)")
                XCTAssertEqual(
                    try (0 ..< 30).map { _ in try second.nextRow() }, try (0 ..< 30).map { _ in try first.nextRow() },
                    "\(sampler) after \(consumed)")
                XCTAssertEqual(second.state, first.state)
            }
        }
        let coverage = try TrainingDataset(store: store([[30]]), tokenizer: tokenizer(), settings: settings { _ in })
        assertThrows(.data, containing: "other sampler") { try coverage.restore(.reference(random: 1, counts: [])) }
    }

    // MARK: Held-out clips

    func testTrainingAndValidationShareNothing() throws {
        let data = try TrainingDataset(
            store: store([Array(repeating: 30, count: 300), Array(repeating: 20, count: 200)]), tokenizer: tokenizer(),
            settings: settings { $0.validationFraction = 0.1 })
        XCTAssertEqual(data.trainingClips + data.validationClips, 500)
        XCTAssertTrue((25 ... 80).contains(data.validationClips), "\(data.validationClips) of 500 held out")
        var trained: Set<Int> = [], held: Set<Int> = []
        while data.coverage().passes < 2 { trained.formUnion(clips(try data.nextRow())) }
        for batch in try data.validation(batchSize: 4) {
            let values = try batch.inputs.ints(), length = batch.inputs.shape[2]
            for b in 0 ..< batch.inputs.shape[0] {
                held.formUnion(
                    Set(values[(b * 3 + 1) * length ..< (b * 3 + 2) * length]).subtracting([0]).map { $0 - 1 })
            }
        }
        XCTAssertEqual(held.count, data.validationClips)
        XCTAssertEqual(trained.count, data.trainingClips)
        XCTAssertTrue(trained.isDisjoint(with: held))
    }

    /// Adding clips, or another order, never moves a clip across.
    func testSplitIsStable() {
        let ids = (0 ..< 1000).map {
            Sentence(texts: ["a"], codes: SentenceCodes(codebooks: 1, values: [Int32($0)])).id
        }
        let small = HeldOutSplit(fraction: 0.05, ids: ids[0 ..< 400]),
            large = HeldOutSplit(fraction: 0.05, ids: ids.reversed())
        for id in ids[0 ..< 400] { XCTAssertEqual(small.isHeldOut(id), large.isHeldOut(id)) }
        let wider = HeldOutSplit(fraction: 0.2, ids: ids)
        for id in ids where large.isHeldOut(id) { XCTAssertTrue(wider.isHeldOut(id)) }
        let texts = Sentence(texts: ["corrected"], codes: SentenceCodes(codebooks: 1, values: [7]))
        XCTAssertEqual(texts.id, ids[7])
    }

    /// Copies of a clip have other codes and the same text: told by it, none is held out while another is trained on.
    func testClipsOfOneTextStayTogether() throws {
        func data(_ key: HeldOutKey) throws -> TrainingDataset {
            // Clip i of every group says the same.
            try TrainingDataset(
                store: store(Array(repeating: Array(repeating: 8, count: 60), count: 4)), tokenizer: tokenizer(),
                settings: settings { ($0.validationFraction, $0.heldOutBy) = (0.2, key) })
        }
        func heldOut(_ data: TrainingDataset) throws -> [Int] {
            var found: [Int] = []
            for batch in try data.validation(batchSize: 1) {
                let values = try batch.inputs.ints(), length = batch.inputs.shape[2]
                found.append(try XCTUnwrap(values[length ..< 2 * length].first { $0 > 0 }) - 1)
            }
            return found
        }
        let byText = try data(.text), held = Dictionary(grouping: try heldOut(byText)) { $0 % 500 }
        XCTAssertTrue((4 ... 24).contains(held.count), "\(held.count) of 60 texts")
        for (text, clips) in held { XCTAssertEqual(clips.count, 4, "text \(text)") }
        XCTAssertEqual(byText.trainingClips, 240 - 4 * held.count)
        // By codes, each goes its own way.
        XCTAssertTrue(Dictionary(grouping: try heldOut(data(.codes))) { $0 % 500 }.values.contains { $0.count < 4 })
    }

    func testNeitherSideIsEmptyIfItCanBeHelped() {
        for count in 2 ... 6 {
            let ids = (0 ..< count).map { UInt64($0 + 100) }
            for fraction in [0.01, 0.5, 0.99] {
                let split = HeldOutSplit(fraction: fraction, ids: ids), held = ids.count(where: split.isHeldOut)
                XCTAssertTrue(held > 0 && held < count, "\(held) of \(count) at \(fraction)")
            }
            XCTAssertEqual(ids.count(where: HeldOutSplit(fraction: 0, ids: ids).isHeldOut), 0)
        }
        XCTAssertFalse(HeldOutSplit(fraction: 0.05, ids: [7]).isHeldOut(7))
    }

    func testWrongSettings() throws {
        let error = assertThrows(.config, containing: "max_length") {
            try TrainingDataset(
                store: store([[30]]), tokenizer: tokenizer(),
                settings: settings {
                    $0.maxLength = 0; $0.validationFraction = 1.5
                })
        }
        XCTAssertTrue(error?.message.contains("val_fraction") ?? false)
    }
}
