import Foundation
import TestSupport
import XCTest

/// Names at the prompt that are misspelt, looked for, or about to be completed.
final class PromptNamesTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("prompt") }
    override func tearDown() { folder = nil }

    private func start() throws -> TerminalSession {
        let session = try TerminalSession(["repl"], folder: folder.path, environment: ["NO_COLOR": "1"])
        session.waitForPrompt()
        return session
    }

    func testUnknownNamesGetASuggestion() throws {
        let prompt = try start()
        prompt.enter("samples = tensor.ones(8)")
        for (line, meant) in [
            ("sampels", "samples"), ("pirnt(3)", "print"), ("sampls:mean()", "samples"),
            ("audio.loudness(sampels, 8000)", "samples"), ("print(sampels)", "samples"),
            ("#sampels", "samples"), ("x = sampels + 1", "samples"), ("samples:maen()", "mean"),
            ("tensr.ones(2)", "tensor"), ("string.fromat('x')", "format"), ("('x'):uper()", "upper"),
            ("function f() return sampels end f()", "samples"), ("pairs(sampels)", "samples")
        ] {
            // Wherever the terminal breaks it.
            let shown = prompt.enter(line).joined().filter { !$0.isWhitespace }
            XCTAssertTrue(shown.contains("didyoumean") && shown.contains(meant), "\(line): \(shown)")
        }
        // Names that are near nothing, and those that are only asked for, say nothing.
        XCTAssertEqual(prompt.enter("zzzqqq"), ["nil"])
        XCTAssertEqual(prompt.enter("rawget(_G, 'sampels')"), ["nil"])
        XCTAssertEqual(prompt.enter("sampels = 4; sampels"), ["4"])
    }

    func testTheLastOfSeveralStatementsIsShown() throws {
        let prompt = try start()
        XCTAssertTrue(prompt.enter("x = 1; plot({1, 2, 3})").contains { $0.contains("┤") })
        XCTAssertEqual(prompt.enter("xs = tensor.range(1, 10); xs:sum():item()").last?.hasPrefix("55"), true)
        XCTAssertEqual(prompt.enter("x = 1; x = 2"), [])
        XCTAssertEqual(prompt.enter("x = 1; tostring(x);"), [])
    }

    func testTheCommandsAreTold() throws {
        let prompt = try start()
        XCTAssertTrue(prompt.screen.lines.contains { $0.contains("?prompt") })
        for command in ["?prompt", "help()", "?"] {
            let page = prompt.enter(command).joined(separator: "\n")
            for word in ["%time", "%timeit", "??", "!command", "play(", "who()", "reload"] {
                XCTAssertTrue(page.contains(word), "\(command): \(word)\n\(page)")
            }
        }
        XCTAssertTrue(prompt.enter("%tmie 1").joined().contains("%timeit code"))
    }

    func testHelpOnAVariableIsShort() throws {
        let prompt = try start()
        prompt.enter("samples = tensor.ones(4, 5)")
        let page = prompt.enter("?samples")
        XCTAssertLessThan(page.count, 16, page.joined(separator: "\n"))
        XCTAssertEqual(page.first, "samples: a Tensor")
        XCTAssertTrue(page.joined().contains("?Tensor"))
        XCTAssertGreaterThan(prompt.enter("?Tensor").count, 20)
        XCTAssertTrue(prompt.enter("?samples:mean").first!.hasPrefix("Tensor:mean("))
    }

    func testHelpIsSearched() throws {
        let prompt = try start()
        let found = prompt.enter("??high pass").joined(separator: "\n")
        XCTAssertTrue(found.contains("audio.high_pass(samples, rate [, opts]) -> Tensor"), found)
        XCTAssertTrue(prompt.enter("??loudnes").contains { $0.contains("audio.normalize_loudness(") })
        XCTAssertTrue(prompt.enter("??xyzzy").joined().contains("no help speaks of xyzzy"))
        // Names still show their source.
        prompt.enter("function double(x) return 2 * x end")
        XCTAssertTrue(prompt.enter("??double").contains("function double(x) return 2 * x end"))
        let docs = try OpahProcess.run(["docs", "--search", "loudness"])
        XCTAssertEqual(docs.code, 0)
        for name in ["audio.loudness(", "audio.normalize_loudness(", "opah run loudness-norm"] {
            XCTAssertTrue(docs.output.contains(name), docs.output)
        }
        XCTAssertTrue(docs.output.hasPrefix("audio.loudness("), "the name itself first: \(docs.output)")
        XCTAssertEqual(try OpahProcess.run(["docs", "--search", "xyzzy"]).code, 1)
    }

    func testConfigurationsAndRecipesComplete() throws {
        try "".write(toFile: folder("resample-me.txt"), atomically: true, encoding: .utf8)
        let prompt = try start()
        func complete(_ keys: String, _ expected: [String], line: UInt = #line) {
            prompt.type(keys + "\t")
            for word in expected {
                prompt.wait(word, line: line) {
                    $0.current == word || $0.lines.contains { $0.split(separator: " ").map(String.init).contains(word) }
                }
            }
            prompt.type("\u{3}")
            prompt.waitForPrompt(line: line)
        }
        complete("lora.apply(m, \"r_8", ["> lora.apply(m, \"r_8_alpha_16"])
        complete("lora.apply(m, \"r_8_alpha_16", ["r_8_alpha_16_attention", "r_8_alpha_16_fast"])
        complete("lora.config \"r_2", ["> lora.config \"r_2_alpha_4"])
        complete("run(\"", ["train", "resample", "resample-me.txt"])
        complete("opah.run('extract-v", ["> opah.run('extract-vq'"])
        complete("run \"resample-", ["> run \"resample-me.txt\""])
        complete("config.load(\"text2semantic_finetune_", ["> config.load(\"text2semantic_finetune_cpu\""])
        complete("audio.load(\"resample", ["> audio.load(\"resample-me.txt\""])
    }
}
