import Foundation
import Support
import XCTest

final class ShownTextTests: XCTestCase {
    func testNames() {
        for (name, shown) in [
            ("a b/音声.wav", "a b/音声.wav"), ("a\u{1B}[2J", "a\\x1b[2J"), ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{7F}\u{0}", "\\x7f\\x00"), ("\u{9B}31m", "\\u{9b}31m"),
            ("\u{202E}gpj.\u{2066}\u{200F}\u{61C}", "\\u{202e}gpj.\\u{2066}\\u{200f}\\u{61c}"),
            ("\u{2028}", "\\u{2028}"), ("e\u{301}👩‍👩‍👧", "e\u{301}👩‍👩‍👧"), ("\r\n", "\\r\\n")
        ] {
            XCTAssertEqual(ShownText.name(name), shown)
        }
        XCTAssertEqual(ShownText.message("a\n\tb\u{1B}[1m"), "a\n\tb\\x1b[1m")
        XCTAssertEqual("\(name: "a\n") and \(name: "x\u{202E}".dropFirst())", "a\\n and \\u{202e}")
    }

    /// Commands in messages: as a shell takes them, and on the line where they began.
    func testWordsOfCommands() {
        for (word, quoted) in [
            ("a.wav", "a.wav"), ("音声.wav", "音声.wav"), ("a b.wav", "'a b.wav'"), ("it's", #"'it'\''s'"#), ("-x", "./-x"),
            ("", "''"),
            ("a\n done.wav", #"$'a\x0a done.wav'"#), ("\u{1B}[2J'\\", #"$'\x1b[2J\'\\'"#),
            ("-\u{202E}", #"$'./-\xe2\x80\xae'"#)
        ] {
            XCTAssertEqual(ShellText.quoted(word), quoted)
        }
    }

    func testErrorsNameFilesSafely() {
        XCTAssertEqual(
            OpahError.system("a\nb\u{1B}", errno: ENOENT, doing: "open").message,
            "a\\nb\\x1b: cannot open: No such file or directory")
        XCTAssertEqual(OpahError(.file, "wrong").at("a\n").message, "a\\n: wrong")
        XCTAssertEqual(OpahError(.file, "wrong").at("a\n").at("a\n").message, "a\\n: wrong")
        XCTAssertEqual(
            SkippedInput(path: "a\n", error: OpahError.system("a\n", errno: ENOENT, doing: "open")).reason,
            "cannot open: No such file or directory")
    }

    func testSourceText() throws {
        let path = NSTemporaryDirectory() + "opah-source-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (bytes, text) in [
            ("return 1", "return 1"), ("\u{FEFF}x", "x"), ("#!/bin/x\ny", "\ny"), ("\u{FEFF}# x\ny", "\ny"), ("#", ""),
            ("", ""), ("a\n# b", "a\n# b")
        ] {
            try Data(bytes.utf8).write(to: URL(fileURLWithPath: path))
            XCTAssertEqual(try SourceText.read(path), text)
        }
        XCTAssertThrowsError(try SourceText.read(path, limit: 2))
        try Data([0xFE, 0xFF, 0]).write(to: URL(fileURLWithPath: path))
        XCTAssertThrowsError(try SourceText.read(path)) { XCTAssertEqual(($0 as? OpahError)?.hint, "save it as UTF-8") }
    }
}
