import Foundation
import LuaTestSupport
import TestSupport
import XCTest

/// `opah run doctor`: what training reads beside recordings and labels: codes, packs, weights.
final class DoctorTrainingTests: DoctorCase {
    func testEachFaultOfCodesIsFoundAlone() throws {
        let folder = try TestFolder("codes")
        try lua(
            folder, .file("each_fault_of_codes_is_found_alone"))
        let found = try doctor(folder)
        XCTAssertEqual(
            found.codes,
            [
                "in/S/shape.wav": ["bad-codes"], "in/S/dtype.wav": ["bad-codes"], "in/S/range.wav": ["code-range"],
                "in/S/length.wav": ["codes-length"],
                "in/S/stale.wav": ["stale-codes"], "in/S/broken.wav": ["bad-codes"], "in/S/without.wav": ["no-codes"]
            ], found.result.output)
        XCTAssertTrue(found.what["in/S/range.wav code-range"]?.hasSuffix("to 1009, where 0 to 999 are known") == true)
        XCTAssertEqual(found.code, 3)

        // A codec of another shape is named as for extraction.
        try lua(
            folder,
            """
            fs.remove('in', { recursive = true })
            put('S/a.wav', voice(2, 1), nil, 'words of a')
            local small = require 'opah.embedded'.voice
            opah.vq.extract { input = 'in', codec = opah.vq.load { config = small.codec_config, checkpoint = small.codec_checkpoint } }
            """)
        XCTAssertEqual(try doctor(folder).codes["in/S/a.wav"], ["bad-codes"])
        let config = OpahProcess.checkout + "/examples/checkpoints/voice/codec.lua"
        XCTAssertEqual(try doctor(folder, "--config-name", config).codes, [:])
        let both = try OpahProcess.run(
            ["run", "doctor", "in", "--config-name", config, "--num-codebooks", "3"], folder: folder.path)
        XCTAssertEqual(both.code, 2, both.errors)
        XCTAssertTrue(both.errors.contains("--config-name says 4"), both.errors)
    }

    /// Codes of what can be decoded are right, whatever the header says.
    func testCodesOfADamagedRecording() throws {
        let folder = try TestFolder("damaged")
        try lua(
            folder,
            """
            put('S/a.ogg', voice(12, 1), nil, 'words of a')
            local bytes = fs.read('in/S/a.ogg')
            local half = #bytes // 2
            fs.write('in/S/a.ogg', bytes:sub(1, half) .. ('x'):rep(60) .. bytes:sub(half + 61))
            opah.vq.extract { input = 'in', codec = opah.embedded.codec() }
            """)
        let found = try doctor(folder)
        XCTAssertEqual(found.codes, ["in/S/a.ogg": ["damaged"]], found.result.output)
        XCTAssertEqual(found.code, 0)
    }

    func testCodesOfAnotherCodecAndPacks() throws {
        let folder = try TestFolder("packs")
        try lua(
            folder,
            """
            for i, name in ipairs { 'a', 'b', 'c' } do put('S/' .. name .. '.wav', voice(2, i), nil, 'words of ' .. name) end
            opah.vq.extract { input = 'in', codec = opah.embedded.codec() }
            opah.data.pack { input = 'in', output = 'in/protos' }
            fs.copy('in/protos/00000000.protos', 'in/protos/00000001.protos')
            local bytes = fs.read('in/protos/00000001.protos')
            fs.write('in/protos/00000001.protos', bytes:sub(1, #bytes - 40))
            put('T/d.wav', voice(2, 9), nil, 'words of d')
            opah.vq.extract { input = 'in/T', codec = opah.vq.new { config = '\(Self.tiny)/codec.lua', seed = 7 } }
            """)
        let found = try doctor(folder)
        XCTAssertEqual(found.codes["in/protos/00000001.protos"], ["bad-pack"], found.result.output)
        XCTAssertNil(found.codes["in/protos/00000000.protos"])
        XCTAssertEqual(found.codes["in/T/d.wav"], ["other-codec"])
        XCTAssertEqual(found.code, 3)
    }

    func testWeightsAreReadAndHoldNumbers() throws {
        let folder = try TestFolder("weights")
        try lua(folder, "put('S/a.wav', voice(2, 1), nil, 'words of a')")
        try FileManager.default.copyItem(atPath: Self.tiny, toPath: folder("model"))
        XCTAssertEqual(try doctor(folder, "--checkpoint-path", "model").code, 0)
        try lua(
            folder,
            """
            local w = opah.checkpoint.load('model/model.pth')
            w['norm.weight'] = w['norm.weight']:clone()
            w['norm.weight'][1] = 0 / 0
            opah.checkpoint.save('model/model.pth', w)
            """)
        let nan = try doctor(folder, "--checkpoint-path", "model")
        XCTAssertEqual(nan.codes, ["model/model.pth": ["bad-weights"]])
        XCTAssertTrue(nan.what["model/model.pth bad-weights"]?.contains("norm.weight") == true)
        XCTAssertEqual(nan.code, 3)
        // What generate would refuse, in its words.
        try lua(
            folder,
            """
            local w = opah.checkpoint.load('\(Self.tiny)/model.pth')
            w['norm.weight'] = w['norm.weight']:narrow(1, 1, 3):clone()
            opah.checkpoint.save('model/model.pth', w)
            """)
        let other = try doctor(folder, "--checkpoint-path", "model")
        XCTAssertEqual(other.codes, ["model/model.pth": ["bad-weights"]])
        XCTAssertTrue(
            other.what["model/model.pth bad-weights"]?.contains("norm.weight has the shape [3]") == true,
            other.result.output)
        XCTAssertEqual(other.code, 3)
        try write("nothing of a model", folder("model/model.pth"))
        XCTAssertEqual(try doctor(folder, "--checkpoint-path", "model").codes, ["model/model.pth": ["bad-weights"]])
        try FileManager.default.removeItem(atPath: folder("model/model.pth"))
        try FileManager.default.removeItem(atPath: folder("model/codec.pth"))
        XCTAssertEqual(try doctor(folder, "--checkpoint-path", "model").codes, ["model": ["no-weights"]])
    }
}
