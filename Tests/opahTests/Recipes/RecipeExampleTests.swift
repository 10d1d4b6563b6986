import Foundation
import TestSupport
import XCTest

/// Every recipe in examples/ does what its header says, on the embedded data: what it prints is compared with
/// Tests/Golden (words and whole numbers exactly, fractions within 2 %), what it writes is below out/<name>, and it can
/// be run again.
final class RecipeExampleTests: XCTestCase {
    func testHelloTensor() throws { try run("hello-tensor", makes: ["line.safetensors"]) }
    func testAudioStatistics() throws { try run("audio-statistics", makes: ["statistics.md"]) }
    func testSpectrogramGallery() throws {
        let page = try String(
            contentsOfFile: run("spectrogram-gallery", makes: ["gallery.html"])("gallery.html"), encoding: .utf8)
        XCTAssertEqual(page.ranges(of: "<image").count, 14)
        XCTAssertEqual(page.ranges(of: "<audio").count, 14)
        XCTAssertTrue(page.contains("Good morning. The harbour is quiet today."))
    }
    func testLookAtCodes() throws { try run("look-at-codes", makes: ["Alice/0.00-2.10.npy", "ハナコ/8.50-10.6.npy"]) }
    /// An example that looks at a folder says that there is nothing to look at, as the stages do.
    func testAFolderWithoutARecording() throws {
        let folder = try TestFolder("no-recordings")
        try FileManager.default.createDirectory(
            atPath: folder("empty/inside"), withIntermediateDirectories: true)
        for name in ["audio-statistics", "spectrogram-gallery", "look-at-codes"] {
            let result = try OpahProcess.run(["run", name, "--input", "empty"], folder: folder.path)
            XCTAssertEqual(result.code, 1, "\(name): \(result.errors)")
            XCTAssertTrue(result.errors.contains("empty: holds no recording"), "\(name): \(result.errors)")
        }
    }
    /// A clip that is too short for a picture is left out, and the others have theirs.
    func testAClipTooShortForAPicture() throws {
        let folder = try TestFolder("short-clip")
        let code = """
            local opah = require "opah"
            opah.fs.mkdir "clips"
            opah.audio.save("clips/short.wav", opah.tensor.zeros(100), 16000)
            opah.fs.copy(opah.embedded.speech .. "/Alice/4.80-7.20.wav", "clips/a.wav")
            """
        XCTAssertEqual(try OpahProcess.run(["-e", code], folder: folder.path).code, 0)
        let result = try OpahProcess.run(["run", "spectrogram-gallery", "--input", "clips"], folder: folder.path)
        XCTAssertEqual(result.code, 3, result.errors)
        XCTAssertTrue(result.errors.contains("clips/short.wav: 100 samples are too few"), result.errors)
        XCTAssertTrue(result.output.contains("1 clips -> "), result.output)
    }
    func testRoundTrip() throws { try run("round-trip", makes: ["codes.npy", "reconstructed.wav", "report.html"]) }
    func testPackAndInspect() throws { try run("pack-and-inspect", makes: ["protos/00000000.protos"]) }
    func testFineTune() throws {
        try run("fine-tune", makes: ["result.json", "results/voice/checkpoints/step_000000040.ckpt"])
    }
    func testCustomLoss() throws { try run("custom-loss", makes: ["adapter.ckpt"]) }
    func testDataParallel() throws { try run("data-parallel", makes: ["adapter.ckpt"]) }
    func testPickCheckpoint() throws {
        try run("pick-checkpoint", makes: ["auditions/step_000000005/1.npy", "auditions/step_000000050/1.npy"])
    }
    func testFromRecordings() throws {
        try run("from-recordings", makes: ["data/slt/01.npy", "doctor.html", "ranked/index.html"])
    }
    func testChooseAVoice() throws {
        try run(
            "choose-a-voice", makes: ["auditions/index.html", "voices/Ann.voice/README.md", "notice.wav", "notice.srt"])
    }
    func testBlendAdapters() throws {
        try run("blend-adapters", makes: ["model/model.pth", "model/config.json", "model/tokenizer.json"])
    }
    func testLinearProbe() throws { try run("linear-probe", makes: ["probe.safetensors"]) }
    func testCachedPath() throws {
        try run(
            "cached-path", makes: ["packs/00000000.protos", "adapter/adapter.ckpt", "merged/model.pth", "speech/1.npy"])
    }
    func testSpeak() throws { try run("speak", makes: ["hello.wav", "hello.npy"]) }
    func testQuickstart() throws {
        let made = try run(
            "quickstart", "--max-steps", "12", "--codec-steps", "2",
            makes: ["hello.wav", "report.html", "merged/model.pth", "codec/codec.pth"])
        let losses = try String(contentsOfFile: made("results/quickstart/metrics.jsonl"), encoding: .utf8)
            .matches(of: /"stage": "train", .*?"loss": ([0-9.]+)/).compactMap { Double($0.1) }
        XCTAssertEqual(losses.count, 12)
        XCTAssertLessThan(losses[11], losses[0] - 0.3)
        let page = try String(contentsOfFile: made("report.html"), encoding: .utf8)
        for part in ["<svg", "<audio", "<image", "held-out loss"] { XCTAssertTrue(page.contains(part), part) }
        XCTAssertGreaterThan(try Data(contentsOf: URL(fileURLWithPath: made("hello.wav"))).count, 10_000)
    }

    /// The package of recordings is not there: clips of the embedded new speaker stand for them, some of which are left
    /// out.
    func testRealVoice() throws {
        let prompts = try TestFolder("prompts")
        let convert = #"""
            local opah = require "opah"
            local audio, fs = opah.audio, opah.fs
            local lines = { "; a remark", "gone: A text without a recording.", "01: [a tone]" }
            for i, path in ipairs(fs.list(opah.home .. "/examples/voice/newcomer/awb", { extension = ".flac" })) do
              local samples, info = audio.load(path)
              audio.save(("%02d.wav"):format(i), samples, info.sample_rate)
              lines[#lines + 1] = ("%02d: %s"):format(i, fs.read((path:gsub("flac$", "lab"))):gsub("%s+$", ""))
            end
            fs.write("texts.txt", table.concat(lines, "\n"))
            """#
        let made = try OpahProcess.run(["-e", convert], folder: prompts.path)
        XCTAssertEqual(made.code, 0, made.errors)
        let inside = try run(
            "real-voice", "--sounds", prompts.path, "--texts", prompts("texts.txt"), "--clips", "20", "--max-steps",
            "2", "--codec-steps", "2", "--sentences", "2",
            makes: ["quickstart/merged/model.pth", "speech/allison/020.wav", "speech/allison/020.lab"])
        XCTAssertFalse(FileManager.default.fileExists(atPath: inside("speech/allison/021.wav")))
        let page = try String(contentsOfFile: inside("report.html"), encoding: .utf8)
        for part in ["half of the recordings", "base voice rms", "base voice slt", "fine-tuned", "do not expect"] {
            XCTAssertTrue(page.contains(part), part)
        }
        XCTAssertEqual(page.ranges(of: "<audio").count, 10)
        let missing = try OpahProcess.run(
            ["run", OpahProcess.checkout + "/examples/real-voice.lua", "--sounds", prompts("none")],
            folder: prompts.path)
        XCTAssertEqual(missing.code, 1)
        XCTAssertTrue(
            missing.errors.contains("none is not there") && missing.errors.contains("apt install"), missing.errors)
    }

    func testMakeTinyCheckpoints() throws {
        let made = try run("make-tiny-checkpoints", makes: ["codec.pth", "config.json", "model.pth"])
        for name in ["codec.pth", "config.json", "model.pth"] {
            let embedded = OpahProcess.checkout + "/examples/checkpoints/tiny/" + name
            XCTAssertTrue(FileManager.default.contentsEqual(atPath: made(name), andPath: embedded), name)
        }
    }

    func testSweep() throws {
        let made = try run("sweep", makes: ["sweep.md", "recipes/rank-2-rate-0.003.lua"])
        // The same as a batch: written first, run side by side, then read.
        let folder = try TestFolder("batch")
        let example = OpahProcess.checkout + "/examples/sweep.lua"
        let prepared = try OpahProcess.run(["run", example, "--prepare", "--max-steps", "5"], folder: folder.path)
        XCTAssertEqual(prepared.output, "4 recipes in out/sweep/recipes\n", prepared.errors)
        let batch = try OpahProcess.run(["batch", "out/sweep/recipes", "--jobs", "2"], folder: folder.path)
        XCTAssertEqual(batch.code, 0, batch.errors)
        let table = try OpahProcess.run(["run", example, "--max-steps", "5"], folder: folder.path)
        XCTAssertEqual(
            table.output.split(separator: "\n").count, 5, "the outcomes of the batch were not used:\n\(table.output)")
        XCTAssertTrue(FileManager.default.fileExists(atPath: made("rank-8-rate-0.01/result.json")))
    }

    func testEveryExampleIsShortHasAHeaderAndATest() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: OpahProcess.checkout + "/examples").filter {
            $0.hasSuffix(".lua")
        }
        XCTAssertGreaterThan(names.count, 12)
        let tests = try String(contentsOfFile: #filePath, encoding: .utf8)
        for name in names {
            let lines = try String(contentsOfFile: OpahProcess.checkout + "/examples/" + name, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            XCTAssertLessThan(lines.count, 81, name)   // the last one is empty
            XCTAssertTrue(lines[0].hasPrefix("--- "), name)
            let header = lines.prefix { $0.hasPrefix("--") }.joined(separator: "\n")
            for part in ["-- opah run examples/\(name)", "-- needs: ", "-- expect: "] {
                XCTAssertTrue(header.contains("\n" + part), "\(name) lacks '\(part)'")
            }
            XCTAssertNotNil(
                try Regex("run\\(\\s*\"\(name.dropLast(4))\"").firstMatch(in: tests), "\(name) has no test")
        }
    }

    // MARK: Running one

    /// Runs an example in an empty folder, checks what it says and makes, and runs it again. Gives paths in its output
    /// folder.
    @discardableResult
    private func run(_ name: String, _ arguments: String..., makes files: [String]) throws -> (String) -> String {
        let folder = try TestFolder("example")
        folders.append(folder)
        let example = OpahProcess.checkout + "/examples/\(name).lua"
        for attempt in 1 ... 2 {
            let result = try OpahProcess.run(["run", example] + arguments, folder: folder.path)
            XCTAssertEqual(result.code, 0, "\(name): \(result.errors)")
            if attempt == 1 {
                try compare(
                    result.output.replacing(folder.path, with: ".").replacing(OpahProcess.checkout, with: "OPAH"), name)
            }
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: folder.path), ["out"],
                "\(name) wrote outside of its folder")
            XCTAssertEqual(
                try FileManager.default.contentsOfDirectory(atPath: folder("out")), [name],
                "\(name) wrote outside of its folder")
            for file in files {
                XCTAssertTrue(
                    FileManager.default.fileExists(atPath: folder("out/\(name)/\(file)")), "\(name): no \(file)")
            }
        }
        return { folder("out/\(name)/\($0)") }
    }

    private var folders: [TestFolder] = []   // live as long as the test

    private func compare(_ said: String, _ name: String) throws {
        let golden = OpahProcess.checkout + "/Tests/Golden/\(name).txt"
        let wanted = try String(contentsOfFile: golden, encoding: .utf8)
        var (a, b) = (said.split(separator: "\n"), wanted.split(separator: "\n"))
        XCTAssertFalse(b.isEmpty, golden)
        // What depends on how a processor rounds, as sampled speech does, is left to the lines behind it.
        if b.first == "..." { (a, b) = (Array(a.suffix(b.count - 1)), Array(b.dropFirst())) }
        XCTAssertEqual(a.count, b.count, "\(name) said\n\(said)\nand not\n\(wanted)")
        for (line, expected) in zip(a, b) where !Self.agree(String(line), String(expected)) {
            XCTFail("\(name) said\n  \(line)\nand not\n  \(expected)")
        }
    }

    /// Words and whole numbers are the same, fractions differ by at most 2 % or one unit of the second decimal. Spaces
    /// do not count.
    static func agree(_ a: String, _ b: String) -> Bool {
        let fraction = /-?[0-9]+\.[0-9]*(e[-+][0-9]+)?/
        func skeleton(_ line: String) -> String { line.replacing(fraction, with: "#").replacing(/\s+/, with: " ") }
        func numbers(_ line: String) -> [Double] { line.matches(of: fraction).compactMap { Double($0.output.0) } }
        let (x, y) = (numbers(a), numbers(b))
        return skeleton(a) == skeleton(b) && x.count == y.count
            && zip(x, y).allSatisfy { abs($0 - $1) <= max(0.02 * abs($1), 0.011) }
    }

    func testTheComparisonSeesDifferences() {
        XCTAssertTrue(Self.agree("loss 3.141 at 10", "loss  3.15 at 10"))
        XCTAssertFalse(Self.agree("loss 3.141 at 10", "loss 3.141 at 11"))
        XCTAssertFalse(Self.agree("loss 3.141", "loss 3.3"))
        XCTAssertFalse(Self.agree("loss 3.141", "lost 3.141"))
    }
}
