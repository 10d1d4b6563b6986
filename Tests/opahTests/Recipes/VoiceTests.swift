import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run voice` and `generate --voice`: a voice is packed of a run, says what is not stated, is believed in nothing
/// when it is a stranger's, and speaks as its adapter and references do, unmerged.
final class VoiceTests: VoiceCase {
    func testAVoiceOfARunInOneCommand() throws {
        let folder = try TestFolder("voice")
        XCTAssertEqual(
            try OpahProcess.run(["-e", "require('opah.embedded').packs('made')"], folder: folder.path).code, 0)
        let trained = try opah(
            folder,
            [
                "train", "project=v", "pretrained_ckpt_path=\(Self.tiny)", "train_dataset.proto_files=[made/protos]",
                "train_dataset.use_speaker=true",
                "+lora@model.model.lora_config=r_8_alpha_16", "trainer.max_steps=2", "trainer.val_check_interval=1",
                "data.batch_size=1",
                "callbacks.model_checkpoint.every_n_train_steps=1", "max_length=512", "train_dataset.val_fraction=0.2"
            ])
        XCTAssertEqual(trained.code, 0, trained.errors)
        // Several speakers: whose voice it is, nobody guesses.
        let whose = try opah(folder, ["voice", "pack", "アリス", "--run", "results/v"])
        XCTAssertEqual(whose.code, 2)
        XCTAssertTrue(whose.errors.contains("--speaker is needed: the packs hold Alice, ハナコ"), whose.errors)
        XCTAssertEqual(try opah(folder, ["pick", "results/v", "--tolerance-loss", "0.5"]).code, 0)
        let packed = try opah(
            folder,
            [
                "voice", "pack", "アリス", "--run", "results/v", "--speaker", "Alice", "--consent",
                "Alice said *yes* <b>\nin writing"
            ])
        XCTAssertEqual(packed.code, 0, packed.errors)
        for name in ["licence", "provenance", "author", "language"] {
            XCTAssertTrue(packed.errors.contains("missing: \(name)"), packed.errors)
        }
        XCTAssertFalse(packed.errors.contains("missing: consent"))
        let path = folder("voices/アリス.voice")
        let manifest = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path + "/voice.json")))
                as? [String: Any])
        XCTAssertEqual((manifest["statements"] as? [String: String])?.keys.sorted(), ["consent"])
        XCTAssertEqual(manifest["role"] as? String, "Alice", "the run was trained with roles")
        let adapter = try XCTUnwrap((manifest["adapters"] as? [[String: Any]])?.first)
        XCTAssertEqual(adapter["step"] as? Int, 1, "what was picked")
        XCTAssertTrue(((manifest["made_from"] as? [String: Any])?["choice"] as? String)?.hasPrefix("picked:") ?? false)
        XCTAssertEqual((manifest["references"] as? [Any])?.count, 1)
        let card = try String(contentsOfFile: path + "/README.md", encoding: .utf8)
        XCTAssertTrue(card.contains("> Alice said \\*yes\\* \\<b\\>\n> in writing"), card)
        XCTAssertTrue(
            card.contains("> Not stated. (`voice pack --licence`)") && card.contains("license: \"unknown\""), card)
        // The optimizer's state stays behind.
        let size = try XCTUnwrap(FileManager.default.attributesOfItem(atPath: path + "/adapter-1.ckpt")[.size] as? Int)
        let whole = try XCTUnwrap(
            FileManager.default.attributesOfItem(atPath: folder("results/v/checkpoints/step_000000001.ckpt"))[.size]
                as? Int)
        XCTAssertLessThan(size, whole / 2)

        let inspected = try opah(folder, ["voice", "inspect", "アリス"])
        XCTAssertEqual(inspected.code, 0, inspected.errors)
        for text in ["Alice", "not stated", "adapter-1.ckpt, scale 1", "temperature"] {
            XCTAssertTrue(inspected.output.contains(text), inspected.output)
        }
        let verified = try opah(folder, ["voice", "verify", "voices/アリス.voice/", "--model", Self.tiny])
        XCTAssertEqual(verified.code, 0, verified.errors)
        XCTAssertTrue(verified.output.contains("the base takes its adapters"))

        // A voice that is there is not overwritten, unless asked; a folder that is none never is.
        let again = ["voice", "pack", "アリス", "--run", "results/v", "--speaker", "Alice", "--licence", "CC0-1.0"]
        XCTAssertEqual(try opah(folder, again).code, 1)
        XCTAssertTrue(try String(contentsOfFile: path + "/README.md", encoding: .utf8).contains("Alice said"))
        XCTAssertEqual(try opah(folder, again + ["--overwrite"]).code, 0)
        let licensed = try String(contentsOfFile: path + "/README.md", encoding: .utf8)
        XCTAssertTrue(licensed.contains("> CC0-1.0") && licensed.contains("license: \"cc0-1.0\""), licensed)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: folder("voices")).filter { !$0.hasPrefix(".") },
            ["アリス.voice"])
        for name in ["../x", ".hidden", "a/b", ""] {
            XCTAssertEqual(try opah(folder, ["voice", "pack", name, "--run", "results/v"]).code, 2, name)
        }
        XCTAssertEqual(try opah(folder, ["voice", "unpack", "x"]).code, 2)
    }

    func testItSpeaksAsItsPartsDo() throws {
        let folder = try TestFolder("parts")
        try makeParts(folder)
        let packed = try opah(
            folder,
            [
                "voice", "pack", "Ann", "--checkpoint", "one.ckpt", "--adapter", "two.ckpt", "--scale", "1", "--scale",
                "0.5",
                "--reference", "ref.wav", "--temperature", "0.9", "--model", Self.tiny
            ])
        XCTAssertEqual(packed.code, 0, packed.errors)
        XCTAssertTrue(
            FileManager.default.contentsEqual(
                atPath: folder("ref.wav"), andPath: folder("voices/Ann.voice/reference-1.wav")))
        XCTAssertEqual(try generate(folder, "voice", ["--voice", "voices/Ann.voice"]).code, 0)
        // The same by hand: both adapters live, the reference as a prompt, the voice's temperature.
        let byHand = try OpahProcess.run(LuaScript.file("by_hand").command([Self.tiny]), folder: folder.path)
        XCTAssertEqual(byHand.code, 0, byHand.errors)
        XCTAssertEqual(try codes(folder, "voice"), try codes(folder, "hand"))

        // By its name; with OPAH_VOICES from elsewhere; a word of the command line is stronger than the voice.
        XCTAssertEqual(try generate(folder, "named", ["--speaker", "Ann"]).code, 0)
        XCTAssertEqual(try codes(folder, "named"), try codes(folder, "voice"))
        XCTAssertEqual(try generate(folder, "colder", ["--voice", "voices/Ann.voice", "--temperature", "0.2"]).code, 0)
        XCTAssertNotEqual(try codes(folder, "colder"), try codes(folder, "voice"))
        XCTAssertEqual(try generate(folder, "weaker", ["--voice", "voices/Ann.voice", "--voice-scale", "0.1"]).code, 0)
        XCTAssertNotEqual(try codes(folder, "weaker"), try codes(folder, "voice"))
        // A speaker who is no voice is a role, as ever.
        let role = try generate(folder, "role", ["--speaker", "Nobody"])
        XCTAssertEqual(role.code, 0, role.errors)
        XCTAssertFalse(role.errors.contains("the voice"))
        XCTAssertTrue(role.errors.contains("no voice has that name (there are Ann), so it is a role"), role.errors)

        let wrong = try generate(folder, "wrong", ["--voice", "voices/Ann.voice"], model: folder("other"))
        XCTAssertEqual(wrong.code, 1)
        XCTAssertTrue(wrong.errors.contains("was made for another base model"), wrong.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("wrong/codes_0.npy")))
        XCTAssertEqual(try opah(folder, ["voice", "verify", "Ann", "--model", "other"]).code, 1)
        XCTAssertEqual(
            try opah(folder, ["voice", "pack", "Mixed", "--adapter", "one.ckpt", "--model", "other"]).code, 1)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("voices/Mixed.voice")))
    }

    /// Whatever stands in a stranger's folder: it is refused for what it is, nothing outside is read or written,
    /// nothing crashes.
    func testAStrangersVoiceIsBelievedInNothing() throws {
        let folder = try TestFolder("stranger")
        try makeParts(folder)
        XCTAssertEqual(
            try opah(folder, ["voice", "pack", "Good", "--adapter", "one.ckpt", "--reference", "ref.wav"]).code, 0)
        let good = folder("voices/Good.voice"), manager = FileManager.default
        let text = try String(contentsOfFile: good + "/voice.json", encoding: .utf8)
        try "secret".write(toFile: folder("secret.ckpt"), atomically: true, encoding: .utf8)

        func refused(_ says: String, line: UInt = #line, _ change: (String) throws -> Void) throws {
            let path = folder("bad.voice")
            try? manager.removeItem(atPath: path)
            try manager.copyItem(atPath: good, toPath: path)
            try change(path)
            for command in [
                ["voice", "verify", "bad.voice"], ["voice", "inspect", "bad.voice"],
                [
                    "generate", "--text", "Hi.", "--checkpoint-path", Self.tiny, "--max-new-tokens", "2", "--voice",
                    "bad.voice"
                ]
            ] {
                let result = try opah(folder, command)
                XCTAssertEqual(result.code, 1, "\(command): \(result.errors)", line: line)
                XCTAssertTrue(result.errors.contains(says), "\(command): \(result.errors)", line: line)
            }
        }
        func replacing(_ from: String, _ to: String) -> (String) throws -> Void {
            { path in
                XCTAssertTrue(text.contains(from), from)
                try text.replacingOccurrences(of: from, with: to).write(
                    toFile: path + "/voice.json", atomically: true, encoding: .utf8)
            }
        }
        try refused("is not among its files") {
            try replacing("\"file\": \"adapter-1.ckpt\"", "\"file\": \"../secret.ckpt\"")($0)
        }
        try refused("no plain file") { try replacing("\"adapter-1.ckpt\"", "\"../secret.ckpt\"")($0) }
        try refused("no plain file") { try replacing("\"adapter-1.ckpt\"", "\"/etc/hostname\"")($0) }
        try refused("is a link") { path in
            try manager.moveItem(atPath: path + "/adapter-1.ckpt", toPath: path + "/real")
            try manager.createSymbolicLink(atPath: path + "/adapter-1.ckpt", withDestinationPath: "real")
        }
        try refused("is missing") { try manager.removeItem(atPath: $0 + "/reference-1.npy") }
        try refused("has other content") { path in
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path + "/adapter-1.ckpt"))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path + "/adapter-1.ckpt"))
        }
        try refused("bytes in place of") { path in
            let handle = try XCTUnwrap(FileHandle(forWritingAtPath: path + "/adapter-1.ckpt"))
            try handle.truncate(atOffset: 100)
        }
        try refused("is not a file") { path in
            try manager.removeItem(atPath: path + "/reference-1.npy")
            XCTAssertEqual(mkfifo(path + "/reference-1.npy", 0o600), 0)
        }
        try refused("at most 1048576 are read") {
            try String(repeating: " ", count: 2_000_000).write(
                toFile: $0 + "/voice.json", atomically: true, encoding: .utf8)
        }
        try refused("voice.json") {
            try "{\"format\": ".write(toFile: $0 + "/voice.json", atomically: true, encoding: .utf8)
        }
        try refused("this is no voice") { try manager.removeItem(atPath: $0 + "/voice.json") }
        try refused("this program reads version 1") { try replacing("\"version\": 1", "\"version\": 2")($0) }
        try refused("the scale of adapter 1 is not a number") { try replacing("\"scale\": 1", "\"scale\": 1e300")($0) }
        try refused("generation.temperature is not a number") {
            try replacing("\"temperature\": 0.7", "\"temperature\": -1")($0)
        }
        try refused("the text of reference 1") { try replacing("\"text\": \"", "\"text\": [1, 2], \"was\": \"")($0) }
        try refused("base is missing") { try replacing("\"base\": {", "\"base\": 7, \"was\": {")($0) }
        try refused("at most 16") {
            try replacing("\"adapters\": [", "\"adapters\": [" + String(repeating: "1, ", count: 100))($0)
        }
        // Parts that are other than they say, with digests that are right.
        func swapped(_ name: String, _ content: Data) -> (String) throws -> Void {
            { path in
                try content.write(to: URL(fileURLWithPath: path + "/" + name))
                let script = """
                    local opah = require "opah"
                    local path = "bad.voice/voice.json"
                    local manifest = opah.json.decode(opah.fs.read(path))
                    manifest.files["\(name)"] = { size = opah.fs.stat("bad.voice/\(name)").size, digest = opah.fs.digest("bad.voice/\(name)") }
                    opah.fs.write(path, opah.json.encode(manifest))
                    """
                XCTAssertEqual(try OpahProcess.run(["-e", script], folder: self.folderPath(path)).code, 0)
            }
        }
        for (name, content) in [
            ("reference-1.npy", Data("no codes".utf8)), ("adapter-1.ckpt", Data("no adapter".utf8)),
            ("adapter-1.ckpt", try Data(contentsOf: URL(fileURLWithPath: Self.tiny + "/model.pth")))
        ] {
            try? manager.removeItem(atPath: folder("bad.voice"))
            try manager.copyItem(atPath: good, toPath: folder("bad.voice"))
            try swapped(name, content)(folder("bad.voice"))
            for command in [
                ["voice", "verify", "bad.voice"],
                [
                    "generate", "--text", "Hi.", "--checkpoint-path", Self.tiny, "--max-new-tokens", "2", "--voice",
                    "bad.voice"
                ]
            ] {
                let result = try opah(folder, command)
                XCTAssertEqual(result.code, 1, "\(name), \(command): \(result.errors)")
                XCTAssertTrue(result.errors.contains(name), result.errors)
            }
        }
        XCTAssertEqual(try String(contentsOfFile: folder("secret.ckpt"), encoding: .utf8), "secret")
        XCTAssertFalse(manager.fileExists(atPath: folder("codes_0.npy")), "nothing was spoken with any of them")
        XCTAssertEqual(try opah(folder, ["voice", "verify", "voices/Good.voice"]).code, 0)
        // What is no part of the voice is named, and never read.
        try "x".write(toFile: good + "/extra.lua", atomically: true, encoding: .utf8)
        let extra = try opah(folder, ["voice", "verify", "voices/Good.voice"])
        XCTAssertEqual(extra.code, 0)
        XCTAssertTrue(extra.errors.contains("extra.lua is not part of the voice"), extra.errors)
    }

    private func folderPath(_ path: String) -> String { (path as NSString).deletingLastPathComponent }
}
