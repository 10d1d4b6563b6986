import Audio
import TestSupport
import XCTest
#if canImport(Glibc)
import Glibc
#endif

final class ClipCheckTests: XCTestCase {
    private func speech(_ seconds: Double, _ amplitude: Float = 0.3, rate: Int = 44100) -> [Float] {
        (0 ..< Int(seconds * Double(rate))).map {
            amplitude * Float(sin(Double($0) * 0.031) * sin(Double($0) * 0.0007))
        }
    }

    private func codes(_ channels: [[Float]], _ rate: Int = 44100) throws -> [String] {
        try ClipCheck.faults(AudioBuffer(channels: channels, sampleRate: rate)).map {
            "\($0.severity.rawValue) \($0.code)"
        }
    }

    func testGoodClipsHaveNoFaults() throws {
        XCTAssertEqual(try codes([speech(3)]), [])
        XCTAssertEqual(try codes([speech(3), speech(3, 0.2)]), [])
        for name in ["cbr128_joint_48000.mp3", "pcm16_mono_44100.wav", "vorbis_stereo.ogg"] {
            XCTAssertEqual(
                try ClipCheck.faults(AudioFile.read(Vectors.path("audio/" + name), ReadOptions(mono: false)).0), [],
                name)
        }
    }

    func testEachFault() throws {
        XCTAssertEqual(try codes([[]]), ["error empty"])
        XCTAssertEqual(try codes([]), ["error empty"])
        XCTAssertEqual(try codes([[Float](repeating: 0, count: 44100)]), ["error silent"])
        XCTAssertEqual(try codes([speech(1, 0.0005)]), ["note near-silent"])
        XCTAssertEqual(try codes([Array(speech(1)[20000 ..< 22047])]), ["error short-token"])
        XCTAssertEqual(try codes([Array(speech(1)[20000 ..< 22048])]), ["note short-block"])
        XCTAssertEqual(try codes([speech(1).map { $0 + 0.05 }]), ["note dc-offset"])
        XCTAssertEqual(try codes([speech(1, 1.4)]), ["note overload"])
        XCTAssertEqual(try codes([speech(1, 1.4).map { max(-1, min(1, $0)) }]), ["note clipped"])
        XCTAssertEqual(try codes([speech(1), speech(1).map { -$0 }]), ["error phase-opposite"])
        XCTAssertEqual(try codes([speech(1), speech(1).map { $0 * -0.95 }]), ["note phase-opposite"])
        XCTAssertEqual(try codes([speech(1), speech(1).map { $0 * 0 }]), ["note one-sided"])
        XCTAssertEqual(try codes([speech(1, rate: 16000)], 16000), ["note low-rate"])
        var broken = speech(1)
        broken[441] = .nan
        let fault = try XCTUnwrap(ClipCheck.faults(AudioBuffer(mono: broken, sampleRate: 44100)).first)
        XCTAssertEqual(fault.code, "nan")
        XCTAssertTrue(fault.reason.contains("sample 441 at 0.01 s"), fault.reason)
    }

    func testErrorsComeFirst() throws {
        XCTAssertEqual(
            try codes([Array(speech(1, rate: 16000)[5000 ..< 5100])], 16000), ["error short-token", "note low-rate"])
    }
}
