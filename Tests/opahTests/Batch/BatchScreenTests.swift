import Foundation
import TestSupport
import XCTest

/// What a person sees of a batch while it runs.
final class BatchScreenTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws {
        folder = try TestFolder("batch")
        // Each waits for a file, so that the test decides when it ends.
        let waits = """
            local opah = require "opah"
            local name = arg[0]:match("([%w-]+)%.lua$")
            local bar = opah.progress.bar(4, "train")
            bar:step(1, { loss = 2.5 })
            while not opah.fs.exists("go-" .. name) do os.execute("sleep 0.05") end
            bar:done()
            """
        for name in ["first", "second", "third-with-a-name-that-is-far-too-long-for-a-small-screen"] {
            try write(name + ".lua", waits)
        }
        try write("wrong.lua", "io.stderr:write('\\27[31mred\\27[0m words\\n') error 'no luck'")
    }
    override func tearDown() { folder = nil }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder(name), atomically: true, encoding: .utf8)
    }

    private func batch(_ more: [String] = [], width: Int = 80, height: Int = 24) throws -> TerminalSession {
        try TerminalSession(
            [
                "batch", "first.lua", "second.lua", "third-with-a-name-that-is-far-too-long-for-a-small-screen.lua",
                "wrong.lua"
            ] + more,
            folder: folder.path, environment: ["NO_COLOR": "1"], width: width, height: height)
    }

    func testRunningWaitingAndEndedOnesAreSeen() throws {
        let screen = try batch(["--jobs", "2"])
        screen.wait("two that run", until: Self.shows("0 of 4 ended, 2 running, 2 waiting"))
        screen.wait("time, memory and progress") {
            $0.lines.contains { $0.wholeMatch(of: /\ \ first   +[0-9]+ s  [0-9.]+ MB  train  1\/4  loss 2.5/) != nil }
                && $0.lines.contains { $0.hasPrefix("  second  ") }
        }
        XCTAssertFalse(screen.screen.lines.contains { $0.hasPrefix("[") })
        try write("go-first", "")
        screen.wait("the first has ended") {
            $0.lines.contains { $0.wholeMatch(of: /\[1\/4\] +first: done  [0-9]+ s  [0-9.]+ MB  loss 2.5/) != nil }
                && $0.lines.last == "1 of 4 ended, 2 running, 1 waiting"
        }
        try write("go-third-with-a-name-that-is-far-too-long-for-a-small-screen", "")
        screen.wait("the failed one", until: Self.shows("3 of 4 ended, 1 failed, 1 running"))
        XCTAssertTrue(screen.screen.lines.contains("    red words"), "colours of a log are left out")
        try write("go-second", "")
        screen.wait("the end", until: Self.shows("3 of 4 recipes done, 1 failed"))
        XCTAssertEqual(screen.finish(), 1)
        // Nothing of the live lines is left.
        let lines = screen.screen.lines
        XCTAssertEqual(lines.filter { $0.hasPrefix("[") }.count, 4, lines.joined(separator: "\n"))
        XCTAssertFalse(
            lines.contains {
                $0.contains("running") || $0.contains("waiting") || $0.hasPrefix("  first") || $0.hasPrefix("  second")
            }, lines.joined(separator: "\n"))
    }

    func testANarrowTerminalAndOneThatChanges() throws {
        let screen = try batch(["--jobs", "3"], width: 40)
        screen.wait("three that run", until: Self.shows("0 of 4 ended, 3 running, 1 waiting"))
        // The long name gives way; time and memory are seen.
        screen.wait("a short name") {
            $0.lines.contains { $0.wholeMatch(of: /\ \ third-with-a-n…  [0-9]+ s  [0-9.]+ MB.*/) != nil }
        }
        XCTAssertTrue(screen.screen.lines.allSatisfy { $0.count < 40 })
        // Wider, then narrower than the lines that are there.
        screen.resize(width: 90, height: 24)
        screen.wait("a wide line") { $0.lines.contains { $0.contains("far-too-long-for-a-small-screen ") } }
        screen.resize(width: 30, height: 24)
        usleep(500_000)
        screen.wait("lines in the new width") {
            $0.lines.count { $0.hasPrefix("  third") } == 1 && $0.lines.allSatisfy { $0.count < 30 }
                && $0.lines.last?.hasPrefix("0 of 4 ended, 3 running, 1 wa") ?? false
        }
        XCTAssertEqual(screen.screen.lines.count, 4, screen.screen.lines.joined(separator: "\n"))
        for name in ["first", "second", "third-with-a-name-that-is-far-too-long-for-a-small-screen"] {
            try write("go-" + name, "")
        }
        screen.wait("the end") {
            $0.lines.contains { $0.hasPrefix("report: ") } && !$0.lines.contains { $0.contains("running") }
        }
        XCTAssertEqual(screen.finish(), 1)
        XCTAssertFalse(
            screen.screen.lines.contains { $0.hasPrefix("  first") || $0.contains("…") },
            screen.screen.lines.joined(separator: "\n"))
    }

    func testALowTerminalCountsWhatDoesNotFit() throws {
        let screen = try batch(["--jobs", "3"], height: 4)
        screen.wait("a line for the rest") {
            $0.lines.contains("  and 2 more") && $0.lines.last == "0 of 4 ended, 3 running, 1 waiting"
        }
        usleep(700_000)
        screen.wait("the same lines") { $0.lines.count == 3 }
        XCTAssertEqual(screen.screen.scrolled, [])
        for name in ["first", "second", "third-with-a-name-that-is-far-too-long-for-a-small-screen"] {
            try write("go-" + name, "")
        }
        screen.wait("the end") { $0.lines.contains { $0.hasPrefix("report: ") } }
        XCTAssertFalse(
            screen.screen.lines.contains { $0.contains("more") }, screen.screen.lines.joined(separator: "\n"))
    }

    func testCtrlCLeavesACleanScreen() throws {
        let screen = try batch(["--jobs", "2", "--grace", "5"])
        screen.wait("two that run", until: Self.shows("0 of 4 ended, 2 running, 2 waiting"))
        screen.type("\u{3}")
        screen.wait(for: "stopping: what runs saves its state")
        screen.wait("the end") { $0.lines.contains { $0.hasPrefix("report: ") } }
        XCTAssertEqual(screen.finish(), 130)
        XCTAssertFalse(
            screen.screen.lines.contains { $0.contains(" running") || $0.hasPrefix("  first") },
            screen.screen.lines.joined(separator: "\n"))
    }

    func testElsewhereThereArePlainLines() throws {
        for name in ["first", "second", "third-with-a-name-that-is-far-too-long-for-a-small-screen"] {
            try write("go-" + name, "")
        }
        let result = try OpahProcess.run(["batch", ".", "--jobs", "2"], folder: folder.path)
        XCTAssertEqual(result.code, 1)
        XCTAssertFalse(result.errors.contains("\u{1B}") || result.errors.contains("\r"), result.errors)
        let lines = result.errors.split(separator: "\n").map(String.init)
        XCTAssertEqual(lines.filter { $0.hasPrefix("begins ") }.count, 4, result.errors)
        XCTAssertEqual(lines.filter { $0.hasPrefix("[") }.count, 4, result.errors)
        XCTAssertFalse(lines.contains { $0.contains(" running") }, result.errors)
    }

    private static func shows(_ last: String) -> (VirtualScreen) -> Bool { { $0.lines.last == last } }
}
