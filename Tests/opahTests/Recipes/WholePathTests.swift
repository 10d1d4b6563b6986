import Foundation
import TestSupport
import XCTest

/// The path of the fine-tune page, line by line, on the example data and on a folder of faults.
final class WholePathTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func opah(_ folder: TestFolder, _ arguments: String...) throws -> OpahProcess.Result {
        try OpahProcess.run(["run"] + arguments, folder: folder.path)
    }

    /// What `train` is given on top of its configuration.
    private func training(_ project: String, _ steps: Int) -> [String] {
        [
            "run", "train", "project=\(project)", "+lora@model.model.lora_config=r_8_alpha_16",
            "pretrained_ckpt_path=\(Self.tiny)", "max_length=512",
            "train_dataset.proto_files=[protos]", "data.batch_size=1", "trainer.max_steps=\(steps)",
            "trainer.val_check_interval=4", "model.optimizer.lr=1e-3"
        ]
    }

    /// Example voices, extracted and packed in `<folder>/data` and `<folder>/protos`.
    private func packedExample(_ folder: TestFolder) throws {
        try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
        let extract = try opah(
            folder, "extract-vq", "data", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
            Self.tiny + "/codec.pth")
        XCTAssertEqual(extract.code, 0, extract.errors)
        let pack = try opah(
            folder, "build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab")
        XCTAssertEqual(pack.code, 0, pack.errors)
    }

    private func adapter(_ folder: TestFolder, _ project: String, _ step: Int) throws -> Data {
        try Data(
            contentsOf: URL(
                fileURLWithPath: folder(String(format: "results/%@/checkpoints/step_%09d.ckpt", project, step))))
    }

    func testFaultyFolderGoesThroughEveryStage() throws {
        let folder = try TestFolder("faulty")
        try FaultyFolder.make(folder("raw"))
        let before = try Self.contents(folder("raw"))

        let loud = try opah(folder, "loudness-norm", "raw", "data", "--clean")
        XCTAssertEqual(loud.code, 3, loud.errors)
        for name in ["empty.mp3", "text.wav", "nan.wav", "dangling.wav"] {
            XCTAssertTrue(loud.errors.contains(name), "\(name) is not listed:\n\(loud.errors)")
        }
        XCTAssertEqual(try Self.contents(folder("raw")), before, "an input was changed")

        let extract = try opah(
            folder, "extract-vq", "raw", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path",
            Self.tiny + "/codec.pth")
        XCTAssertEqual(extract.code, 3, extract.errors)
        for name in FaultyFolder.badAudio {
            XCTAssertTrue(extract.errors.contains("/" + name + "."), "\(name) is not listed:\n\(extract.errors)")
        }
        for name in FaultyFolder.good where name != "が" {
            XCTAssertTrue(
                FileManager.default.fileExists(atPath: folder("raw/SPK/\(name).npy")),
                "\(name) has no codes:\n\(extract.errors)")
        }

        let pack = try opah(folder, "build-dataset", "--input", "raw", "--output", "protos", "--text-extension", ".lab")
        XCTAssertEqual(pack.code, 3, pack.errors)
        for name in FaultyFolder.badLabels {
            XCTAssertTrue(pack.errors.contains(name), "\(name) is not listed:\n\(pack.errors)")
        }
        XCTAssertTrue(pack.errors.contains("11 sentences packed"), pack.errors)   // nine good ones, BOM and UTF-16
        XCTAssertTrue(
            pack.errors.lowercased().contains("cp932") || pack.errors.lowercased().contains("shift"), pack.errors)
    }

    func testCleanNeverTouchesTheInput() throws {
        let folder = try TestFolder("clean")
        try FileManager.default.copyItem(
            atPath: OpahProcess.checkout + "/examples/data/Alice", toPath: folder("data/raw"))
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("data"))
        let before = try Self.contents(folder("data"))
        for (input, output) in [
            ("data/raw", "data"), ("data/raw", "data/raw"), ("data", "data/raw/out"), ("data/raw", "link"),
            ("data/raw", folder("data") + "/../data"), ("link/raw", "data")
        ] {
            let result = try opah(folder, "loudness-norm", input, output, "--clean")
            XCTAssertEqual(result.code, 1, "\(input) -> \(output): \(result.errors)")
            XCTAssertEqual(try Self.contents(folder("data")), before, "\(input) -> \(output)")
        }
    }

    func testTokensAndPacksDependOnTheClipsAlone() throws {
        var codes: [Data] = [], packs: [Data] = []
        for (workers, batch) in [("1", "1"), ("2", "16")] {
            let folder = try TestFolder("workers")
            try FileManager.default.copyItem(atPath: OpahProcess.checkout + "/examples/data", toPath: folder("data"))
            XCTAssertEqual(
                try opah(
                    folder, "extract-vq", "data", "--num-workers", workers, "--batch-size", batch, "--config-name",
                    Self.tiny + "/codec.lua",
                    "--checkpoint-path", Self.tiny + "/codec.pth"
                ).code, 0)
            XCTAssertEqual(
                try opah(
                    folder, "build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab",
                    "--num-workers", workers
                ).code, 0)
            codes.append(try Data(contentsOf: URL(fileURLWithPath: folder("data/Alice/0.00-2.10.npy"))))
            packs.append(try Data(contentsOf: URL(fileURLWithPath: folder("protos/00000000.protos"))))
        }
        XCTAssertEqual(codes[0], codes[1])
        XCTAssertEqual(packs[0], packs[1])
    }

    func testAKilledRunEndsWithTheSameBytes() throws {
        let folder = try TestFolder("resume")
        try packedExample(folder)
        let whole = try OpahProcess.run(training("whole", 12), folder: folder.path)
        XCTAssertEqual(whole.code, 0, whole.errors)
        let expected = try adapter(folder, "whole", 12)

        for (project, signal) in [("killed", SIGKILL), ("stopped", SIGINT)] {
            let running = try OpahProcess.start(training(project, 12), folder: folder.path)
            let first = folder("results/\(project)/checkpoints/step_000000004.ckpt")
            while running.process.isRunning, !FileManager.default.fileExists(atPath: first) { usleep(5_000) }
            kill(running.process.processIdentifier, signal)
            let result = running.finish()
            XCTAssertTrue(
                signal == SIGKILL ? result.code == 137 : [130, 0].contains(result.code),
                "\(result.code): \(result.errors)")
            let again = try OpahProcess.run(training(project, 12), folder: folder.path)
            XCTAssertEqual(again.code, 0, again.errors)
            XCTAssertEqual(try adapter(folder, project, 12), expected, "\(project): another adapter")
        }
    }

    func testUnknownSettingsAreRefusedAndForeignOnesNoted() throws {
        let folder = try TestFolder("settings")
        try packedExample(folder)
        let wrong = try OpahProcess.run(training("x", 2) + ["trainer.max_stepz=3"], folder: folder.path)
        XCTAssertNotEqual(wrong.code, 0)
        XCTAssertTrue(wrong.errors.contains("trainer.max_steps"), wrong.errors)
        let noted = try OpahProcess.run(
            training("y", 2) + ["trainer.accelerator=cpu", "trainer.strategy.process_group_backend=gloo"],
            folder: folder.path)
        XCTAssertEqual(noted.code, 0, noted.errors)
        for key in ["trainer.accelerator", "trainer.strategy"] {
            XCTAssertTrue(noted.errors.contains("\(key) is ignored: "), noted.errors)
        }
    }

    func testWrongCheckpointsGiveOneClearLine() throws {
        let folder = try TestFolder("wrong")
        try packedExample(folder)
        try "<!DOCTYPE html><html><body>log in</body></html>".write(
            toFile: folder("page.pth"), atomically: true, encoding: .utf8)
        try "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 189000000\n".write(
            toFile: folder("pointer.pth"), atomically: true, encoding: .utf8)
        try Data(contentsOf: URL(fileURLWithPath: Self.tiny + "/codec.pth")).prefix(5000).write(
            to: URL(fileURLWithPath: folder("half.pth")))
        let malicious = OpahProcess.checkout + "/Tests/Vectors/ckpt/malicious/os_system_zip.pth"
        for (path, words) in [
            (folder("page.pth"), "HTML"), (folder("pointer.pth"), "LFS"), (folder("half.pth"), "5000 bytes"),
            (malicious, "system"), (Self.tiny + "/model.pth", "language model")
        ] {
            let result = try opah(
                folder, "extract-vq", "data", "--config-name", Self.tiny + "/codec.lua", "--checkpoint-path", path)
            XCTAssertEqual(result.code, 1, result.errors)
            XCTAssertTrue(result.errors.contains(words), "\(path): \(result.errors)")
            XCTAssertLessThan(result.errors.split(separator: "\n").count, 8, result.errors)
        }
        try FileManager.default.copyItem(atPath: Self.tiny, toPath: folder("swapped"))
        try FileManager.default.removeItem(atPath: folder("swapped/model.pth"))
        try FileManager.default.copyItem(atPath: Self.tiny + "/codec.pth", toPath: folder("swapped/model.pth"))
        let swapped = try opah(folder, "generate", "--text", "hello", "--checkpoint-path", "swapped")
        XCTAssertEqual(swapped.code, 1)
        XCTAssertTrue(swapped.errors.contains("codec"), swapped.errors)
    }

    /// Path and content of every file below a folder.
    private static func contents(_ folder: String) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            result[name] = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
        }
        return result
    }
}
