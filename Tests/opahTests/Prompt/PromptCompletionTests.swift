import Foundation
import TestSupport
import XCTest

/// The Tab key behind everything that has members, without running any of it.
final class PromptCompletionTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws { folder = try TestFolder("prompt") }
    override func tearDown() { folder = nil }

    func testBehindCallsAndIndexes() throws {
        try "".write(toFile: folder("readme.txt"), atomically: true, encoding: .utf8)
        let prompt = try TerminalSession(["repl"], folder: folder.path, environment: ["NO_COLOR": "1"])
        func complete(_ keys: String, _ expected: String, line: UInt = #line) {
            prompt.waitForPrompt(line: line)
            prompt.type(keys)
            prompt.wait(expected, line: line) {
                $0.current == expected
                    || $0.lines.contains { $0.split(separator: " ").map(String.init).contains(expected) }
            }
            prompt.type("\u{3}")
            prompt.waitForPrompt(line: line)
        }
        prompt.enter(
            "t = tensor.ones(2, 2); function f() ran = true return t end; clips = {{samples = t, rate = 8000}}")
        complete("tensor.ones(2):softm\t", "> tensor.ones(2):softmax")
        complete("tensor.ones(2):exp():log_so\t", "> tensor.ones(2):exp():log_softmax")
        complete("t[1]:softm\t", "> t[1]:softmax")
        complete("t[{1, {}}]:t():softm\t", "> t[{1, {}}]:t():softmax")
        complete("audio.load(\"x.wav\"):softm\t", "> audio.load(\"x.wav\"):softmax")
        complete("clips[1].sam\t", "> clips[1].samples")
        complete("clips[1].samples:softm\t", "> clips[1].samples:softmax")
        complete("require(\"opah.tensor\").manual_\t", "> require(\"opah.tensor\").manual_seed")
        complete("lm.load(\"x\"):param\t", "> lm.load(\"x\"):parameters")
        complete("lm.load(\"x\"):parameters()[1]:softm\t", "> lm.load(\"x\"):parameters()[1]:softmax")
        complete("tensor.load(\"x\").w:softm\t", "> tensor.load(\"x\").w:softmax")
        complete("lm.load(\"x\", {weights=\"bf\t", "> lm.load(\"x\", {weights=\"bfloat16\"")
        complete("tensor.ones(2):clamp(\t", "Tensor:clamp([low")
        complete("do local u = tensor.ones(2); u:softm\t", "> do local u = tensor.ones(2); u:softmax")
        complete("t:to(\"bf\t", "> t:to(\"bfloat16\"")
        complete("!ls read\t", "> !ls readme.txt")
        complete("?tensor.manual_\t", "> ?tensor.manual_seed")
        complete("%timeit t:softm\t", "> %timeit t:softmax")
        complete("whi\t", "> while")
        complete("string.rev\t", "> string.reverse")
        complete("_V\t", "> _VERSION")
        // A function of one's own says nothing about its result, and is not called to find out.
        prompt.type("f():softm\t")
        prompt.wait("no answer") { $0.current == "> f():softm" }
        prompt.type("\u{3}")
        XCTAssertEqual(prompt.enter("ran").last, "nil")
        XCTAssertEqual(prompt.enter("?tensor.ones(2):softmax").first, "Tensor:softmax([dim]) -> Tensor")
    }
}
