import Audio
import Foundation
import TestSupport
import XCTest

final class LoudnessTests: XCTestCase {
    private static func number(_ value: Any?) -> Double? {
        if let number = value as? NSNumber { return number.doubleValue }
        return value as? String == "-inf" ? -.infinity : nil
    }

    func testFiltersAreTheReferences() throws {
        let json = try Vectors.json("audio/loudness.json") as! [String: Any]
        for rate in [44100, 48000] {
            let expected = json["filters_\(rate)"] as! [String: [String: [NSNumber]]]
            let filters = try KWeighting.filters(sampleRate: rate)
            for (filter, name) in [(filters.highShelf, "high_shelf"), (filters.highPass, "high_pass")] {
                for (ours, theirs) in [(filter.b, expected[name]!["b"]!), (filter.a, expected[name]!["a"]!)] {
                    for (x, y) in zip(ours, theirs) { XCTAssertEqual(x, y.doubleValue, accuracy: 1e-12) }
                }
            }
        }
    }

    func testReferenceValues() throws {
        let json = try Vectors.json("audio/loudness.json") as! [String: Any]
        let arrays = try Vectors.npz("audio/loudness.npz")
        var normal = 0
        for entry in json["cases"] as! [[String: Any]] {
            let name = entry["name"] as! String, rate = (entry["sample_rate"] as! NSNumber).intValue
            let channels = (entry["channels"] as! NSNumber).intValue
            let flat = try numbers(arrays[name + ".in"]).map { $0 / 32768 }
            let clip = AudioBuffer(
                channels: (0 ..< channels).map { c in stride(from: c, to: flat.count, by: channels).map { flat[$0] } },
                sampleRate: rate)
            let meter = try LoudnessMeter(clip)
            if let expected = Self.number(entry["integrated_loudness"]) {
                let measured = try Loudness.measure(clip)
                if expected.isFinite {
                    XCTAssertEqual(measured, expected, accuracy: 1e-6, name)
                } else {
                    XCTAssertEqual(measured, expected, name)
                }
            } else {
                XCTAssertTrue(meter.isTooShort, name)
            }

            // The reference knows no bound on the gain.
            let (output, report) = try Loudness.normalize(clip, LoudnessOptions(maxGain: .infinity))
            XCTAssertNil(output.firstNonFinite().map { _ in name })
            guard let gain = Self.number(entry["gain"]) else { continue }
            normal += 1
            let peakGain = pow(10, -1.0 / 20) / report.peakBefore
            XCTAssertEqual(
                report.measured! + 20 * log10(peakGain), Self.number(entry["loudness_after_peak_norm"])!,
                accuracy: 1e-6, name)
            XCTAssertEqual(report.gain, gain, accuracy: 1e-6 * gain, name)
            XCTAssertEqual(report.peakAfter, Self.number(entry["output_peak"])!, accuracy: 1e-6, name)
            XCTAssertEqual(report.notes, [], name)
            XCTAssertEqual(report.clippedCount, 0)
            XCTAssertEqual(
                try Loudness.measure(output), Self.number(entry["loudness_of_output"])!, accuracy: 1e-3, name)
            let head = try numbers(arrays[name + ".out_head"])
            for c in 0 ..< channels {
                let expected = stride(from: c, to: head.count, by: channels).map { head[$0] }
                assertClose(Array(output.channels[c].prefix(expected.count)), expected, rel: 1e-6, name)
            }
        }
        XCTAssertEqual(normal, 10)
    }

    private func tone(_ seconds: Double, _ amplitude: Float = 0.1, rate: Int = 44100) -> [Float] {
        (0 ..< Int(seconds * Double(rate))).map {
            amplitude * Float(sin(2 * Double.pi * 997 * Double($0) / Double(rate)))
        }
    }

    /// BS.1770: a full-scale sine of 997 Hz in one front channel reads -3.01 LUFS; two channels add 3.01 LU.
    func testDefinition() throws {
        let sine = tone(2, 1, rate: 48000)
        XCTAssertEqual(try Loudness.measure(AudioBuffer(mono: sine, sampleRate: 48000)), -3.01, accuracy: 0.05)
        XCTAssertEqual(try Loudness.measure(AudioBuffer(channels: [sine, sine], sampleRate: 48000)), 0, accuracy: 0.05)
        let none = [Float](repeating: 0, count: sine.count)
        // 5.1: the low frequency channel does not count, a surround channel counts 1.41.
        XCTAssertEqual(
            try Loudness.measure(AudioBuffer(channels: [none, none, none, sine, none, none], sampleRate: 48000)),
            -.infinity)
        XCTAssertEqual(
            try Loudness.measure(AudioBuffer(channels: [none, none, none, none, sine, none], sampleRate: 48000)),
            -3.01 + 10 * log10(1.41), accuracy: 0.05)
    }

    func testOddInput() throws {
        let silent = AudioBuffer(mono: [Float](repeating: 0, count: 44100), sampleRate: 44100)
        let (same, silence) = try Loudness.normalize(silent)
        XCTAssertTrue(same == silent)
        XCTAssertNil(silence.measured)
        XCTAssertEqual(silence.gain, 1)
        XCTAssertTrue(silence.notes.count == 1 && silence.notes[0].contains("silent"))
        XCTAssertEqual(try Loudness.measure(silent), -.infinity)

        let (short, shortReport) = try Loudness.normalize(AudioBuffer(mono: tone(0.3), sampleRate: 44100))
        XCTAssertTrue(
            shortReport.notes.count == 1 && shortReport.notes[0].contains("shorter than one block"),
            "\(shortReport.notes)")
        XCTAssertEqual(try Loudness.measure(short), -23, accuracy: 1e-4)
        XCTAssertEqual(short.frames, 13230)

        var broken = tone(1)
        broken[4410] = .infinity
        assertThrows(.audio, containing: "sample 4410 (at 0.1 s)") {
            try Loudness.normalize(AudioBuffer(mono: broken, sampleRate: 44100))
        }
        assertThrows(.audio) { try Loudness.normalize(AudioBuffer(mono: [], sampleRate: 44100)) }
        assertThrows(.audio) {
            try Loudness.normalize(AudioBuffer(channels: Array(repeating: tone(1), count: 7), sampleRate: 44100))
        }
        assertThrows(.audio) { try Loudness.normalize(AudioBuffer(mono: tone(1), sampleRate: 1000)) }
        assertThrows(.argument) {
            try Loudness.normalize(AudioBuffer(mono: tone(1), sampleRate: 44100), LoudnessOptions(loudness: .nan))
        }
        assertThrows(.argument) {
            try Loudness.normalize(AudioBuffer(mono: tone(1), sampleRate: 44100), LoudnessOptions(blockSize: 0))
        }
    }

    /// A quiet voice with one loud click: the gain for -23 LUFS would put the click at 6 times full scale.
    func testNothingIsClipped() throws {
        var samples = tone(2, 0.005)
        samples[30000] = 0.9
        let (output, report) = try Loudness.normalize(AudioBuffer(mono: samples, sampleRate: 44100))
        XCTAssertEqual(report.peakAfter, pow(10, -1.0 / 20), accuracy: 1e-6)
        XCTAssertEqual(report.clippedCount, 1)
        XCTAssertEqual(output.channels[0][30000], Float(report.gain * Double(samples[30000])), accuracy: 1e-7)
        XCTAssertTrue(report.notes.count == 1 && report.notes[0].contains("gain lowered"), "\(report.notes)")

        var click = [Float](repeating: 0, count: 44100 * 60)
        click[1000] = 0.001
        let (peaked, clickReport) = try Loudness.normalize(AudioBuffer(mono: click, sampleRate: 44100))
        XCTAssertLessThanOrEqual(peaked.peak, 1)
        XCTAssertFalse(clickReport.notes.isEmpty)
    }

    /// A clip of -67 dB is noise: it gets the bound and no more, and a note; who wants more says so.
    func testGainIsBounded() throws {
        let quiet = AudioBuffer(mono: tone(2, 0.00045), sampleRate: 44100)
        let (output, report) = try Loudness.normalize(quiet)
        XCTAssertEqual(20 * log10(report.gain), 30, accuracy: 1e-9)
        XCTAssertEqual(output.channels[0][100], quiet.channels[0][100] * Float(report.gain), accuracy: 1e-9)
        XCTAssertTrue(
            report.notes.count == 1 && report.notes[0].contains("very quiet")
                && report.notes[0].contains("30 dB at most"), "\(report.notes)")
        let (loud, all) = try Loudness.normalize(quiet, LoudnessOptions(maxGain: 90))
        XCTAssertEqual(try Loudness.measure(loud), -23, accuracy: 1e-3)
        XCTAssertEqual(all.notes, [])
        XCTAssertEqual(try Loudness.normalize(AudioBuffer(mono: tone(2, 0.01), sampleRate: 44100)).1.notes, [])
        assertThrows(.argument) { try Loudness.normalize(quiet, LoudnessOptions(maxGain: -1)) }
    }
}
