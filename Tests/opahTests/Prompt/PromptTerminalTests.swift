import Foundation
import TestSupport
import XCTest

/// The prompt, driven through a terminal as a person drives it.
final class PromptTerminalTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("prompt") }
    override func tearDown() { folder = nil }

    private func start(
        _ arguments: [String] = ["repl"], environment: [String: String] = ["NO_COLOR": "1"], width: Int = 80
    ) throws -> TerminalSession {
        let session = try TerminalSession(arguments, folder: folder.path, environment: environment, width: width)
        session.waitForPrompt()
        return session
    }

    private func historyLines() throws -> [String] {
        try String(contentsOfFile: folder("state/opah/history"), encoding: .utf8).split(separator: "\n").map(
            String.init)
    }

    func testExpressionsPrintThemselvesAndAreRemembered() throws {
        let prompt = try start([])
        XCTAssertEqual(prompt.enter("1 + 1").last, "2")
        XCTAssertEqual(prompt.enter("= 'a', nil, 3").last, "\"a\"  nil  3")
        XCTAssertEqual(prompt.enter("40 + 2;"), [])
        XCTAssertEqual(prompt.enter("_ , __ , ___").last, "42  \"a\"  2")
        XCTAssertEqual(prompt.enter("x = 5"), [])
        XCTAssertEqual(prompt.enter("error 'no'").first, "input 6:1: no")
        XCTAssertEqual(prompt.enter("_").last, "42", "a failed input changed _")
        prompt.type("exit\r")
        XCTAssertEqual(prompt.finish(), 0)
    }

    func testABlockIsOneInputAndOneHistoryEntry() throws {
        var prompt = try start()
        XCTAssertEqual(prompt.enter("for i = 1, 2 do\nprint(i * 10)\nend").suffix(2), ["10", "20"])
        XCTAssertEqual(
            prompt.enter("x = = 2"), ["input 2:1: unexpected symbol near '='", "    x = = 2"],
            "a mistake is no reason to wait for more")
        XCTAssertEqual(try historyLines(), ["for i = 1, 2 do\\012  print(i * 10)\\012end", "x = = 2"])
        var info = stat()
        XCTAssertEqual(stat(folder("state/opah/history"), &info), 0)
        XCTAssertEqual(info.st_mode & 0o777, 0o600)
        // The next session brings the whole block back; the arrows go to its middle, and Enter runs all of it.
        prompt.type("\u{4}")
        XCTAssertEqual(prompt.finish(), 0)
        prompt = try start()
        prompt.type("\u{1B}[A\u{1B}[A")
        prompt.wait("the block") { $0.current.hasSuffix("end") }
        prompt.type("\u{1B}[A")
        prompt.wait("its middle") { $0.current.contains("print(i * 10)") }
        prompt.type("\u{1B}[F\u{1B}[A\u{1B}[D")
        prompt.type("\u{7F}3")
        prompt.wait("the change") { $0.current.contains("for i = 1, 3 d") || $0.lines.contains { $0.contains("3") } }
        prompt.type("\u{3}")
        prompt.waitForPrompt()
        prompt.type("\u{1B}[A\u{1B}[A\r")
        prompt.wait(for: "20")
        XCTAssertEqual(try historyLines().count, 3)
    }

    func testHistoryIsSavedBeforeItRuns() throws {
        let prompt = try start()
        prompt.type("os.exit(7)\r")
        XCTAssertEqual(prompt.finish(), 7)
        XCTAssertEqual(try historyLines(), ["os.exit(7)"])
    }

    func testTwoSessionsShareTheHistory() throws {
        let one = try start(), two = try start()
        one.enter("1")
        two.enter("2")
        one.enter("3")
        XCTAssertEqual(try historyLines(), ["1", "2", "3"])
    }

    func testCtrlCDropsABlockAndStopsWhatRuns() throws {
        let prompt = try start()
        prompt.type("for i = 1, 3 do\r")
        prompt.wait(for: "for i = 1, 3 do")
        prompt.type("print(i)")
        prompt.wait(for: "print(i)")
        XCTAssertEqual(prompt.interruptCharacter, 0, "a signal could be lost on a busy machine")
        prompt.type("\u{3}\u{3}\u{3}")
        prompt.waitForPrompt()
        prompt.enter("kept = 11")
        prompt.type("while true do end\r")
        usleep(300_000)
        XCTAssertEqual(prompt.interruptCharacter, 3)
        prompt.type("\u{3}")
        prompt.wait(for: "interrupted")
        XCTAssertEqual(prompt.enter("kept").last, "11")
        // A native loop as well.
        prompt.type("a = tensor.randn(3000, 3000); while true do a = a:matmul(a) end\r")
        usleep(300_000)
        prompt.type("\u{3}")
        prompt.wait("second interruption") { $0.lines.count { $0.hasPrefix("interrupted") } == 2 }
        XCTAssertEqual(prompt.enter("kept").last, "11")
        prompt.type("\u{4}")
        XCTAssertEqual(prompt.finish(), 0)
    }

    func testCompletion() throws {
        try FileManager.default.createDirectory(atPath: folder("sounds"), withIntermediateDirectories: true)
        for name in ["hello.wav", "help.wav"] {
            _ = FileManager.default.createFile(atPath: folder("sounds/" + name), contents: nil)
        }
        let prompt = try start()
        prompt.enter("t = tensor.ones(2); trap = setmetatable({real = 1}, {__index = function() ran = true end})")
        func complete(_ keys: String, _ expected: String, line: UInt = #line) {
            prompt.type(keys)
            prompt.wait(expected, line: line) { $0.current == expected || $0.lines.contains(expected) }
            prompt.type("\u{3}")
            prompt.waitForPrompt(line: line)
        }
        complete("tens\t", "> tensor")
        complete("t:log_so\t", "> t:log_softmax")
        complete("audio.load(\"so\t", "> audio.load(\"sounds/")
        complete("audio.load(\"sounds/h\t\t", "hello.wav  help.wav")
        complete("audio.load(\"sounds/hell\t", "> audio.load(\"sounds/hello.wav\"")
        complete("require \"opah.chec\t", "> require \"opah.checkpoint\"")
        complete("vq.load{che\t", "> vq.load{checkpoint=")
        complete("vq.load{c\t", "checkpoint: string")
        complete("trap.\t", "> trap.real")
        complete("tensor.manual_seed(\t", "tensor.manual_seed(seed)")
        XCTAssertEqual(prompt.enter("ran").last, "nil")
    }

    func testHelp() throws {
        let prompt = try start()
        XCTAssertEqual(prompt.enter("?audio.info").first, "audio.info(path) -> AudioInfo")
        prompt.enter("t = tensor.ones(2)")
        XCTAssertEqual(prompt.enter("?t:softmax").first, "Tensor:softmax([dim]) -> Tensor")
        XCTAssertEqual(prompt.enter("t.softmax?").first, "Tensor:softmax([dim]) -> Tensor")
        prompt.type("\u{1B}[200~-- Doubles.\nfunction twice(x)\n  return 2 * x\nend\u{1B}[201~")
        prompt.wait(for: "return 2 * x")
        prompt.type("\r")
        XCTAssertEqual(
            prompt.enter("??twice"), ["-- input 2:2", "-- Doubles.", "function twice(x)", "  return 2 * x", "end"])
        XCTAssertEqual(
            prompt.enter("?twice"), ["function twice(x)", "  -- Doubles.", "  (input 2:2; ??twice shows all of it)"])
        XCTAssertTrue(prompt.enter("?").contains { $0.hasPrefix("opah.tensor ") })
        XCTAssertEqual(prompt.enter("?tensr").first, "there is no help for tensr")
    }

    func testErrorsShowTheLineAndHideTheHost() throws {
        let prompt = try start()
        prompt.enter("function f(x)\nlocal y = x .. nil\nreturn y\nend")
        prompt.enter("function g() return (f('a')) end")
        XCTAssertEqual(
            prompt.enter("g()"),
            [
                "input 1:2: attempt to concatenate a nil value",
                "  input 1:2: in function 'f'", "    local y = x .. nil",
                "  input 2:1: in function 'g'", "    function g() return (f('a')) end",
                "  input 3:1: in main chunk", "    g()"
            ])
        let shape = prompt.enter("tensor.ones(2):add(tensor.ones(3))")
        XCTAssertTrue(shape.contains { $0.contains("2") && $0.contains("3") && $0.contains("add") })
        XCTAssertFalse(shape.joined().contains("[C]"))
    }

    func testTimingVariablesAndReload() throws {
        try "return {value = 1}".write(toFile: folder("mine.lua"), atomically: true, encoding: .utf8)
        let prompt = try start(["repl", "-l", "mine", "-e", "started = true"])
        XCTAssertEqual(prompt.enter("mine.value, started").last, "1  true")
        try "return {value = 2}".write(toFile: folder("mine.lua"), atomically: true, encoding: .utf8)
        prompt.enter("reload 'mine'")
        XCTAssertEqual(prompt.enter("mine.value").last, "2")
        prompt.enter("t = tensor.zeros(100, 100)")
        let variables = prompt.enter("who()")
        XCTAssertTrue(
            variables.contains { $0.hasPrefix("t ") && $0.contains("100x100 float32") && $0.hasSuffix("40 kB") },
            variables.joined(separator: "\n"))
        XCTAssertFalse(variables.contains { $0.hasPrefix("tensor ") || $0.hasPrefix("print ") || $0.hasPrefix("run ") })
        XCTAssertTrue(prompt.enter("%time 1 + 1").suffix(2).first == "2")
        XCTAssertTrue(prompt.enter("%timeit 1 + 1").last!.contains(/mean and spread of [0-9]+ runs/))
        XCTAssertEqual(prompt.enter("%nothing 1").first, "there is no command %nothing")
    }

    func testAnInitFileThatFailsIsNoObstacle() throws {
        try FileManager.default.createDirectory(atPath: folder("config/opah"), withIntermediateDirectories: true)
        try "mark = 7\nerror 'broken init'\n".write(
            toFile: folder("config/opah/init.lua"), atomically: true, encoding: .utf8)
        let prompt = try start()
        XCTAssertTrue(prompt.screen.lines.joined(separator: "\n").contains("broken init"))
        XCTAssertEqual(prompt.enter("mark").last, "7")
        XCTAssertEqual(try start(["repl", "--no-init"]).enter("mark").last, "nil")
    }

    func testPastedLinesAndWideCharacters() throws {
        let prompt = try start()
        prompt.type("\u{1B}[200~a = 3\na + 1\nfor i = 1, 2 do\n\tprint(i)\nend\n\u{1B}[201~")
        prompt.wait(for: "end")
        prompt.type("\r")
        prompt.waitForPrompt()
        XCTAssertEqual(prompt.screen.lines.suffix(4), ["4", "1", "2", ">"])
        // Without marks, lines arrive as if typed.
        prompt.type("b = 5\rif b then\r  print(b)\rend\r")
        prompt.wait("5") { $0.lines.contains("5") && $0.current == ">" }
        prompt.type("s = '日本x語'\u{1B}[D\u{1B}[D\u{7F}")   // behind x, which goes
        prompt.wait("the correction") { $0.current == "> s = '日本語'" }
        prompt.type("\r")
        XCTAssertEqual(prompt.enter("s, #s").last, "\"日本語\"  9")
    }

    func testColoursOnlyWhereTheyAreWelcome() throws {
        let escape = Array("\u{1B}[1;34m".utf8)
        func isColoured(_ prompt: TerminalSession) -> Bool {
            prompt.raw.indices.contains { prompt.raw[$0...].starts(with: escape) }
        }
        XCTAssertTrue(isColoured(try start(environment: [:])))
        XCTAssertFalse(isColoured(try start(environment: ["NO_COLOR": "1"])))
        let dumb = try start(environment: ["TERM": "dumb"])
        XCTAssertEqual(dumb.enter("for i = 1, 1 do\nprint(i + 6)\nend").last, "7")
        XCTAssertFalse(dumb.raw.contains(0x1B))
    }

    func testOutputKeepsToTheWidthOfTheTerminal() throws {
        let prompt = try start(width: 60)
        XCTAssertTrue(prompt.enter("tensor.range(1, 100)").allSatisfy { $0.count <= 60 })
        XCTAssertEqual(prompt.enter("io.write('no line end');"), ["no line end"])
        prompt.resize(width: 40, height: 24)
        usleep(200_000)
        let lines = prompt.enter("tensor.range(1, 50)")
        XCTAssertTrue(lines.allSatisfy { $0.count <= 40 }, lines.joined(separator: "\n"))
    }

    /// Ctrl-Z where no shell can stop the program, then going on: the half-typed line stands there again.
    func testAHalfTypedLineOutlivesASignal() throws {
        let prompt = try start()
        prompt.type("3 +")
        prompt.wait("the echo") { $0.current == "> 3 +" }
        prompt.type("\u{1A}")
        prompt.wait("the line again") { $0.current == "> 3 +" && $0.lines.count > 2 }
        kill(prompt.pid, SIGCONT)
        prompt.wait("the line still") { $0.current.hasSuffix("> 3 +") }   // libedit draws it where the cursor is
        prompt.type(" 4\r")
        prompt.wait(for: "7")
        XCTAssertEqual(prompt.enter("_ * 2").last, "14")
    }

    func testSignalsThatEndThePrompt() throws {
        for (signal, code) in [(SIGTERM, Int32(130)), (SIGHUP, 130), (SIGQUIT, 128 + SIGQUIT)] {
            let prompt = try start()
            prompt.type("half")
            prompt.wait("the echo") { $0.current == "> half" }
            kill(prompt.pid, signal)
            XCTAssertEqual(prompt.finish(), code, "\(signal)")
        }
        let prompt = try start()
        prompt.type("while true do end\r")
        usleep(200_000)
        kill(prompt.pid, SIGTERM)
        XCTAssertEqual(prompt.finish(), 130)
    }
}
