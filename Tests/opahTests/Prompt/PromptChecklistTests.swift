import Foundation
import TestSupport
import XCTest

/// What else people expect of a prompt: options, files, history, the shell, times. Each through a terminal of its own.
final class PromptChecklistTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("prompt") }
    override func tearDown() { folder = nil }

    private func start(
        _ arguments: [String] = ["repl"], environment: [String: String] = ["NO_COLOR": "1"]
    ) throws -> TerminalSession {
        let session = try TerminalSession(arguments, folder: folder.path, environment: environment)
        session.waitForPrompt()
        return session
    }

    private func lines(_ path: String = "state/opah/history") throws -> [String] {
        try String(contentsOfFile: folder(path), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func write(_ path: String, _ text: String) throws {
        try FileManager.default.createDirectory(
            atPath: (folder(path) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: folder(path), atomically: true, encoding: .utf8)
    }

    // MARK: typing

    func testAltEnterBeginsALineWhereEnterWouldRun() throws {
        let prompt = try start()
        prompt.type("a = 20")
        prompt.wait(for: "a = 20")
        prompt.type("\u{1B}\r")
        prompt.wait("the second line") { $0.current == "" && $0.column == 2 }
        prompt.type("a + 1")
        prompt.wait(for: "a + 1")
        prompt.type("\r")
        prompt.wait(for: "21")
        XCTAssertEqual(try lines(), ["a = 20\\012a + 1"], "one input")
        XCTAssertEqual(prompt.enter("_").last, "21")
    }

    func testCtrlCAndCtrlDAtThePrompt() throws {
        let prompt = try start()
        prompt.type("half an inp")
        prompt.wait(for: "half an inp")
        prompt.type("\u{3}")
        prompt.waitForPrompt()
        for _ in 0 ..< 3 { prompt.type("\u{3}"); prompt.waitForPrompt() }
        XCTAssertEqual(prompt.enter("1 + 1").last, "2", "Ctrl-C never ends it")
        prompt.type("not empty")
        prompt.wait(for: "not empty")
        prompt.type("\u{4}")   // as in a shell: nothing while there is text
        prompt.type("\u{3}")
        prompt.waitForPrompt()
        prompt.type("\u{4}")
        XCTAssertEqual(prompt.finish(), 0)
    }

    func testAnEndOfInputWordEndsIt() throws {
        for word in ["exit", "quit", "exit()", "quit()"] {
            let prompt = try start()
            prompt.type(word + "\r")
            XCTAssertEqual(prompt.finish(), 0, word)
        }
    }

    func testResultsAreShownUnlessTheLineEndsInASemicolon() throws {
        let prompt = try start()
        XCTAssertEqual(prompt.enter("6 * 7;"), [])
        XCTAssertEqual(prompt.enter("_").last, "42", "but kept")
        XCTAssertEqual(prompt.enter("=6 * 8").last, "48")
        XCTAssertEqual(prompt.enter("= 'x', 1").last, "\"x\"  1")
        XCTAssertEqual(prompt.enter("= 1 +\n2").last, "3", "a leading = may go on as well")
    }

    // MARK: history

    func testTheHistoryFileMayBeNamed() throws {
        let prompt = try start(environment: ["NO_COLOR": "1", "OPAH_HISTORY": folder("own-history")])
        prompt.enter("here = 1")
        XCTAssertEqual(try lines("own-history"), ["here = 1"])
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("state/opah/history")))
    }

    func testTheHistoryKeepsTenThousandLinesAndNothingTwice() throws {
        // Far beyond the limit: the newest stay.
        try write("state/opah/history", (1 ... 12_000).map { "x = \($0)\n" }.joined())
        var prompt = try start()
        XCTAssertEqual(try lines().count, 10_000)
        XCTAssertEqual(try lines().first, "x = 2001")
        prompt.type("\u{1B}[A")
        prompt.wait("the newest") { $0.current == "> x = 12000" }
        prompt.type("\u{3}")
        prompt.waitForPrompt()
        prompt.type("\u{4}")
        XCTAssertEqual(prompt.finish(), 0)
        // What is typed again moves to the end.
        try write("state/opah/history", "one = 1\ntwo = 2\none = 1\nthree = 3\n")
        prompt = try start()
        prompt.enter("two = 2")
        for expected in ["two = 2", "three = 3", "one = 1"] {
            prompt.type("\u{1B}[A")
            prompt.wait(expected) { $0.current == "> " + expected }
        }
        prompt.type("\u{1B}[A")
        usleep(100_000)
        prompt.wait("nothing older") { $0.current == "> one = 1" }
    }

    func testALineThatKillsTheProgramIsKept() throws {
        let prompt = try start()
        prompt.enter("before = 1")
        prompt.type("while true do end\r")
        usleep(300_000)
        kill(prompt.pid, SIGKILL)
        XCTAssertEqual(prompt.finish(), 128 + SIGKILL)
        XCTAssertEqual(try lines(), ["before = 1", "while true do end"])
    }

    func testSessionsShareTheirHistoryAtOnce() throws {
        let one = try start(), two = try start()
        one.enter("mine = 1")
        two.enter("theirs = 2")
        one.enter("mine = 3")
        // One's own lines first, then what the other one has typed meanwhile.
        for expected in ["mine = 3", "mine = 1", "theirs = 2"] {
            one.type("\u{1B}[A")
            one.wait(expected) { $0.current == "> " + expected }
        }
        one.type("\u{3}")
        two.enter("theirs = 4")
        one.waitForPrompt()
        one.type("\r")
        one.waitForPrompt()
        one.type("\u{12}theirs = 4")   // searched for
        one.wait("the other's last") { $0.lines.contains { $0.contains("theirs = 4") } }
        one.type("\u{3}")
        one.waitForPrompt()
        // Whichever ends first, or not at all by itself.
        two.type("\u{4}")
        XCTAssertEqual(two.finish(), 0)
        one.enter("mine = 5")
        kill(one.pid, SIGKILL)
        XCTAssertEqual(one.finish(), 128 + SIGKILL)
        XCTAssertEqual(try lines(), ["mine = 1", "theirs = 2", "mine = 3", "theirs = 4", "mine = 5"])
    }

    func testAHistoryThatIsWrittenAnewLosesNothingOfTheOthers() throws {
        let one = try start()
        one.enter("mine = 1")
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder("state/opah/history")))
        try file.seekToEnd()
        try file.write(contentsOf: Data((1 ... 11_500).map { "x = \($0 % 7)\n" }.joined().utf8))
        try file.close()
        let two = try start()   // rewrites it
        XCTAssertEqual(try lines().count, 8)
        one.enter("mine = 2")
        two.enter("theirs = 3")
        XCTAssertEqual(Array(try lines().suffix(2)), ["mine = 2", "theirs = 3"])
        XCTAssertEqual(try lines().count, 10)
    }

    func testWithoutAPlaceForItThePromptWorksAllTheSame() throws {
        try write("file", "")
        let prompt = try start(environment: ["NO_COLOR": "1", "XDG_STATE_HOME": folder("file")])
        prompt.enter("a = 5")
        prompt.type("\u{1B}[A")
        prompt.wait("the line") { $0.current == "> a = 5" }
    }

    // MARK: commands

    func testTheShellIsOneMarkAway() throws {
        try write("sounds/one.wav", "")
        let prompt = try start()
        XCTAssertEqual(prompt.enter("!ls sounds"), ["one.wav"])
        XCTAssertEqual(prompt.enter("!echo $((40 + 2))"), ["42"])
        XCTAssertEqual(prompt.enter("!exit 3"), ["the command ended with status 3"])
        // Ctrl-C is for the command, not for the prompt.
        prompt.type("!sleep 60\r")
        usleep(300_000)
        prompt.type("\u{3}")
        prompt.wait("the interruption") { $0.lines.contains("interrupted") }
        XCTAssertEqual(prompt.enter("1 + 1").last, "2")
    }

    func testTimes() throws {
        let prompt = try start()
        // A slow input says how long it took, a quick one does not.
        let slow = prompt.enter("local till = os.clock() + 0.2; repeat until os.clock() > till", times: true)
        XCTAssertNotNil(slow.last?.wholeMatch(of: /\([0-9.]+ (ms|s)\)/), slow.joined(separator: "\n"))
        XCTAssertEqual(prompt.enter("1 + 1"), ["2"])
        let measured = prompt.enter("timeit(function() return 1 end)")
        XCTAssertTrue(
            measured.contains { $0.contains(/mean and spread of [0-9]+ runs/) }, measured.joined(separator: "\n"))
        XCTAssertEqual(prompt.enter("_ > 0 and _ < 0.001").last, "true", "the mean in seconds")
        XCTAssertEqual(
            prompt.enter("timeit(1)").first, "prompt.timeit: argument 1 (body): function expected, got number")
        XCTAssertTrue(prompt.enter("%time ('x'):rep(3)").contains("\"xxx\""))
        XCTAssertEqual(prompt.enter("%timeit error 'no'").first?.hasSuffix("no"), true)
    }

    func testTablesOpenToADepthWithCyclesMarked() throws {
        let prompt = try start()
        prompt.enter("t = {1, {2, {3, {4, {5}}}}, list = {}}; t.me = t")
        prompt.enter("for i = 1, 99 do t.list[i] = i end")
        let shown = prompt.enter("t").joined(separator: " ")
        for part in ["<cycle", "..."] { XCTAssertTrue(shown.contains(part), shown) }
        XCTAssertFalse(shown.contains("99"), shown)
        XCTAssertTrue(prompt.enter("pp(t, {items = 100, depth = 9})").joined().contains("99"))
        XCTAssertTrue(prompt.enter("print(t)").first!.hasPrefix("table: 0x"), "print is Lua's own")
    }

    func testHelpWithoutAName() throws {
        let prompt = try start()
        for text in ["help()", "?"] { XCTAssertTrue(prompt.enter(text).contains { $0.hasPrefix("opah.audio ") }, text) }
        // Broken at blanks, below the second column.
        let list = Array(prompt.enter("help()").filter { !$0.hasPrefix("(") }.prefix { $0 != "" }),
            margin = String(repeating: " ", count: 18)
        XCTAssertTrue(
            list.allSatisfy {
                $0.count <= 80 && ($0.hasPrefix("opah") || $0.hasPrefix(margin) && !$0.hasPrefix(margin + " "))
            }, list.joined(separator: "\n"))
        XCTAssertTrue(list.contains { $0.hasPrefix(margin) })
        // A paragraph is filled: only its last line is short.
        let page = prompt.enter("?config.parse_args").dropFirst().prefix { $0 != "" }
        XCTAssertTrue(
            page.dropLast().allSatisfy { $0.hasPrefix("  ") && (60 ... 80).contains($0.count) },
            page.joined(separator: "\n"))
        XCTAssertEqual(prompt.enter("help(tensor.ones)").first, prompt.enter("?tensor.ones").first)
        XCTAssertEqual(prompt.enter("help('vq.load')").first, prompt.enter("?vq.load").first)
        XCTAssertEqual(prompt.enter("??tensor.ones").last, "  (not written in Lua)")
    }

    // MARK: options

    func testWhatRunsBeforeThePrompt() throws {
        try write("first.lua", "first = 'from the file'\nprint('ran')")
        try write("mine.lua", "return {value = 7}")
        var prompt = try start([
            "repl", "-i", "first.lua", "-l", "mine", "-e", "second = first .. '!'", "-e", "third = 3"
        ])
        XCTAssertTrue(prompt.screen.lines.contains("ran"))
        XCTAssertEqual(prompt.enter("second, third, mine.value").last, "\"from the file!\"  3  7")
        prompt = try start(["-i", "first.lua"])
        XCTAssertEqual(prompt.enter("first").last, "\"from the file\"")
        // What fails is shown, and the prompt comes all the same.
        try write("broken.lua", "before = 1\nlocal x = nil + 1\n")
        prompt = try start(["repl", "-i", "broken.lua", "-l", "not.there", "-e", "error 'no'"])
        let screen = prompt.screen.lines.joined(separator: "\n")
        for part in [
            "broken.lua:2: attempt to perform arithmetic on a nil value", "local x = nil + 1",
            "module 'not.there' not found"
        ] { XCTAssertTrue(screen.contains(part), screen) }
        XCTAssertEqual(prompt.enter("before").last, "1")
    }

    func testStrictGlobalsAreAskedFor() throws {
        XCTAssertEqual(try start().enter("prnit").last, "nil")
        let strict = try start(["repl", "--strict"])
        XCTAssertTrue(strict.enter("prnit").contains { $0.contains("undeclared variable 'prnit'") })
        XCTAssertTrue(strict.screen.lines.contains { $0.contains("did you mean print?") })
        XCTAssertEqual(strict.enter("x = 5; x").last, "5", "what is typed declares")
        XCTAssertEqual(strict.enter("_").last, "5")
        XCTAssertEqual(strict.enter("function f() oops = 1 end"), [])
        XCTAssertTrue(strict.enter("f()").contains { $0.contains("assignment to undeclared variable 'oops'") })
    }

    func testTheInitFileRunsFirstUnlessRefused() throws {
        try write("config/opah/init.lua", "shortcut = tensor.ones")
        XCTAssertEqual(try start(["repl", "-e", "made = shortcut(3)"]).enter("made:sum():item()").last, "3.0")
        XCTAssertEqual(try start(["repl", "--no-init"]).enter("shortcut").last, "nil")
    }

    func testScriptsComeFromStandardInput() throws {
        let script = "local x = 1\nfunction f()\n  error 'here'\nend\nprint(x)\nx = x + 1; print(x)\n"
        var result = try OpahProcess.run(["repl", "--no-init"], input: script)
        XCTAssertEqual([result.output, result.errors], ["1\n2\n", ""], "no banner, no prompt, no values")
        result = try OpahProcess.run([], input: script + "f()\nprint 'not reached'")
        XCTAssertEqual(result.code, 1)
        XCTAssertEqual(result.output, "1\n2\n")
        XCTAssertTrue(result.errors.contains("stdin:3: here") && result.errors.contains("stdin:7"), result.errors)
        XCTAssertFalse(result.errors.contains("\u{1B}"), "no colours in a file")
        XCTAssertEqual(try OpahProcess.run(["repl", "--no-init"], input: "return 4").code, 4)
        XCTAssertEqual(try OpahProcess.run(["repl", "--no-init"], input: "os.exit(5)").code, 5)
        // What the script prints and reads is its own.
        XCTAssertEqual(
            try OpahProcess.run(["repl", "--no-init"], input: "for i = 1, 2 do\n\nprint(i)\nend").output, "1\n2\n")
    }
}
