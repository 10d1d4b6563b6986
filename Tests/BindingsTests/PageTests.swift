import Bindings
import Foundation
import LuaHost
import LuaTestSupport
import TestSupport
import XCTest

/// What every page that is written keeps to: dark where the reader's machine is, no wider than a phone, named for those
/// who do not see.
final class PageTests: XCTestCase {
    private func report(_ blocks: String) throws -> String {
        let folder = try TestFolder("page")
        let lua = try Interpreter(.opah)
        try lua.run(
            """
            for _, name in ipairs { 'audio', 'report', 'plot', 'tensor' } do _G[name] = require('opah.' .. name) end
            samples = tensor.linspace(0, 600, 8000):sin()
            folder = '\(folder.path)'
            report.html(folder .. '/report.html', { title = 'Page <1>', \(blocks) })
            """)
        return try String(contentsOfFile: folder("report.html"), encoding: .utf8)
    }

    func testAReportOfEverything() throws {
        let page = try report(
            """
            { heading = 'Loss' }, { text = 'words' }, { code = 'x = 1' }, { curves = { train = { 3, 2, 1 }, held_out = { 3, 2.5, 2 } }, x = 'step', y = 'loss' },
            { table = { { 'a', 1.5 } }, header = { 'what', 'value' } }, { spectrogram = samples, sample_rate = 8000, label = 'Alice' },
            { audio = samples, sample_rate = 8000, label = 'Alice "speaks"' }, { audio = samples, sample_rate = 8000 },
            plot.histogram(samples, { title = 'samples' }), { picture = plot.scatter({ 1, 2 }, { 3, 4 }), label = 'points' }, { spectrogram = plot.spectrogram(samples, 8000) },
            { picture = plot.line({ 1, 2 }):png(), label = 'pixels' }
            """)
        PageCheck.check(page, "report.html")
        XCTAssertEqual(page.matches(of: #/<svg /#).count, 5)
        XCTAssertEqual(page.ranges(of: "<img alt=\"pixels\" src=\"data:image/png;base64,").count, 1)
        for part in [
            "aria-label=\"Curves: loss over step, train, held_out\"", "aria-label=\"Spectrogram: Alice\"",
            "aria-label=\"samples\"", "aria-label=\"Alice &quot;speaks&quot;\"", "<figcaption>points</figcaption>",
            "<th scope=\"col\">what</th>", "Page &lt;1&gt;"
        ] { XCTAssertTrue(page.contains(part), part) }
    }

    /// Names of files and labels on a page turn nothing around and hide nothing.
    func testWhatIsNoVisibleCharacterIsWrittenOut() throws {
        let name = #"a\27[2J\u{202e}b\0.wav"#
        let page = try report(
            "{ heading = '\(name)' }, { text = '\(name)' }, { code = 'one\\r\\n\\ttwo' }, { table = { { '\(name)' } }, header = { '\(name)' } }, { audio = samples, sample_rate = 8000, label = '\(name)' }"
        )
        XCTAssertFalse(
            page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0 == "\u{202E}" })
        XCTAssertGreaterThanOrEqual(page.ranges(of: #"a\x1b[2J\u{202e}b\x00.wav"#).count, 5)
        XCTAssertTrue(page.contains("one\n\ttwo"))
        let lua = try Interpreter(.opah, libraryFolder: OpahProcess.checkout + "/stdlib-lua")
        let results = try lua.run(#"return require("opah.html").escape("x\27<\u{202e}\n\r\n\xFF")"#)
        XCTAssertEqual(results.first?.string, #"x\x1b&lt;\u{202e}"# + "\n\n\u{FFFD}")
    }

    func testPicturesFromFilesAndWhatIsNone() throws {
        let page = try report(
            "(function() plot.line({ 1, 2 }):save(folder .. '/a.png') return { picture = folder .. '/a.png' } end)()")
        XCTAssertTrue(page.contains("<img alt=\"Picture 1\" src=\"data:image/png"))
        for (block, message) in [
            ("{ picture = 5 }", "neither a Picture nor a PNG"), ("{ picture = folder .. '/none.png' }", "none.png"),
            ("{ picture = '/etc/passwd' }", "no PNG"),
            ("{ pictrue = 5 }", "did you mean picture?"), ("tensor.ones(2)", "neither a table nor a Picture"),
            ("{ spectrogram = 5, sample_rate = 8000 }", "spectrogram")
        ] {
            XCTAssertThrowsError(try report(block), block) {
                XCTAssertTrue("\($0)".contains(message), "\(block): \($0)")
            }
        }
    }

    func testTheReportOfATraining() throws {
        let folder = try TestFolder("training"),
            lua = try Interpreter(.opah, libraryFolder: OpahProcess.checkout + "/stdlib-lua")
        try lua.setGlobal("folder", folder.path)
        try lua.setGlobal("tiny", OpahProcess.checkout + "/examples/checkpoints/tiny")
        try lua.run(script: .file("the_report_of_a_training"))
        let page = try String(contentsOfFile: folder("results/voice <1>/report.html"), encoding: .utf8)
        PageCheck.check(page, "the training report")
        for part in [
            "Training: voice &lt;1&gt;", "<h2>Norm of the gradients</h2><figure><svg", "<h2>Left out</h2>",
            "<h2>Settings</h2>", "0.0123", "answer = 42", "checkpoint with the lowest",
            "src=\"auditions/step_000000002/1.wav\"", "4 of 4"
        ] { XCTAssertTrue(page.contains(part), "\(part)\n\(page)") }
        XCTAssertEqual(page.matches(of: #/<svg /#).count, 5)
    }

    func testTheBenchShowsNoOptionsOfItsOwn() throws {
        let help = try OpahProcess.run(["run", "bench", "--help"])
        XCTAssertEqual(help.code, 0)
        XCTAssertFalse(help.output.contains("--child") || help.output.contains("--make"), help.output)
        XCTAssertTrue(help.output.contains("--quick"))
    }
}
