import Foundation
import TestSupport
import XCTest

/// The shells themselves, with the scripts that `opah completions` prints.
final class ShellCompletionTests: XCTestCase {
    private var folder: TestFolder!
    override func setUpWithError() throws {
        folder = try TestFolder("shell")
        for name in ["voice/one.wav", "voice/two.wav", "mine.lua", "mine.txt"] {
            try FileManager.default.createDirectory(atPath: folder("voice"), withIntermediateDirectories: true)
            try "".write(toFile: folder(name), atomically: true, encoding: .utf8)
        }
        try """
        require "opah.config".parse_args(arg, { positionals = { { "input", "folder", "clips" } },
          flags = { { "weights", "string", "stored", "how", choices = { "stored", "float32", "int8" } }, { "out-file", "file", nil, "which" }, { "strict", "boolean", true, "or not" } } })
        """.write(toFile: folder("mine.lua"), atomically: true, encoding: .utf8)
    }
    override func tearDown() { folder = nil }

    private func path(of shell: String) throws -> String {
        let places = ["/usr/bin/", "/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"].map { $0 + shell }
        guard let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw XCTSkip("\(shell) is not installed")
        }
        return found
    }

    private var environment: [String: String] {
        ["PATH": OpahProcess.program.deletingLastPathComponent().path + ":/usr/bin:/bin", "NO_COLOR": "1"]
    }

    /// What stands behind each line after the Tab key, as the person at the shell sees it: `$ ` is its prompt.
    private func check(_ shell: TerminalSession, _ pairs: [(String, String)]) {
        for (typed, expected) in pairs {
            shell.wait("the prompt of the shell") { $0.current == "$" && $0.column == 2 }
            shell.type(typed + "\t")
            shell.wait("\(typed) -> \(expected)") { $0.current == "$ " + expected }
            shell.type("\u{15}")
        }
    }

    private static let common = [
        ("opah comp", "opah completions"),   // commands
        ("opah run extract-v", "opah run extract-vq"),   // recipes
        ("opah cp quick", "opah cp quickstart"),   // examples
        ("opah run extract-vq --num-w", "opah run extract-vq --num-workers"),
        ("opah run mine.lua --no-str", "opah run mine.lua --no-strict"),
        ("opah batch --keep-g", "opah batch --keep-going"),
        ("opah run mine.lua --weights flo", "opah run mine.lua --weights float32"),   // the values of an option
        (
            "opah run train --config-name text2semantic_finetune_",
            "opah run train --config-name text2semantic_finetune_cpu"
        ),
        ("opah docs audio.loa", "opah docs audio.load"),
        ("opah completions fi", "opah completions fish"),
        ("opah run train trainer.max_st", "opah run train trainer.max_steps="),   // overrides
        ("opah run mine.lua voi", "opah run mine.lua voice/"),   // folders and files
        ("opah run mine.lua --out-file voice/tw", "opah run mine.lua --out-file voice/two.wav"),
        ("opah run min", "opah run mine.lua")
    ]

    func testBash() throws {
        let shell = try TerminalSession(
            ["--norc", "--noprofile", "-i"], program: path(of: "bash"), folder: folder.path,
            environment: environment.merging(["PS1": "$ "]) { $1 })
        shell.wait("bash") { $0.current == "$" }
        shell.type("bind 'set bell-style none'; source <(opah completions bash); clear\r")
        check(shell, Self.common)
        shell.type("opah run mine.lua --weights \t\t")
        shell.wait(for: "float32  int8     stored")
    }

    func testZsh() throws {
        let shell = try TerminalSession(
            ["-f", "-i"], program: path(of: "zsh"), folder: folder.path,
            environment: environment.merging(["PS1": "$ "]) { $1 })
        shell.wait("zsh") { $0.current == "$" }
        // As a file of the fpath, which is how it is installed.
        let script = try OpahProcess.run(["completions", "zsh"]).output
        try FileManager.default.createDirectory(atPath: folder("functions"), withIntermediateDirectories: true)
        try script.write(toFile: folder("functions/_opah"), atomically: true, encoding: .utf8)
        shell.type(
            "PS1='$ '; unsetopt BEEP; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; clear\r")
        check(shell, Self.common)
        shell.type("opah run mine.lua --weights \t")
        shell.wait(for: "float32")
        for part in ["int8", "stored", "-- unless given"] {
            XCTAssertTrue(shell.screen.lines.contains { $0.contains(part) }, shell.screen.lines.joined(separator: "\n"))
        }
        shell.type("\u{15}opah run ext\u{4}")   // Ctrl-D lists: what a recipe is for stands beside it
        shell.wait(for: "extract-vq")
    }

    func testFish() throws {
        let fish = try path(of: "fish")
        func candidates(_ line: String) throws -> [String] {
            let process = Process(), pipe = Pipe()
            process.executableURL = URL(fileURLWithPath: fish)
            process.arguments = ["--no-config", "-c", "opah completions fish | source; complete -C $argv[1]", line]
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging([
                "OPAH_HOME": OpahProcess.checkout, "HOME": folder.path
            ]) { $1 }
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            process.standardOutput = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return output.split(separator: "\n").map(String.init)
        }
        for (typed, expected) in Self.common {
            let word = String(expected.split(separator: " ").last!)
            XCTAssertEqual(try candidates(typed).map { String($0.split(separator: "\t")[0]) }, [word], typed)
        }
        XCTAssertEqual(
            try candidates("opah run mine.lua --weights ").map { String($0.split(separator: "\t")[0]) },
            ["float32", "int8", "stored"])
        XCTAssertTrue(
            try candidates("opah run extract-v").first?.contains("\t") ?? false, "what it is for stands behind a recipe"
        )
    }
}
