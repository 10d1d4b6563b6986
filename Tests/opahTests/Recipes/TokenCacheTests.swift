import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `extract-vq --cache`: codes kept by content, shared between projects.
final class TokenCacheTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private static let codec = ["--config-name", tiny + "/codec.lua", "--checkpoint-path", tiny + "/codec.pth"]
    private let alice = OpahProcess.checkout + "/examples/data/Alice/"
    private static let clips = ["4.80-7.20.wav", "0.00-2.10.mp3", "2.10-4.80.flac"]

    /// A project with the three clips in `name/S`.
    private func project(_ name: String, in folder: TestFolder, clips: [String] = TokenCacheTests.clips) throws {
        try FileManager.default.createDirectory(atPath: folder(name + "/S"), withIntermediateDirectories: true)
        for clip in clips {
            try FileManager.default.copyItem(atPath: alice + clip, toPath: folder(name + "/S/" + clip))
        }
    }

    private func extract(
        _ input: String, in folder: TestFolder, _ more: [String] = ["--cache", "cache"],
        environment: [String: String] = [:]
    ) throws -> OpahProcess.Result {
        let words = ["run", "extract-vq", input] + Self.codec + more
        return try OpahProcess.run(words, folder: folder.path, environment: environment)
    }

    /// Names below the folder, of files alone.
    private func files(_ path: String) -> [String] {
        (FileManager.default.subpaths(atPath: path) ?? []).filter { name in
            var isFolder: ObjCBool = false
            FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder)
            return !isFolder.boolValue
        }.sorted()
    }

    private func codes(_ folder: String) throws -> [String: Data] {
        try Dictionary(
            uniqueKeysWithValues: files(folder).filter { $0.hasSuffix(".npy") }.map {
                ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)))
            })
    }

    private func check(_ result: OpahProcess.Result, new: Int, cached: Int, line: UInt = #line) {
        let text = " \(new) of them new, \(cached) from the cache,"
        XCTAssertEqual(result.code, 0, result.errors, line: line)
        XCTAssertTrue(result.errors.contains(text), result.errors, line: line)
    }

    func testAnotherProjectEncodesNothing() throws {
        let folder = try TestFolder("cache")
        for name in ["a", "b", "c"] { try project(name, in: folder) }
        check(try extract("a", in: folder), new: 3, cached: 0)
        XCTAssertEqual(files(folder("cache")).count, 3)
        check(try extract("b", in: folder), new: 0, cached: 3)
        XCTAssertEqual(try codes(folder("b")), try codes(folder("a")))
        check(try extract("c", in: folder, ["--overwrite", "--cache", "cache"]), new: 3, cached: 0)
        XCTAssertEqual(files(folder("cache")).count, 3)
        // What came out of the cache counts as extraction's own: the records agree on stage, format and codec.
        let plain = try extract("b", in: folder, [])
        XCTAssertTrue(plain.errors.contains("3 clips have codes, 0 of them new, 0 s"), plain.errors)
        XCTAssertFalse(plain.errors.contains("note") || plain.errors.contains("remade"), plain.errors)
        check(try extract("b", in: folder), new: 0, cached: 0)
    }

    func testCodesThatWereThereBeforeGoIn() throws {
        let folder = try TestFolder("cache-later")
        for name in ["a", "b"] { try project(name, in: folder) }
        XCTAssertEqual(try extract("a", in: folder, []).code, 0)
        // Changed by hand: those are nobody else's.
        let edited = folder("a/S/0.00-2.10.npy")
        try FileManager.default.removeItem(atPath: edited)
        try FileManager.default.copyItem(atPath: folder("a/S/4.80-7.20.npy"), toPath: edited)
        check(try extract("a", in: folder), new: 0, cached: 0)
        check(try extract("b", in: folder), new: 1, cached: 2)
    }

    func testARecordingThatWasReplacedGetsTheCodesOfItsContent() throws {
        let folder = try TestFolder("cache-replaced")
        try project("a", in: folder)
        check(try extract("a", in: folder), new: 3, cached: 0)
        let before = try codes(folder("a"))
        try FileManager.default.removeItem(atPath: folder("a/S/0.00-2.10.mp3"))
        try FileManager.default.copyItem(atPath: alice + "2.10-4.80.flac", toPath: folder("a/S/0.00-2.10.mp3"))
        let again = try extract("a", in: folder)
        check(again, new: 0, cached: 1)
        XCTAssertTrue(again.errors.contains("remade 1 (input changed: 1)"), again.errors)
        XCTAssertEqual(try codes(folder("a"))["S/0.00-2.10.npy"], before["S/2.10-4.80.npy"])
    }

    func testASoundThatSeveralClipsHaveIsEncodedOnce() throws {
        let folder = try TestFolder("cache-twins")
        try project("a", in: folder)
        // No filelist could name the last one.
        for name in ["copy", "other", "x|y"] {
            try FileManager.default.copyItem(atPath: alice + "4.80-7.20.wav", toPath: folder("a/S/\(name).wav"))
        }
        let result = try extract("a", in: folder)
        check(result, new: 3, cached: 3)
        XCTAssertTrue(result.errors.contains("extract-vq: 6 clips have codes"), result.errors)
        let codes = try codes(folder("a"))
        for name in ["copy", "other", "x|y"] { XCTAssertEqual(codes["S/\(name).npy"], codes["S/4.80-7.20.npy"], name) }
        check(try extract("a", in: folder), new: 0, cached: 0)
        check(try extract("a", in: folder, ["--cache", "cache", "--overwrite"]), new: 6, cached: 0)
    }

    func testAnotherCodecHasCodesOfItsOwn() throws {
        let folder = try TestFolder("cache-codec"), other = folder("other.pth")
        for name in ["a", "b"] { try project(name, in: folder) }
        let code = "require('opah').vq.new({ config = '\(Self.tiny)/codec.lua', seed = 7 }):save('\(other)')"
        let made = try OpahProcess.run(["-e", code])
        XCTAssertEqual(made.code, 0, made.errors)
        check(try extract("a", in: folder), new: 3, cached: 0)
        // The last one of an option counts.
        check(try extract("b", in: folder, ["--checkpoint-path", other, "--cache", "cache"]), new: 3, cached: 0)
        let back = try extract("b", in: folder)
        check(back, new: 0, cached: 3)
        XCTAssertTrue(back.errors.contains("remade 3 (settings: 3)"), back.errors)
        XCTAssertEqual(try codes(folder("b")), try codes(folder("a")))
    }

    func testADamagedEntryIsRemovedAndToldAndNeverUsed() throws {
        let folder = try TestFolder("cache-damage")
        for name in ["a", "b", "c"] { try project(name, in: folder) }
        check(try extract("a", in: folder), new: 3, cached: 0)
        let entries = files(folder("cache"))
        let changed = folder("cache/" + entries[0])
        var bytes = try Data(contentsOf: URL(fileURLWithPath: changed))
        bytes[bytes.count - 8] ^= 1   // a code that is as good as any
        try bytes.write(to: URL(fileURLWithPath: changed))
        truncate(folder("cache/" + entries[1]), 100)
        let result = try extract("b", in: folder)
        check(result, new: 2, cached: 1)
        for entry in entries[..<2] {
            XCTAssertTrue(result.errors.contains("cache/\(entry): is damaged: removed from the cache"), result.errors)
        }
        XCTAssertEqual(try codes(folder("b")), try codes(folder("a")))
        check(try extract("c", in: folder), new: 0, cached: 3)
        XCTAssertEqual(files(folder("cache")), entries, "the right ones took their places")
    }

    func testThePlaceComesFromTheEnvironmentToo() throws {
        let folder = try TestFolder("cache-environment")
        for name in ["a", "b", "c"] { try project(name, in: folder) }
        let environment = ["OPAH_CACHE": folder("cache")]
        check(try extract("a", in: folder, [], environment: environment), new: 3, cached: 0)
        check(try extract("b", in: folder, [], environment: environment), new: 0, cached: 3)
        let without = try extract("c", in: folder, ["--cache", ""], environment: environment)
        XCTAssertTrue(without.errors.contains("3 of them new, "), without.errors)
        XCTAssertFalse(without.errors.contains("from the cache"), without.errors)
    }

    func testPartsListsAndProgramsAreToldTheSame() throws {
        let folder = try TestFolder("cache-parts")
        for name in ["a", "b", "c", "d"] { try project(name, in: folder) }
        check(try extract("a", in: folder), new: 3, cached: 0)
        var cached = 0
        for part in 1 ... 2 {
            let result = try extract("b", in: folder, ["--cache", "cache", "--shard", "\(part)/2"])
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertTrue(result.errors.contains(" 0 of them new"), result.errors)
            cached += result.errors.firstMatch(of: /([0-9]+) from the cache/).flatMap { Int(String($0.1)) } ?? 0
        }
        XCTAssertEqual(cached, 3)
        // A list may name a clip twice.
        let lines = (Self.clips + [Self.clips[0]]).map { "c/S/\($0)|S|en|Hello.\n" }.joined()
        try lines.write(toFile: folder("list"), atomically: true, encoding: .utf8)
        check(try extract("c", in: folder, ["--cache", "cache", "--filelist", "list"]), new: 0, cached: 3)
        XCTAssertEqual(try codes(folder("c")), try codes(folder("a")))
        let told = try extract("d", in: folder, ["--cache", "cache", "--json"])
        XCTAssertTrue(told.errors.contains("\"cached\": 3, \"extracted\": 0, \"present\": 0"), told.errors)
    }

    func testThePlanKnowsIt() throws {
        let folder = try TestFolder("cache-plan")
        for name in ["a", "b"] { try project(name, in: folder) }
        check(try extract("a", in: folder), new: 3, cached: 0)
        let expected = [
            (["b"], ["0 to extract", "3 from the cache"]), (["b", "--overwrite"], ["3 to extract", "0 from the cache"])
        ]
        for (options, lines) in expected {
            let words = ["check", "extract-vq"] + options + ["--cache", "cache"] + Self.codec
            let plan = try OpahProcess.run(words, folder: folder.path), said = plan.output + plan.errors
            for line in lines { XCTAssertTrue(said.contains(line), said) }
        }
    }

    func testTheLeastRecentlyUsedGoFirstAndNothingElse() throws {
        let folder = try TestFolder("cache-limit")
        for (name, clip) in zip(["a", "b", "c"], Self.clips) { try project(name, in: folder, clips: [clip]) }
        for name in ["a", "b", "c"] { check(try extract(name, in: folder), new: 1, cached: 0) }
        let entries = files(folder("cache"))
        // As if days had gone by.
        for (day, entry) in entries.enumerated() {
            let date = Date(timeIntervalSinceNow: Double(day - 10) * 86_400)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: folder("cache/" + entry))
        }
        try "mine".write(toFile: folder("cache/notes.npy"), atomically: true, encoding: .utf8)
        try "mine".write(toFile: folder("cache/extract-vq/other.npy"), atomically: true, encoding: .utf8)
        // The oldest is used again; there is room for it and one more.
        let oldest = try codes(folder("cache"))[entries[0]]
        let user = try XCTUnwrap(["a", "b", "c"].first { try codes(folder($0)).values.first == oldest })
        let lacking = try XCTUnwrap(codes(folder(user)).keys.first)
        try FileManager.default.removeItem(atPath: folder(user + "/" + lacking))
        let size = try codes(folder("cache")).mapValues(\.count)
        let limit = try XCTUnwrap(size[entries[0]]) + XCTUnwrap(size[entries[2]])
        check(try extract(user, in: folder, ["--cache", "cache", "--cache-limit", "\(limit)"]), new: 0, cached: 1)
        XCTAssertEqual(Set(files(folder("cache"))), [entries[0], entries[2], "notes.npy", "extract-vq/other.npy"])
        check(try extract(user, in: folder, ["--cache", "cache", "--cache-limit", "0B"]), new: 0, cached: 0)
        XCTAssertEqual(Set(files(folder("cache"))), ["notes.npy", "extract-vq/other.npy"])
    }

    func testWrongUsageIsToldBeforeAnythingIsDone() throws {
        let folder = try TestFolder("cache-usage")
        try project("a", in: folder)
        for (options, text) in [
            (["--cache", "cache", "--cache-limit", "lots"], "--cache-limit: lots is no number of bytes"),
            (["--cache-limit", "1GB"], "--cache-limit says how large a cache may be, and there is none"),
            (["--cache", "a/cache"], "a and the cache a/cache overlap")
        ] {
            let result = try extract("a", in: folder, options)
            XCTAssertEqual(result.code, 2, result.errors)
            XCTAssertTrue(result.errors.contains(text), result.errors)
        }
        XCTAssertEqual(files(folder("a")).filter { $0.hasSuffix(".npy") }, [])
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("cache")))
    }

    /// A cache that takes nothing stops nobody: a file lies where one of its folders would be.
    func testACacheThatCannotBeWrittenToIsTold() throws {
        let folder = try TestFolder("cache-blocked")
        try project("a", in: folder)
        try FileManager.default.createDirectory(atPath: folder("cache"), withIntermediateDirectories: true)
        try "no folder".write(toFile: folder("cache/extract-vq"), atomically: true, encoding: .utf8)
        let result = try extract("a", in: folder)
        check(result, new: 3, cached: 0)
        XCTAssertTrue(result.errors.contains("note: cache: codes could not be kept in the cache"), result.errors)
    }

    func testSeveralAtOnceAndKilledOnesLeaveWholeEntries() throws {
        let folder = try TestFolder("cache-many"), names = ["a", "b", "c"]
        for name in names {
            try project(name, in: folder)
            for i in 0 ..< 20 {   // one sample differs
                var wav = try Data(contentsOf: URL(fileURLWithPath: alice + Self.clips[0]))
                wav[1000] = UInt8(i)
                try wav.write(to: URL(fileURLWithPath: folder("\(name)/S/\(i).wav")))
            }
        }
        func arguments(_ name: String) -> [String] { ["run", "extract-vq", name] + Self.codec + ["--cache", "cache"] }
        for delay in [100_000, 300_000, 500_000] as [UInt32] {
            let running = try names.map { try OpahProcess.start(arguments($0), folder: folder.path) }
            usleep(delay)
            for one in running { kill(one.process.processIdentifier, SIGKILL) }
            for one in running { _ = one.finish() }
        }
        let running = try names.map { try OpahProcess.start(arguments($0), folder: folder.path) }
        for one in running {
            let result = one.finish()
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertFalse(result.errors.contains("damaged"), result.errors)
        }
        try project("d", in: folder, clips: [])
        for file in files(folder("a/S")) where file.hasSuffix(".wav") {
            try FileManager.default.copyItem(atPath: folder("a/S/" + file), toPath: folder("d/S/" + file))
        }
        check(try extract("d", in: folder, ["--cache", "cache", "--cache-limit", "1GB"]), new: 0, cached: 21)
        XCTAssertEqual(try codes(folder("b")), try codes(folder("a")))
        XCTAssertEqual(try codes(folder("d")), try codes(folder("a")).filter { !$0.key.contains("2.10") })
        XCTAssertEqual(files(folder("cache")).filter { !$0.hasSuffix(".npy") }, [], "nothing half-written is left")
    }

    func testAGraphSharesIt() throws {
        let folder = try TestFolder("cache-graph")
        try project("a", in: folder)
        for (output, taken) in [("one", 0), ("one", 0), ("two", 3)] {
            let result = try OpahProcess.run(
                LuaScript.file("a_graph_shares_it").command([output]), folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertTrue(result.output.contains("taken \(taken)"), result.output)
        }
        check(try extract("a", in: folder), new: 0, cached: 3)
        XCTAssertEqual(try codes(folder("a")), try codes(folder("two/codes")))
    }
}
