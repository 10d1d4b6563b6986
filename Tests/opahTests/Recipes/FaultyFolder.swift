import Audio
import Foundation

/// A dataset as people really bring it: good clips among every fault that the stages must survive.
enum FaultyFolder {
    /// Names of clips (without suffix) that must come through, and those that must be listed.
    static let good = [
        "good one", "24bit", "float", "stereo", "8kHz", "96kHz", "it's 100% \u{201C}quoted\u{201D}", "が", "UPPER"
    ]
    static let badAudio = ["empty", "text", "nan", "silent", "short", "dangling"]
    static let badLabels = ["missing label", "empty label", "shift-jis"]

    /// Makes `<folder>/SPK`, with a label beside each recording.
    static func make(_ folder: String) throws {
        let speaker = folder + "/SPK"
        try FileManager.default.createDirectory(atPath: speaker, withIntermediateDirectories: true)
        func tone(_ seconds: Double, _ rate: Int, channels: Int = 1) -> AudioBuffer {
            let count = Int(seconds * Double(rate))
            let wave = (0 ..< count).map { i -> Float in
                let t = Double(i) / Double(rate)
                return Float(
                    0.3 * sin(2 * .pi * 220 * t) * (0.6 + 0.4 * sin(2 * .pi * 3 * t)) + 0.05 * sin(2 * .pi * 880 * t))
            }
            return AudioBuffer(
                channels: (0 ..< channels).map { c in wave.map { $0 * (c == 0 ? 1 : 0.8) } }, sampleRate: rate)
        }
        func write(
            _ name: String, _ buffer: AudioBuffer, _ subtype: AudioSubtype = .pcm16, suffix: String = "wav",
            label: Data? = Data("こんにちは world".utf8)
        ) throws {
            let path = "\(speaker)/\(name).\(suffix.lowercased())"
            try AudioFile.write(path, buffer, subtype: subtype)
            if suffix != suffix.lowercased() {
                try FileManager.default.moveItem(atPath: path, toPath: "\(speaker)/\(name).\(suffix)")
            }
            if let label { try label.write(to: URL(fileURLWithPath: "\(speaker)/\(name).lab")) }
        }
        func raw(_ name: String, _ data: Data) throws {
            try data.write(to: URL(fileURLWithPath: "\(speaker)/\(name)"))
            try Data("hello".utf8).write(
                to: URL(fileURLWithPath: "\(speaker)/\((name as NSString).deletingPathExtension).lab"))
        }
        try write("good one", tone(1.2, 44100))
        try write("24bit", tone(1, 44100), .pcm24)
        try write("float", tone(1, 44100), .float)
        try write("stereo", tone(1, 44100, channels: 2))
        try write("8kHz", tone(1.1, 8000))
        try write("96kHz", tone(1, 96000))
        try write("it's 100% \u{201C}quoted\u{201D}", tone(1, 22050))
        // A name as a Mac writes it: the label composed, the recording decomposed.
        try write("か\u{3099}", tone(1, 44100), label: nil)
        try Data("がぎぐ".utf8).write(to: URL(fileURLWithPath: "\(speaker)/が.lab"))
        try write("UPPER", tone(1, 44100), suffix: "WAV")
        try raw("empty.mp3", Data())
        try raw("text.wav", Data("this is no sound at all, only words\n".utf8))
        var nan = tone(1, 44100)
        nan.channels[0][1000] = .nan
        try floatWave(nan, "\(speaker)/nan.wav")
        try Data("hello".utf8).write(to: URL(fileURLWithPath: "\(speaker)/nan.lab"))
        try write("silent", AudioBuffer(mono: [Float](repeating: 0, count: 44100), sampleRate: 44100))
        try write("short", tone(0.02, 44100))
        try FileManager.default.createSymbolicLink(
            atPath: "\(speaker)/dangling.wav", withDestinationPath: "/nonexistent/clip.wav")
        try write("missing label", tone(1, 44100), label: nil)
        try write("empty label", tone(1, 44100), label: Data())
        try write(
            "shift-jis", tone(1, 44100), label: Data([0x93, 0xFA, 0x96, 0x7B, 0x8C, 0xEA, 0x82, 0xC5, 0x82, 0xB7]))
        try write("bom label", tone(1, 44100), label: Data([0xEF, 0xBB, 0xBF]) + Data("marked".utf8))
        try write("utf16 label", tone(1, 44100), label: Data([0xFF, 0xFE]) + "sixteen".data(using: .utf16LittleEndian)!)
    }

    /// A float wav of these samples whatever they are; the library rightly refuses to write NaN.
    private static func floatWave(_ buffer: AudioBuffer, _ path: String) throws {
        func little(_ value: Int, _ bytes: Int) -> Data {
            Data((0 ..< bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
        }
        let data = buffer.channels[0].withUnsafeBytes { Data($0) }
        let rate = buffer.sampleRate
        var file = Data("RIFF".utf8) + little(36 + data.count, 4) + Data("WAVEfmt ".utf8) + little(16, 4)
        file += little(3, 2) + little(1, 2) + little(rate, 4) + little(rate * 4, 4) + little(4, 2) + little(32, 2)
        file += Data("data".utf8) + little(data.count, 4) + data
        try file.write(to: URL(fileURLWithPath: path))
    }
}
