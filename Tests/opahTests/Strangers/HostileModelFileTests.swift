import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// Files of strangers and damaged files, as a person meets them at the command line.
final class HostileModelFileTests: XCTestCase {
    private let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"

    private func lua(_ code: String, folder: TestFolder) throws -> OpahProcess.Result {
        try OpahProcess.run(["-e", "local opah = require 'opah'; local T = [[\(tiny)]]; " + code], folder: folder.path)
    }

    func testASettingsFileOfManyUnknownKeys() throws {
        let folder = try TestFolder(), start = Date()
        try (0 ..< 60_000).map { "k\($0): 1\n" }.joined().write(
            toFile: folder("x.yaml"), atomically: true, encoding: .utf8)
        try (String(repeating: "k", count: 500_000) + ": 1\n").write(
            toFile: folder("long.yaml"), atomically: true, encoding: .utf8)
        let many = try lua("opah.config.load 'x.yaml'", folder: folder)
        XCTAssertEqual(many.code, 2)
        XCTAssertTrue(many.errors.contains("and 59980 more"), String(many.errors.suffix(300)))
        XCTAssertLessThan(many.errors.split(separator: "\n").count, 40)
        let long = try lua("opah.config.load 'long.yaml'", folder: folder)
        XCTAssertEqual(long.code, 1)
        XCTAssertLessThan(long.errors.utf8.count, 2000)
        XCTAssertLessThan(Date().timeIntervalSince(start), 60)
    }

    func testAShardOfEmptySentences() throws {
        let folder = try TestFolder()
        var group = Data()
        for _ in 0 ..< 1_500_000 { group += [0x22, 0] }
        try (withUnsafeBytes(of: UInt32(group.count).littleEndian) { Data($0) } + group).write(
            to: URL(fileURLWithPath: folder("x.protos")))
        let result = try lua("for g in opah.data.read 'x.protos' do print(#g.sentences) end", folder: folder)
        XCTAssertEqual(result.code, 1)
        XCTAssertTrue(result.errors.contains("1500000 sentences"), result.errors)
    }

    /// Names of a wrapped model, of the model and of the codec: taken, with a note that a person sees.
    func testWrappedCheckpoints() throws {
        let folder = try TestFolder()
        for (form, note) in [
            ("prefixed", "'module.' was removed"), ("wrapped", "found under 'model'")
        ] {
            let result = try OpahProcess.run(
                LuaScript.file("wrapped_checkpoints").command([tiny, form]), folder: folder.path)
            XCTAssertEqual(result.code, 0, result.errors)
            XCTAssertTrue(result.output.hasPrefix("true\t32\ntrue"), result.output)
            XCTAssertEqual(result.errors.components(separatedBy: note).count - 1, 3, result.errors)
            try FileManager.default.removeItem(atPath: folder("m"))
        }
    }

    func testMergingAsksBeforeItReplaces() throws {
        let folder = try TestFolder()
        let made = try lua(
            """
            local model = opah.lm.load(T); opah.lora.apply(model, 'r_4_alpha_8')
            opah.tensor.no_grad(function() model:named_parameters()['output.lora_B']:fill_(0.1) end)
            opah.lora.save(model, 'a.ckpt'); opah.fs.mkdir 'mine'; opah.fs.write('mine/notes.txt', 'x')
            """, folder: folder)
        XCTAssertEqual(made.code, 0, made.errors)
        func merge(_ output: String, _ more: [String] = []) throws -> OpahProcess.Result {
            try OpahProcess.run(
                ["run", "merge-lora", "--base-weight", tiny, "--lora-weight", "a.ckpt", "--output", output] + more,
                folder: folder.path)
        }
        let refused = try merge("mine")
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("notes.txt") && refused.errors.contains("--overwrite"), refused.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("mine/model.pth")))
        XCTAssertEqual(try merge("mine", ["--overwrite"]).code, 0)
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder("mine/notes.txt")))
        for _ in 0 ..< 2 { XCTAssertEqual(try merge("new").code, 0) }
        let targets = try merge("other", ["--lora-config", "r_4_alpha_8_fast"])
        XCTAssertEqual(targets.code, 1)
        let stock = try lua(
            "local m = opah.lm.load(T); opah.lora.apply(m, 'r_8_alpha_16'); opah.lora.save(m, 'a.ckpt')", folder: folder
        )
        XCTAssertEqual(stock.code, 0, stock.errors)
        let fast = try merge("other", ["--lora-config", "r_8_alpha_16_fast"])
        XCTAssertEqual(fast.code, 1)
        XCTAssertTrue(fast.errors.contains("the adapter has targets all, and the LoRA configuration fast"), fast.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("other")))
    }
}
