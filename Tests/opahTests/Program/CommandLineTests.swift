import Foundation
import TestSupport
import XCTest

/// The contract of the command line: what runs, and how it ends.
final class CommandLineTests: XCTestCase {
    func testRunsCodeFilesAndStandardInputLikeLua() throws {
        let code = try OpahProcess.run(["-e", "print(1 + 1, ...)", "a", "b"])
        XCTAssertEqual(code.output, "2\ta\tb\n")
        XCTAssertEqual(code.code, 0)
        XCTAssertEqual(try OpahProcess.run(["-"], input: "print(arg[0], _VERSION)").output, "-\tLua 5.4\n")
        let folder = try TestFolder()
        try "local other = require 'other'; print(other.name, arg[1]); return 3".write(
            toFile: folder("main.lua"), atomically: true, encoding: .utf8)
        try "return { name = 'beside' }".write(toFile: folder("other.lua"), atomically: true, encoding: .utf8)
        let file = try OpahProcess.run([folder("main.lua"), "x"])
        XCTAssertEqual(file.output, "beside\tx\n")
        XCTAssertEqual(file.code, 3)
    }

    func testErrorsNameTheLineAndExitWithOne() throws {
        let failed = try OpahProcess.run(["-e", "local t = nil\nprint(t.x)"])
        XCTAssertEqual(failed.code, 1)
        XCTAssertTrue(failed.errors.contains("attempt to index a nil value (local 't')"), failed.errors)
        let unknown = try OpahProcess.run(["run", "extract-qv"])
        XCTAssertEqual(unknown.code, 2)
        XCTAssertTrue(unknown.errors.contains("extract-vq"), unknown.errors)
    }

    /// Names that are nearly right, of commands and of recipes; examples are found as `ls` lists them.
    func testNamesThatAreNearlyRight() throws {
        for (words, part) in [
            (["runn", "length", "data"], "did you mean run"), (["lst"], "did you mean ls"), (["bacth", "x"], "batch"),
            (["length", "data"], "opah run length data"),
            (["run", "lenght"], "did you mean length"), (["run", "audio-statistic"], "audio-statistics"),
            (["run", "hello_tensor"], "hello-tensor")
        ] {
            let wrong = try OpahProcess.run(words)
            XCTAssertEqual(wrong.code, 2, words.joined(separator: " "))
            XCTAssertTrue(wrong.errors.contains(part), "\(words): \(wrong.errors)")
        }
        let example = try OpahProcess.run([
            "run", "audio-statistics", "--input", OpahProcess.checkout + "/examples/data"
        ])
        XCTAssertEqual(example.code, 0, example.errors)
        XCTAssertTrue(
            try OpahProcess.run(["run", "audio-statistics", "--help"]).output.contains(
                "usage: opah run audio-statistics"))
    }

    /// `opah help NAME` of whatever has a name, and of what has none; the commands that take names likewise.
    func testHelpOfNames() throws {
        for (words, part) in [
            (["help"], "SUBCOMMANDS"), (["help", "run"], "USAGE: opah run"), (["help", "length"], "INPUT_DIR"),
            (["help", "run", "length"], "INPUT_DIR"), (["help", "audio.resample"], "from_rate"),
            (["help", "docs", "audio.resample"], "from_rate"), (["help", "opah.graph"], "graph:each"),
            (["help", "r_8_alpha_16"], "lora"), (["help", "hello-tensor"], "usage: opah run")
        ] {
            let help = try OpahProcess.run(words)
            XCTAssertEqual(help.code, 0, "\(words): \(help.errors)")
            XCTAssertTrue(help.output.contains(part), "\(words): \(help.output)")
        }
        for (words, part) in [
            (["help", "lenght"], "did you mean length"), (["help", "runn"], "did you mean run"),
            (["help", "audio.resampel"], "audio.resample"), (["help", "r_8_alpha_61"], "r_8_alpha_16"),
            (["help", "zzzzzzzz"], "opah ls"), (["help", "run", "lenght"], "did you mean length"),
            (["help", "ls", "x"], "one name"), (["help", "none.lua"], "none.lua"),
            (["show", "r_8_alpha_61"], "r_8_alpha_16"), (["check", "text2semantic_finetune"], "is a configuration"),
            (["run", "r_8_alpha_16"], "is a configuration"), (["cp", "lenght", "x"], "length"),
            (["launch", "-n", "2", "--", "run", "lenght"], "did you mean length"),
            (["launch", "-n", "2", "--", "runn"], "did you mean run"), (["docs", "lenght"], "opah show length"),
            (["docs", "length"], "opah show length")
        ] {
            let wrong = try OpahProcess.run(words)
            XCTAssertEqual(wrong.code, words[0] == "docs" || words[1] == "none.lua" ? 1 : 2, "\(words)")
            XCTAssertTrue(wrong.errors.contains(part), "\(words): \(wrong.errors)")
            XCTAssertFalse(wrong.errors.contains("mpirun"), wrong.errors)
            XCTAssertEqual(wrong.output, "", "\(words)")
        }
    }

    func testARecipeRunsWithOneArgument() throws {
        let data = OpahProcess.checkout + "/examples/data"
        XCTAssertTrue(
            try OpahProcess.run(["-e", "print(require('opah.run')('length', '\(data)'))"]).output.contains("14 clips"))
        for (code, part) in [
            ("{ input_dir = 'x' }", "no place in it"), ("true", "a list of strings"),
            ("{ {} }", "argument 1 is a table")
        ] {
            let wrong = try OpahProcess.run(["-e", "require('opah.run')('length', \(code))"])
            XCTAssertEqual(wrong.code, 1)
            XCTAssertTrue(wrong.errors.contains(part), wrong.errors)
        }
    }

    func testVersionAndListing() throws {
        XCTAssertTrue(try OpahProcess.run(["--version"]).output.hasPrefix("opah "))
        let list = try OpahProcess.run(["ls"])
        for name in [
            "loudness-norm", "extract-vq", "build-dataset", "train", "merge-lora", "generate", "vqgan", "resample",
            "slice-audio", "slice-audio-v2", "length", "merge-short", "augment",
            "text2semantic_finetune", "lora/r_8_alpha_16", "quickstart"
        ] {
            XCTAssertTrue(list.output.contains(name), "ls lacks \(name)")
        }
        let json =
            try JSONSerialization.jsonObject(with: Data(try OpahProcess.run(["ls", "--json"]).output.utf8))
            as? [[String: Any]]
        XCTAssertGreaterThan(json?.count ?? 0, 12)
    }

    func testShowAndHelpListEveryOption() throws {
        for arguments in [["show", "build-dataset"], ["run", "build-dataset", "--help"]] {
            let shown = try OpahProcess.run(arguments)
            XCTAssertEqual(shown.code, 0, shown.errors)
            for option in ["--input", "--output", "--num-workers", "--text-extension", "--shard-size"] {
                XCTAssertTrue(shown.output.contains(option))
            }
        }
    }

    func testWrongOptionsAreReportedTogetherWithSuggestions() throws {
        let wrong = try OpahProcess.run(["run", "extract-vq", "/nonexistent", "--batchsize", "3", "--num-workers", "x"])
        XCTAssertEqual(wrong.code, 2)
        for part in ["/nonexistent does not exist", "--batch-size", "\u{201C}x\u{201D} is not a whole number"] {
            XCTAssertTrue(wrong.errors.contains(part), wrong.errors)
        }
        let choice = try OpahProcess.run([
            "run", "generate", "--text", "x", "--checkpoint-path", NSTemporaryDirectory(), "--weights", "int9"
        ])
        XCTAssertEqual(choice.code, 2)
        XCTAssertTrue(
            choice.errors.contains(
                "--weights: \u{201C}int9\u{201D} is none of stored, float32, bfloat16, int8, int4, did you mean int4 or int8?"
            ),
            choice.errors)
    }

    func testTheValueOfAnUnknownOptionIsNoMistakeOfItsOwn() throws {
        let wrong = try OpahProcess.run(["run", "build-dataset", "--inptu", "data", "--shard-size", "x", "stray"])
        XCTAssertEqual(wrong.code, 2)
        XCTAssertTrue(wrong.errors.contains("did you mean --input?"), wrong.errors)
        XCTAssertFalse(wrong.errors.contains("“data”"), wrong.errors)
        for part in ["“x” is not a whole number", "“stray”"] {
            XCTAssertTrue(wrong.errors.contains(part), wrong.errors)
        }
    }

    func testConfigurationsHaveShortNames() throws {
        let short = try OpahProcess.run(["show", "r_8_alpha_16"])
        XCTAssertEqual(short.code, 0, short.errors)
        XCTAssertEqual(short.output, try OpahProcess.run(["show", "lora/r_8_alpha_16"]).output)
    }

    func testAMissingFolderIsNamed() throws {
        let folder = try TestFolder()
        let copy = try OpahProcess.run(["cp", "train", "a/b.lua"], folder: folder.path)
        XCTAssertEqual(copy.code, 2)
        XCTAssertTrue(copy.errors.contains("no folder a") && copy.errors.contains("--make-parents"), copy.errors)
        XCTAssertEqual(try OpahProcess.run(["cp", "train", "a/b.lua", "--make-parents"], folder: folder.path).code, 0)
        let write = try OpahProcess.run(["-e", "require 'opah.fs'.write('c/d', 'x')"], folder: folder.path)
        XCTAssertTrue(write.errors.contains("no folder c") && write.errors.contains("fs.mkdir"), write.errors)
    }

    func testCopyNeverWritesOverAFile() throws {
        let folder = try TestFolder()
        XCTAssertEqual(try OpahProcess.run(["cp", "train", folder("mine")]).code, 0)
        let again = try OpahProcess.run(["cp", "train", folder("mine.lua")])
        XCTAssertEqual(again.code, 2)
        XCTAssertTrue(again.errors.contains("exists"), again.errors)
        // The copy is checked as the original would be, once it is trusted: its default model is not here.
        let checked = try OpahProcess.run(["check", "--trust", folder("mine.lua"), "project=p"], folder: folder.path)
        XCTAssertEqual(checked.code, 2)
        XCTAssertTrue(checked.errors.contains("checkpoints/fish-speech-1.4 does not exist"), checked.errors)
    }

    func testCtrlCStopsALoop() throws {
        let running = try OpahProcess.start(
            ["-e", "io.stderr:write('up\\n') while true do end"], folder: NSTemporaryDirectory())
        while !running.errorsSoFar.contains("up") { usleep(20_000) }
        running.process.interrupt()
        let result = running.finish()
        XCTAssertEqual(result.code, 130, result.errors)
    }

    func testThePromptReadsAScriptFromStandardInput() throws {
        let result = try OpahProcess.run(["repl", "--no-init", "-e", "x = 41"], input: "print(x + 1)\n")
        XCTAssertEqual(result.output, "42\n", result.errors)
    }
}
