import Foundation
import TestSupport
import XCTest

/// What `opah run import` makes of strange input: names that leave the folder or meet, fields without end, what it does
/// not know. And its plan, before anything is written.
final class ImportSafetyTests: ImportCase {
    func testNamesNeverLeaveTheFolder() throws {
        let folder = try TestFolder("names")
        try clip(folder("c/a.wav"))
        try write(
            "a.wav|../../evil|EN|One.\na.wav|/tmp/evil|EN|Two.\na.wav|..|EN|Three.\na.wav|linked|EN|Four.\na.wav|.hidden|EN|Five.\n",
            folder("c/list.list"))
        try FileManager.default.createDirectory(atPath: folder("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder("out"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder("out/linked"), withDestinationPath: folder("elsewhere"))
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(
            result.errors.contains("out/linked is a link")
                && result.errors.contains("its speaker's name is no name for a folder"), result.errors)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder("elsewhere")), [])
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(), ["c", "elsewhere", "out"])
        XCTAssertEqual(
            files(folder("out")).filter { $0.hasSuffix(".lab") && !$0.hasPrefix("linked") },
            ["_.._evil/a.lab", "_tmp_evil/a.lab", "hidden/a.lab"])
    }

    func testTwoOfOneNameAreToldApart() throws {
        let folder = try TestFolder("twins")
        try clip(folder("c/one/x.wav"))
        try clip(folder("c/two/x.wav"), "4.80-7.20.wav")
        try write(
            "one/x.wav|S|EN|First.\ntwo/x.wav|S|EN|Second.\none/x.wav|S|EN|First.\none/x.wav|S|EN|Something else.\n",
            folder("c/l.list"))
        let result = try run(folder, "c", "out")
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertEqual(text(folder("out/S/x.lab")), "First.")
        XCTAssertEqual(text(folder("out/S/two_x.lab")), "Second.")
        XCTAssertTrue(
            result.errors.contains("l.list:4: x would be the name of this one and of c/l.list:1"), result.errors)
        XCTAssertTrue(result.errors.contains("1 lines are there twice in the same words"), result.errors)
    }

    /// Fields of a megabyte, and blanks without end, take no time out of proportion.
    func testLongFieldsOfLists() throws {
        let folder = try TestFolder("long"), blanks = String(repeating: " ", count: 300_000) + "x"
        let words = String(repeating: "a", count: 1_000_000)
        try clip(folder("lj/wavs/one.wav"))
        try write("one\(blanks)|b\ntwo|\(words)|\(words)\none|\(words)\n", folder("lj/metadata.csv"))
        try write("one\(blanks)y|S|b\n", folder("vits/list.txt"))
        try write("one one\(blanks)y\n", folder("kaldi/wav.scp"))
        try write("one a\(blanks)\n", folder("kaldi/text"))
        let began = Date()
        try clip(folder("paths/wavs/one.wav"))
        let slashes = String(repeating: "/", count: 1_000_000)
        try write("one|a\n\(words)/b|c\n\(slashes)|d\n", folder("paths/metadata.csv"))
        for (source, code) in [("lj", 3), ("vits/list.txt", 1), ("kaldi", 1), ("paths", 3)] as [(String, Int32)] {
            XCTAssertEqual(try run(folder, source, "out").code, code, source)
        }
        XCTAssertLessThan(Date().timeIntervalSince(began), 60)
        // Times that no recording has are told in few digits.
        try ramp(folder, "in/one.wav")
        try write("0.1\t1e300\tfirst words\n2.0\t3.0\tsecond\n", folder("in/one.txt"))
        let result = try run(folder, "in", "out2", "--format", "audacity")
        XCTAssertTrue(result.errors.contains("it ends at 1e+300 s"), result.errors)
    }

    func testPlanEventsAndWrongUsage() throws {
        let folder = try TestFolder("plan")
        try clip(folder("LJ/wavs/a.wav"))
        try write("a|Words.\nb|None.\n", folder("LJ/metadata.csv"))
        let plan = try OpahProcess.run(["check", "import", "LJ", "out"], folder: folder.path)
        XCTAssertEqual(plan.code, 0, plan.errors)
        XCTAssertTrue(
            (plan.output + plan.errors).contains("ljspeech: 1 clips")
                && (plan.output + plan.errors).contains("1 entries would be skipped"), plan.output + plan.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("out")))
        let json = try run(folder, "LJ", "out", "--json")
        let last = try XCTUnwrap(json.errors.split(separator: "\n").last)
        XCTAssertTrue(
            last.contains("\"event\"") && last.contains("\"result\"") && last.contains("\"ljspeech\"")
                && last.contains("\"exit_code\""), String(last))
        XCTAssertEqual(try run(folder, "LJ", "LJ/out").code, 1)
        XCTAssertEqual(try run(folder, "LJ", "out", "--format", "nothing").code, 2)
        let strange = try run(folder, "out/LJ/a.wav", "x")
        XCTAssertEqual(strange.code, 1)
        XCTAssertTrue(
            strange.errors.contains("nothing that import knows") && strange.errors.contains("textgrid"), strange.errors)
    }
}
