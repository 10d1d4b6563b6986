import Foundation
import TestSupport
import XCTest

/// `examples/repl-session.txt` is what the program shows today, in a terminal 100 columns wide. `OPAH_RECORD=1` writes
/// it anew.
final class RecordedSessionTests: XCTestCase {
    private enum Step {
        /// At the prompt of the shell; one that begins `opah` leads to the prompt.
        case shell(String)
        /// At the prompt.
        case lua(String)
        /// Keys that run nothing, until this is seen; then Ctrl-C.
        case keys(String, shows: String)
        /// Begins, and is stopped by Ctrl-C.
        case stopped(String)
        /// Ctrl-D.
        case end
    }

    private static let steps: [Step] = [
        .shell("opah"),
        .lua("-- Expressions print themselves; _ is the last result, __ the one before. A ; keeps quiet."),
        .lua("t = tensor.new{{1, 2.5}, {-3, 4}}"), .lua("t"), .lua("t:softmax(2)"), .lua("_:sum(2)"),
        .lua("= 6 * 7, 'a leading = is fine'"), .lua("6 * 8;"), .lua("_, __"),
        .lua("t:matmul(tensor.ones(3, 2))"),
        .lua("-- Large things are abridged."),
        .lua("tensor.range(1, 10000):view(100, 100)"),
        .lua("data = {name = \"ana\", clips = {1, 2, 3}, options = {seed = 7, device = \"cpu\"}}"),
        .lua("data.self = data; data"),
        .lua("pp(data, {depth = 1})"),
        .lua("-- A block is one input, and the up key brings it back as one."),
        .lua(
            "function mean(list)\nlocal sum = 0\nfor _, x in ipairs(list) do sum = sum + x end\nreturn sum / #list\nend"
        ),
        .lua("mean{1, 2, 6}"), .keys("\u{1B}[A\u{1B}[A", shows: "return sum / #list"), .lua("mean{1, \"two\", {}}"),
        .lua("mean = = 2"),
        .lua("-- Tab completes, also behind calls and in options and strings; it never runs anything."),
        .keys("tensor.ones(2):log\t", shows: "log_softmax"), .keys("t[1]:cum\t", shows: "t[1]:cumsum"),
        .keys("data.clips\t", shows: "data.clips"), .keys("vq.load{c\t", shows: "checkpoint: string"),
        .keys("lm.load('model', {weights='\t", shows: "bfloat16"),
        .keys("require 'opah.ch\t", shows: "opah.checkpoint'"), .keys("audio.load('sounds/\t", shows: "two.wav"),
        .keys("t:clamp(\t", shows: "Tensor:clamp("),
        .lua("-- Help."),
        .lua("?fs.join"), .lua("?t:clamp"), .lua("?mean"), .lua("??mean"), .lua("help(fs.exists)"),
        .lua("-- Pictures."),
        .lua("plot(tensor.linspace(0, 12.56, 300):sin(), {title=\"two periods\"})"),
        .lua("plot.line{train = {3.2, 2.1, 1.6, 1.4, 1.3}, held_out = {3.3, 2.4, 2.0, 1.9, 1.95}}"),
        .lua("tone = tensor.linspace(0, 6000, 16000):sin() * tensor.linspace(1, 0, 16000)"),
        .lua("waveform(tone, 16000)"), .lua("spectrogram(tone, 16000)"),
        .lua("-- What is there, and how long things take."),
        .lua("who()"), .lua("%time tone:sum():item() < 100"), .lua("%timeit mean{1, 2, 3}"),
        .lua("timeit(function() return mean{1, 2, 3} end);"),
        .lua("local stop = os.clock() + 0.2; repeat until os.clock() > stop"),
        .lua("local lost = 1"),
        .lua("-- Ctrl-C stops what runs, and nothing is lost."),
        .stopped("while true do end"), .lua("mean{2, 4}"),
        .lua("-- The shell, and modules of one's own."),
        .lua("!ls sounds"), .lua("!echo 'return { rate = 8000 }' > voice.lua"),
        .lua("voice = require 'voice'; voice.rate"), .lua("!echo 'return { rate = 16000 }' > voice.lua"),
        .lua("reload 'voice';"), .lua("voice.rate"),
        .end,
        .shell("opah repl -l voice -i first.lua -e 'start = rate + 1' --strict"),
        .lua("start"), .lua("strat"),
        .end,
        .shell("echo 'print(6 * 7)  error \"stop\"' | opah repl --no-init"),
        .shell("tail -n 3 state/opah/history")
    ]

    private static func normalised(_ text: String) -> String {
        text.replacing(/^(.*> stop\n)\([0-9.]+ (ms|s)\)\n/.anchorsMatchLineEndings(), with: { "\($0.1)(time)\n" })
            .replacing(/^\([0-9.]+ (ns|µs|ms|s)\)\n/.anchorsMatchLineEndings(), with: "").replacing(
                "(time)\n", with: "(0.2 s)\n"
            )
            .replacing(/^took .*/.anchorsMatchLineEndings(), with: "took 0.01 ms").replacing(
                /^.* ± .* \(mean/.anchorsMatchLineEndings(), with: "50.0 ns ± 0.50 ns (mean"
            ).replacing(/[0-9]+ pass(es)? each/, with: "100 passes each").replacing(
                /spread of [0-9]+ runs/, with: "spread of 7 runs"
            )
            .replacing(/tensors in memory: .*/, with: "tensors in memory: 64 kB")
    }

    func testTheRecordedSessionIsWhatTheProgramShows() throws {
        let folder = try TestFolder("session")
        try FileManager.default.createDirectory(atPath: folder("sounds"), withIntermediateDirectories: true)
        for name in ["one.wav", "two.wav"] {
            try "".write(toFile: folder("sounds/" + name), atomically: true, encoding: .utf8)
        }
        try "rate = 2 * voice.rate".write(toFile: folder("first.lua"), atomically: true, encoding: .utf8)
        let session = try TerminalSession(
            [], program: "/bin/sh", folder: folder.path,
            environment: [
                "NO_COLOR": "1", "PS1": "$ ", "ENV": "",
                "PATH": OpahProcess.program.deletingLastPathComponent().path + ":/usr/bin:/bin"
            ], width: 100, height: 40)
        func waitForShell() { session.wait("the shell") { $0.current == "$" && $0.column == 2 } }
        for step in Self.steps {
            switch step {
            case .shell(let line):
                waitForShell()
                session.type(line + "\r")
            case .lua(let text): session.enter(text)
            case .keys(let keys, let shows):
                session.waitForPrompt()
                session.type(keys)
                session.wait(for: shows)
                session.type("\u{3}")
            case .stopped(let text):
                session.waitForPrompt()
                session.type(text + "\r")
                usleep(300_000)
                session.type("\u{3}")
                session.wait(for: "interrupted")
            case .end:
                session.waitForPrompt()
                session.type("\u{4}")
            }
        }
        waitForShell()
        let now = Self.normalised(session.screen.lines.dropLast().joined(separator: "\n") + "\n")
        let path = OpahProcess.checkout + "/examples/repl-session.txt"
        if ProcessInfo.processInfo.environment["OPAH_RECORD"] == "1" {
            try now.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let recorded = try String(contentsOfFile: path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (i, line) in now.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            XCTAssertEqual(
                i < recorded.count ? String(recorded[i]) : "(nothing)", String(line),
                "line \(i + 1) of examples/repl-session.txt; OPAH_RECORD=1 writes it anew")
        }
    }
}
