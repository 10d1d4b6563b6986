import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run rank-transcripts`: clips whose text explains their codes least come first.
final class RankTranscriptsTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func rank(_ folder: TestFolder, _ data: String, _ more: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(
            ["run", "rank-transcripts", data, "--checkpoint-path", Self.tiny, "--output", "out"] + more,
            folder: folder.path)
    }

    private func ranks(_ folder: TestFolder) throws -> [[String: Any]] {
        try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("out/ranks.json"))))
                as? [[String: Any]])
    }

    func testClipsAreRankedOnAPageAndNothingIsComputedTwice() throws {
        let folder = try TestFolder("rank")
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('made')"], folder: folder.path).code, 0)
        let first = try rank(folder, "made/clips", "--top", "3")
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertTrue(first.errors.contains("14 clips ranked"), first.errors)
        let ranked = try ranks(folder)
        XCTAssertEqual(ranked.count, 14)
        let doubts = try ranked.map { try XCTUnwrap($0["doubt"] as? Double) }
        XCTAssertEqual(doubts, doubts.sorted(by: >))
        for clip in ranked {
            for field in ["nll", "gain", "worst", "at", "letters_per_second", "seconds"] {
                XCTAssertNotNil(clip[field] as? Double, field)
            }
            XCTAssertEqual(
                try XCTUnwrap(clip["nll"] as? Double), 6.93, accuracy: 0.1, "random weights say nothing: ln 1024")
        }
        let page = try String(contentsOfFile: folder("out/index.html"), encoding: .utf8)
        XCTAssertEqual(page.ranges(of: "<audio").count, 3)
        XCTAssertTrue(page.contains(try XCTUnwrap(ranked[0]["text"] as? String)))

        // A second run computes nothing: it ranks by what it finds, and so by what somebody put there.
        let kept = folder("out/likelihoods.json")
        let text = try String(contentsOfFile: kept, encoding: .utf8)
        try text.replacing(/\[6\.9/, with: "[7.9").write(toFile: kept, atomically: true, encoding: .utf8)
        XCTAssertEqual(try rank(folder, "made/clips").code, 0)
        XCTAssertTrue(try ranks(folder).allSatisfy { ($0["nll"] as? Double ?? 0) > 7.5 })
        // Another model, and another label, are not answered with that.
        try "A label that was corrected.".write(
            toFile: folder("made/clips/Alice/0.00-2.10.lab"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try rank(folder, "made/clips").code, 0)
        let corrected = try XCTUnwrap(
            try ranks(folder).first { $0["text"] as? String == "A label that was corrected." })
        XCTAssertLessThan(try XCTUnwrap(corrected["nll"] as? Double), 7.5)
        XCTAssertEqual(try rank(folder, "made/clips", "--weights", "float32").code, 0)
        XCTAssertTrue(try ranks(folder).allSatisfy { ($0["nll"] as? Double ?? 9) < 7.5 })
    }

    func testWhatCannotBeRankedIsListed() throws {
        let folder = try TestFolder("skipped")
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('made', 'Alice')"], folder: folder.path).code, 0)
        let manager = FileManager.default, clips = folder("made/clips/Alice/")
        try manager.removeItem(atPath: clips + "0.00-2.10.lab")
        try manager.removeItem(atPath: clips + "2.10-4.80.npy")
        try "no codes".write(toFile: clips + "4.80-7.20.npy", atomically: true, encoding: .utf8)
        let result = try rank(folder, "made/clips", "--json", "--contrast", "0")
        XCTAssertEqual(result.code, 3, result.errors)
        for text in ["it has no label .lab", "it has no codes", "opah run extract-vq", "not a .npy file"] {
            XCTAssertTrue(result.errors.contains(text), result.errors)
        }
        let last = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(result.errors.split(separator: "\n").last!.utf8)) as? [String: Any])
        let facts = try XCTUnwrap(last["facts"] as? [String: Any])
        XCTAssertEqual(facts["clips"] as? Int, 5)
        XCTAssertEqual((facts["worst"] as? [Any])?.count, 5)
        try manager.createDirectory(atPath: folder("empty"), withIntermediateDirectories: true)
        XCTAssertEqual(try rank(folder, "empty").code, 1)
    }

    /// The worst stretch is where the own text leaves open what others leave open; a pause that any text explains is
    /// none.
    func testTheWorstStretchIsFound() throws {
        try LuaFixture.check(.file("the_worst_stretch_is_found"))
    }

    /// The likelihood of the frames is the loss of training, but for one position more that counts there: it does not
    /// depend on the length of a clip.
    func testTheLikelihoodIsTheLossOfTraining() throws {
        try LuaFixture.check(.file("the_likelihood_is_the_loss_of_training"))
    }

    /// A hundred clips that the embedded voice has never heard, with their codes: `clips[i]` is `{ speaker, text, stem
    /// }`; labels can be changed before they are written below `data`.
    private static let heard = LuaScript.file("heard")

    /// The paths of the clips without their suffix, worst first, after `change` (Lua) has spoilt some labels.
    private func rankHeard(_ folder: TestFolder, after change: String) throws -> [String] {
        let write = "\nfor _, clip in ipairs(clips) do fs.write(clip.stem .. '.lab', clip.text) end"
        let made = try OpahProcess.run(
            LuaScript(stringLiteral: change + write).command(after: Self.heard), folder: folder.path)
        XCTAssertEqual(made.code, 0, made.errors)
        let voice = OpahProcess.checkout + "/examples/checkpoints/voice"
        let result = try OpahProcess.run(
            ["run", "rank-transcripts", "data", "--checkpoint-path", voice, "--output", "out"], folder: folder.path)
        XCTAssertEqual(result.code, 0, result.errors)
        return try ranks(folder).map { String(try XCTUnwrap($0["path"] as? String).dropLast(4)) }
    }

    /// The proof on trained weights and real clips: two labels exchanged among a hundred are the first, and so are
    /// four.
    func testExchangedLabelsAmongAHundredRealClipsAreFound() throws {
        let folder = try TestFolder("exchanged")
        let one = try rankHeard(folder, after: "exchange(7, 31)")
        XCTAssertEqual(one.count, 100)
        XCTAssertTrue(
            one.prefix(5).contains("data/rms/07") && one.prefix(5).contains("data/rms/31"), "\(one.prefix(5))")
        let two = try rankHeard(folder, after: "exchange(7, 31) exchange(21, 90)")
        for wrong in ["data/rms/07", "data/rms/31", "data/rms/21", "data/slt/40"] {
            XCTAssertTrue(two.prefix(5).contains(wrong), "\(wrong): \(two.prefix(10))")
        }
    }

    /// Labels that miss a word or have a wrong one are harder, and still come before right ones far more often than
    /// not.
    func testSingleWrongWordsComeEarly() throws {
        let ranked = try rankHeard(
            try TestFolder("words"),
            after: """
                for i = 5, 95, 10 do
                  local missing, wrong = words(i), words(i + 2)
                  table.remove(missing, #missing // 2 + 1)
                  wrong[#wrong - 1] = wrong[#wrong - 1] == "two" and "nine" or "two"
                  clips[i].text, clips[i + 2].text = table.concat(missing, " "), table.concat(wrong, " ")
                end
                """)
        func number(_ path: String) -> Int { (Int(path.suffix(2)) ?? 0) % 10 }
        /// The share of pairs of a wrong and a right label in which the wrong one comes first; 0.5 by chance.
        func share(_ digit: Int) -> Double {
            let places = ranked.enumerated().filter { number($0.element) == digit }.map(\.offset)
            let right = ranked.enumerated().filter { ![5, 7].contains(number($0.element)) }.map(\.offset)
            return Double(places.reduce(0) { sum, place in sum + right.filter { $0 > place }.count })
                / Double(places.count * right.count)
        }
        XCTAssertGreaterThan(share(5), 0.7, "a word is missing")
        XCTAssertGreaterThan(share(7), 0.7, "a word is another")
    }

    /// Two clips whose labels were exchanged stand out, whatever a clip's own difficulty is.
    func testExchangedLabelsComeFirst() throws {
        try LuaFixture.check(.file("exchanged_labels_come_first"))
    }
}
