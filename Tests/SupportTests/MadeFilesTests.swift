import Foundation
import Support
import TestSupport
import XCTest

final class MadeFilesTests: XCTestCase {
    /// One run of a stage that copies `in` to `out/a` in capitals; gives what was decided.
    private func run(
        _ folder: String, _ settings: ConfigMap = ["gain": 1], stage: String = "upper", overwrite: Bool = false,
        killed: Bool = false, inputs: [String: String]? = nil
    ) throws -> MadeFiles.Decision {
        let made = MadeFiles(stage: stage, settings: settings, overwrite: overwrite)
        defer { made.close() }
        let target = folder + "/out/a", inputs = inputs ?? ["sound": folder + "/in"]
        let decision = made.decide(target, from: inputs)
        guard decision.isWork else { return decision }
        let making = try made.start(target, from: inputs, decision)
        try AtomicFile.write(target, String(contentsOfFile: folder + "/in", encoding: .utf8).uppercased())
        if !killed { try made.finish(making, files: [target]) }
        return decision
    }

    private func prepared(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/out", withIntermediateDirectories: true)
            try write("one", folder + "/in")
            try body(folder)
        }
    }

    private func write(_ text: String, _ path: String) throws { try AtomicFile.write(path, text) }
    private func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    func testOnlyChangesOfContentAndSettingsMakeAgain() throws {
        try prepared { folder in
            XCTAssertEqual(try run(folder), .make)
            XCTAssertEqual(try run(folder), .current)
            XCTAssertEqual(try run(folder, ["gain": 1.0]), .current, "the same number")
            // Of the same size, at the same time of change: only the content differs.
            let time = try FileManager.default.attributesOfItem(atPath: folder + "/in")[.modificationDate]!
            try write("two", folder + "/in")
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: folder + "/in")
            XCTAssertEqual(try run(folder), .remake(["input"]))
            XCTAssertEqual(read(folder + "/out/a"), "TWO")
            XCTAssertEqual(try run(folder, ["gain": 2]), .remake(["settings"]))
            XCTAssertEqual(try run(folder, ["gain": 2, "mono": true]), .remake(["settings"]))
            XCTAssertEqual(try run(folder, ["gain": 2, "mono": true], stage: "other"), .remake(["settings"]))
            XCTAssertEqual(
                try run(folder, inputs: ["sound": folder + "/in", "label": folder + "/in"]),
                .remake(["label", "settings"]))
            XCTAssertEqual(try run(folder, inputs: ["sound": folder + "/in", "label": folder + "/in"]), .current)
            // Another time of change, and another file, of the same content.
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder + "/in")
            XCTAssertEqual(try run(folder, inputs: ["sound": folder + "/in", "label": folder + "/in"]), .current)
            try write("two", folder + "/in")
            XCTAssertEqual(try run(folder, inputs: ["sound": folder + "/in", "label": folder + "/in"]), .current)
            try FileManager.default.removeItem(atPath: folder + "/out/a")
            XCTAssertEqual(try run(folder, overwrite: true), .make)
        }
    }

    func testWhatOthersMadeOrChangedIsKept() throws {
        try prepared { folder in
            try write("THEIRS", folder + "/out/a")
            XCTAssertEqual(try run(folder), .unknown)
            XCTAssertEqual(read(folder + "/out/a"), "THEIRS")
            XCTAssertEqual(try run(folder, overwrite: true), .make)
            XCTAssertEqual(try run(folder), .current)
            try write("MINE", folder + "/out/a")
            XCTAssertEqual(try run(folder), .edited)
            try write("three", folder + "/in")
            XCTAssertEqual(try run(folder), .conflict(["input"]))
            XCTAssertEqual(read(folder + "/out/a"), "MINE")
        }
    }

    func testARunThatWasKilledIsMadeAgain() throws {
        try prepared { folder in
            XCTAssertEqual(try run(folder, killed: true), .make)
            XCTAssertEqual(try run(folder), .make, "its output is there, and nothing says that it is whole")
            try write("changed", folder + "/in")
            XCTAssertEqual(try run(folder, killed: true), .remake(["input"]))
            XCTAssertEqual(try run(folder), .make, "not taken for a change by hand")
            XCTAssertEqual(try run(folder), .current)
            // A line that broke off says nothing.
            let record = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/out/.opah-made.jsonl"))
            try record.seekToEnd()
            try record.write(contentsOf: Data(#"{"made": "a", "op"#.utf8))
            try record.close()
            XCTAssertEqual(try run(folder), .current)
            try write("again", folder + "/in")
            XCTAssertEqual(try run(folder), .remake(["input"]))
            XCTAssertEqual(try run(folder), .current)
        }
    }

    /// As when the disk cannot read it back: the stage failed, but the file is the stage's, and not somebody else's.
    func testAnOutputThatCouldNotBeTakenDownIsMadeAgain() throws {
        for grouped in [false, true] {
            try prepared { folder in
                let target = folder + "/out/a", inputs = ["sound": folder + "/in"]
                let made = MadeFiles(stage: "upper", grouped: grouped)
                let making = try made.start(target, from: inputs, made.decide(target, from: inputs))
                func make() throws {
                    try made.make(making, owner: target) {
                        try write("whole", target)
                        return [target, folder + "/out/gone"]
                    }
                }
                if grouped {
                    try make()
                    XCTAssertEqual(made.bringOut().map(\.owner), [target])
                } else {
                    assertThrows(.file) { try make() }
                }
                made.close()
                XCTAssertEqual(read(target), "whole")
                XCTAssertEqual(MadeFiles(stage: "upper").decide(target, from: inputs), .make, "grouped: \(grouped)")
            }
        }
    }

    func testRecordsStaySmallAndAnotherFolderMayHoldThem() throws {
        try prepared { folder in
            for round in 0 ..< 200 {
                try write("round \(round)", folder + "/in")
                _ = try run(folder)
            }
            XCTAssertLessThan(read(folder + "/out/.opah-made.jsonl")!.split(separator: "\n").count, 80)
            try FileManager.default.createDirectory(atPath: folder + "/moved", withIntermediateDirectories: true)
            for name in ["in", "out"] {
                try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: "\(folder)/moved/\(name)")
            }
            XCTAssertEqual(try run(folder + "/moved"), .current)
        }
    }

    /// Speakers have folders of their own, and there may be thousands: their records do not use up the descriptors.
    func testManyFoldersTakeFewDescriptors() throws {
        try prepared { folder in
            let made = MadeFiles(stage: "upper"), input = ["sound": folder + "/in"]
            let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            for round in ["first", "second"] {
                for number in 0 ..< 300 {
                    let speaker = "\(folder)/out/\(number)", output = "\(speaker)/\(round)"
                    if !FileKind.exists(speaker) { mkdir(speaker, 0o700) }
                    try made.make(made.start(output, from: input), owner: output) {
                        try write(round, output)
                        return [output]
                    }
                }
            }
            XCTAssertLessThan(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count, before + 100)
            made.close()
            let again = MadeFiles(stage: "upper")
            for number in 0 ..< 300 {
                for round in ["first", "second"] {
                    XCTAssertEqual(again.decide("\(folder)/out/\(number)/\(round)", from: input), .current)
                }
            }
        }
    }

    func testNotesNameWhatWasKept() throws {
        try prepared { folder in
            _ = try run(folder)
            try write("THEIRS", folder + "/out/b")
            try FileManager.default.removeItem(atPath: folder + "/in")
            let made = MadeFiles(stage: "upper")
            XCTAssertEqual(made.decide(folder + "/out/b", from: ["sound": folder + "/x"]), .unknown)
            let notes = made.notes("codes", below: folder + "/out").map(\.note)
            XCTAssertEqual(notes.count, 2, "\(notes)")
            XCTAssertTrue(
                notes[0].contains("1 code has no record of what made it") && notes[0].contains("/out/b"), notes[0])
            XCTAssertTrue(
                notes[1].contains("made from what is no longer there") && notes[1].contains("/out/a"), notes[1])
            XCTAssertTrue(FileKind.exists(folder + "/out/a"))
        }
    }

    /// A record that came with a stranger's folder never leads to other files.
    func testAStrangersRecordReachesNothingElse() throws {
        try prepared { folder in
            try write("precious", folder + "/precious")
            let stamp = try XCTUnwrap(FileStamp(folder + "/precious")).text,
                digest = try Digest.of(file: folder + "/precious")
            try FileManager.default.createSymbolicLink(atPath: folder + "/out/link", withDestinationPath: folder)
            for name in ["../precious", folder + "/precious", "link/precious"] {
                let line: ConfigValue = [
                    "made": "a", "by": "upper", "format": 1, "settings": ["gain": 1], "from": [:],
                    "to": [name: .list([.string(stamp), .string(digest)])]
                ]
                try write(JSON.encode(line) + "\n", folder + "/out/.opah-made.jsonl")
                _ = try run(folder, overwrite: true)
                let made = MadeFiles(stage: "upper")
                made.drop(folder + "/out/a")
                XCTAssertEqual(read(folder + "/precious"), "precious", name)
            }
            for garbage in ["[1,2", "{}\n{\"made\": 3}\n", String(repeating: "{\"made\":", count: 10_000), "\0\u{1}"] {
                try write(garbage, folder + "/out/.opah-made.jsonl")
                _ = try run(folder, overwrite: true)
                XCTAssertEqual(try run(folder), .current, String(garbage.prefix(20)))
            }
        }
    }
}
