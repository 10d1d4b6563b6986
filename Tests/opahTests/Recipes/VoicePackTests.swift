import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// What `opah run voice pack` makes a voice of, and how: codecs and adapters of others, and a run that was cut short.
final class VoicePackTests: VoiceCase {
    /// A voice that holds its codec makes sound without another, and with its own where another is named, as a server
    /// has it; a role that nobody knows is told with those that are known.
    func testItsCodecAndItsRoles() throws {
        let folder = try TestFolder("voice-codec")
        try makeParts(folder)
        let codec = ["--vq-checkpoint-path", Self.tiny + "/codec.pth", "--vq-config-name", Self.tiny + "/codec.lua"]
        let held = try opah(
            folder, ["voice", "pack", "Held", "--adapter", "one.ckpt", "--references", "0", "--with-codec"] + codec)
        XCTAssertEqual(held.code, 0, held.errors)
        let voice = ["--voice", "voices/Held.voice"]
        let alone = try generate(folder, "alone", voice)
        XCTAssertEqual(alone.code, 0, alone.errors)
        XCTAssertTrue(alone.errors.contains("it holds its codec, which makes the sound"), alone.errors)
        let sound = try Data(contentsOf: URL(fileURLWithPath: folder("alone/codes_0.wav")))
        let trained = OpahProcess.checkout + "/examples/checkpoints/voice"
        let named = try generate(
            folder, "named",
            voice + ["--vq-checkpoint-path", trained + "/codec.pth", "--vq-config-name", trained + "/codec.lua"])
        XCTAssertTrue(named.errors.contains("in place of --vq-checkpoint-path"), named.errors)
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: folder("named/codes_0.wav"))), sound)

        for (name, says) in [("nobody", "the model is known to speak as rms, slt"), ("rms", "")] {
            let role = try generate(folder, "role", ["--speaker", name], model: trained)
            XCTAssertEqual(role.code, 0, role.errors)
            XCTAssertEqual(
                role.errors.contains("--speaker \(name): no voice has that name"), !says.isEmpty, role.errors)
            XCTAssertTrue(says.isEmpty || role.errors.contains(says), role.errors)
        }
    }

    /// An adapter that does not say what it was trained on is taken for the base that is named, when it fits it.
    func testAnAdapterThatSaysNothing() throws {
        let folder = try TestFolder("voice-bare")
        let code = """
            local opah = require "opah"
            local model = opah.lm.load(arg[1])
            opah.lora.apply(model, "r_8_alpha_16")
            opah.lora.save(model, "full.ckpt")
            opah.checkpoint.save("bare.ckpt", { state_dict = opah.checkpoint.load("full.ckpt").state_dict })
            """
        try code.write(toFile: folder("bare.lua"), atomically: true, encoding: .utf8)
        XCTAssertEqual(try OpahProcess.run([folder("bare.lua"), Self.tiny], folder: folder.path).code, 0)
        let pack = ["voice", "pack", "Ann", "--adapter", "bare.ckpt", "--references", "0"]
        let refused = try opah(folder, pack)
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("with --model"), refused.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("voices/Ann.voice")))
        let packed = try opah(folder, pack + ["--model", Self.tiny])
        XCTAssertEqual(packed.code, 0, packed.errors)
        XCTAssertTrue(packed.errors.contains("does not say what it was trained on"), packed.errors)
        XCTAssertEqual(try opah(folder, ["voice", "verify", "voices/Ann.voice", "--model", Self.tiny]).code, 0)
        XCTAssertEqual(try generate(folder, "there", ["--voice", "voices/Ann.voice"]).code, 0)
    }

    /// As a kill between the two renames leaves it: the voice that was there comes back, and nothing stays beside it.
    func testAReplacementThatWasCutShort() throws {
        let folder = try TestFolder("voice-replaced"), manager = FileManager.default
        try makeParts(folder)
        let pack = ["voice", "pack", "Ann", "--adapter", "one.ckpt", "--references", "0"]
        let voice = folder("voices/Ann.voice")
        XCTAssertEqual(try opah(folder, pack).code, 0)
        func cutShort() throws {
            try manager.copyItem(atPath: voice, toPath: voice + ".making")
            try manager.moveItem(atPath: voice, toPath: voice + ".replaced")
        }
        try cutShort()
        let refused = try opah(folder, pack)
        XCTAssertEqual(refused.code, 1)
        XCTAssertTrue(refused.errors.contains("is there already"), refused.errors)
        XCTAssertEqual(try opah(folder, ["voice", "verify", "voices/Ann.voice"]).code, 0, "it is back")
        try manager.removeItem(atPath: voice + ".making")
        try cutShort()
        XCTAssertEqual(try opah(folder, pack + ["--overwrite"]).code, 0)
        XCTAssertEqual(
            try manager.contentsOfDirectory(atPath: folder("voices")).filter { !$0.hasPrefix(".") }, ["Ann.voice"])
    }

    /// What PEFT saves is read as it is: its names, with and without the adapter's own, and the strength beside it.
    func testAnAdapterOfPEFT() throws {
        let folder = try TestFolder("voice-peft")
        try makeParts(folder)
        let read = try OpahProcess.run(LuaScript.file("peft").command([Self.tiny]), folder: folder.path)
        XCTAssertEqual(read.code, 0, read.errors)
    }

    /// A voice has digests of its own: what is damaged before it is packed would pass for whole ever after.
    func testADamagedAdapterIsNotPacked() throws {
        let folder = try TestFolder("voice-damaged")
        try makeParts(folder)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: folder("one.ckpt")))
        // In the first tensor, behind the entry's name.
        let place = try XCTUnwrap(bytes.range(of: Data("data/0".utf8))).upperBound + 200
        bytes[place] ^= 0x40
        try bytes.write(to: URL(fileURLWithPath: folder("bad.ckpt")))
        let packed = try opah(folder, ["voice", "pack", "Ann", "--adapter", "bad.ckpt", "--references", "0"])
        XCTAssertEqual(packed.code, 1)
        XCTAssertTrue(packed.errors.contains("do not fit their checksum"), packed.errors)
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder("voices/Ann.voice")))
    }
}
