import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run rank-transcripts`: clips whose text explains their codes least come first.
final class RankTranscriptsTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func rank(_ folder: TestFolder, _ data: String, _ more: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run", "rank-transcripts", data, "--checkpoint-path", Self.tiny, "--output", "out"] + more, folder: folder.path)
    }

    private func ranks(_ folder: TestFolder) throws -> [[String: Any]] {
        try XCTUnwrap(JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder("out/ranks.json")))) as? [[String: Any]])
    }

    func testClipsAreRankedOnAPageAndNothingIsComputedTwice() throws {
        let folder = try TestFolder("rank")
        XCTAssertEqual(try OpahProcess.run(["-e", "require('opah.embedded').packs('made')"], folder: folder.path).code, 0)
        let first = try rank(folder, "made/clips", "--top", "3")
        XCTAssertEqual(first.code, 0, first.errors)
        XCTAssertTrue(first.errors.contains("14 clips ranked"), first.errors)
        let ranked = try ranks(folder)
        XCTAssertEqual(ranked.count, 14)
        let doubts = try ranked.map { try XCTUnwrap($0["doubt"] as? Double) }
        XCTAssertEqual(doubts, doubts.sorted(by: >))
        for clip in ranked {
            for field in ["nll", "gain", "letters_per_second", "seconds"] { XCTAssertNotNil(clip[field] as? Double, field) }
            XCTAssertEqual(try XCTUnwrap(clip["nll"] as? Double), 6.93, accuracy: 0.1, "random weights say nothing: ln 1024")
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
        try "A label that was corrected.".write(toFile: folder("made/clips/Alice/0.00-2.10.lab"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try rank(folder, "made/clips").code, 0)
        let corrected = try XCTUnwrap(try ranks(folder).first { $0["text"] as? String == "A label that was corrected." })
        XCTAssertLessThan(try XCTUnwrap(corrected["nll"] as? Double), 7.5)
        XCTAssertEqual(try rank(folder, "made/clips", "--weights", "float32").code, 0)
        XCTAssertTrue(try ranks(folder).allSatisfy { ($0["nll"] as? Double ?? 9) < 7.5 })
    }

    func testWhatCannotBeRankedIsListed() throws {
        let folder = try TestFolder("skipped")
        XCTAssertEqual(try OpahProcess.run(["-e", "require('opah.embedded').packs('made', 'Alice')"], folder: folder.path).code, 0)
        let manager = FileManager.default, clips = folder("made/clips/Alice/")
        try manager.removeItem(atPath: clips + "0.00-2.10.lab")
        try manager.removeItem(atPath: clips + "2.10-4.80.npy")
        try "no codes".write(toFile: clips + "4.80-7.20.npy", atomically: true, encoding: .utf8)
        let result = try rank(folder, "made/clips", "--json", "--contrast", "0")
        XCTAssertEqual(result.code, 3, result.errors)
        for text in ["it has no label .lab", "it has no codes", "opah run extract-vq", "not a .npy file"] { XCTAssertTrue(result.errors.contains(text), result.errors) }
        let last = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(result.errors.split(separator: "\n").last!.utf8)) as? [String: Any])
        let facts = try XCTUnwrap(last["facts"] as? [String: Any])
        XCTAssertEqual(facts["clips"] as? Int, 5)
        XCTAssertEqual((facts["worst"] as? [Any])?.count, 5)
        try manager.createDirectory(atPath: folder("empty"), withIntermediateDirectories: true)
        XCTAssertEqual(try rank(folder, "empty").code, 1)
    }

    /// The likelihood is that of the codes alone: it agrees with the logits, and does not depend on the length of a clip.
    func testTheLikelihoodIsThatOfTheLogits() throws {
        try LuaFixture.check(#"""
            local likelihood = require "opah.transcripts.likelihood"
            local model = lm.load(tiny)
            for _, frames in ipairs { 3, 40 } do
              local codes = tensor.randint(0, 1000, 8, frames, { dtype = "int32" })
              local found = likelihood.of(model, "The boats are here.", codes)
              local tokens, labels = data.pack_sentences { sentences = { "The boats are here." }, codes = { codes }, tokenizer = model.tokenizer }
              local batch = data.collate { { tokens = tokens, labels = labels } }
              local logs, sum, count = model:forward(batch).codebook_logits:log_softmax(4), 0, 0
              for t = 1, tokens:size(2) do
                -- The last position's label is padding.
                if labels[{ 2, t }] > 0 then
                  for c = 1, 8 do sum, count = sum - logs[{ 1, t, c, labels[{ 1 + c, t }] + 1 }], count + 1 end
                end
              end
              assert(count == 8 * frames, count)
              assert(math.abs(found - sum / count) < 1e-3, found .. " " .. sum / count)
            end
            """#)
    }

    /// Two clips whose labels were exchanged stand out, whatever a clip's own difficulty is.
    func testExchangedLabelsComeFirst() throws {
        try LuaFixture.check(#"""
            local ranking = require "opah.transcripts.ranking"
            local clips = {}
            for i = 1, 100 do
              local hard = i % 7 == 0 and 1.5 or 0
              clips[i] = { path = ("%03d"):format(i), speaker = i % 2 == 0 and "a" or "b", script = "latin", pace = 12 + i % 5, nll = 3 + hard + 0.01 * (i % 11), gain = 0.5 + 0.02 * (i % 9) }
            end
            clips[31].gain, clips[31].nll = -0.05, 3.5
            clips[64].gain, clips[64].nll = 0.02, 3.6
            ranking.sort(clips)
            local first = { [clips[1].path] = true, [clips[2].path] = true }
            assert(first["031"] and first["064"], clips[1].path .. " " .. clips[2].path)
            assert(clips[1].doubt > 3)
            -- Without other texts the likelihood itself decides, for each speaker apart.
            local plain = {}
            for i = 1, 40 do
              plain[i] = { path = ("%03d"):format(i), speaker = i <= 20 and "calm" or "loud", script = "latin", pace = 12, nll = (i <= 20 and 2 or 4) + 0.01 * (i % 5) }
            end
            plain[7].nll = 2.5                               -- far for its speaker, and below all of the other
            ranking.sort(plain)
            assert(plain[1].path == "007", plain[1].path)
            -- Where all are alike, nothing stands out.
            local alike = {}
            for i = 1, 8 do alike[i] = { path = tostring(i), speaker = "s", script = "latin", pace = 10, nll = 3.0 } end
            assert(ranking.sort(alike)[1].doubt == 0)
            """#)
    }
}
