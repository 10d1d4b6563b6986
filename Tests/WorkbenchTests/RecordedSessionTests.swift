import Foundation
import XCTest

/// `examples/repl-session.txt` is what the program shows today. `OPAH_RECORD=1` writes it anew.
final class RecordedSessionTests: XCTestCase {
    private static let inputs = [
        "-- Expressions print themselves; _ is the last result.",
        "t = tensor.new{{1, 2.5}, {-3, 4}}", "t", "t:softmax(2)", "_:sum(2)",
        "t:matmul(tensor.ones(3, 2))",
        "-- Large things are abridged.",
        "tensor.range(1, 10000):view(100, 100)", "data = {name = \"ana\", clips = {1, 2, 3}, options = {seed = 7, device = \"cpu\"}}", "data.self = data; data",
        "-- A block is one input.",
        "function mean(list)\nlocal sum = 0\nfor _, x in ipairs(list) do sum = sum + x end\nreturn sum / #list\nend",
        "mean{1, 2, 6}", "mean{1, \"two\", {}}",
        "-- Help.",
        "?fs.join", "?t:clamp", "?mean", "??mean",
        "-- Pictures.",
        "plot(tensor.linspace(0, 12.56, 300):sin(), {title=\"two periods\"})",
        "plot.line{train = {3.2, 2.1, 1.6, 1.4, 1.3}, held_out = {3.3, 2.4, 2.0, 1.9, 1.95}}",
        "tone = tensor.linspace(0, 6000, 16000):sin() * tensor.linspace(1, 0, 16000)", "waveform(tone, 16000)", "spectrogram(tone, 16000)",
        "-- What is there, and how long things take.",
        "who()", "%time tone:sum():item() < 100", "%timeit mean{1, 2, 3}",
        "local lost = 1",
    ]

    private static func normalised(_ text: String) -> String {
        text.replacing(/^\([0-9.]+ (ns|µs|ms|s)\)\n/.anchorsMatchLineEndings(), with: "")
            .replacing(/^took .*/.anchorsMatchLineEndings(), with: "took 0.01 ms").replacing(/^.* ± .* \(mean/.anchorsMatchLineEndings(), with: "50.0 ns ± 0.50 ns (mean").replacing(/[0-9]+ pass(es)? each/, with: "100 passes each")
            .replacing(/tensors in memory: .*/, with: "tensors in memory: 64 kB")
    }

    func testTheRecordedSessionIsWhatTheProgramShows() throws {
        let folder = try TestFolder("session")
        let session = try TerminalSession(["repl"], folder: folder.path, environment: ["NO_COLOR": "1"], width: 100, height: 40)
        for input in Self.inputs { session.enter(input) }
        let now = Self.normalised(session.screen.lines.dropLast().joined(separator: "\n") + "\n")
        let path = OpahProcess.checkout + "/examples/repl-session.txt"
        if ProcessInfo.processInfo.environment["OPAH_RECORD"] == "1" { try now.write(toFile: path, atomically: true, encoding: .utf8) }
        let recorded = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
        for (i, line) in now.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            XCTAssertEqual(i < recorded.count ? String(recorded[i]) : "(nothing)", String(line), "line \(i + 1) of examples/repl-session.txt; OPAH_RECORD=1 writes it anew")
        }
    }
}
