import Audio
import Foundation
import Support

extension FuzzReader {
    static let audio: [FuzzReader] = [
        audio(
            "wav",
            [
                "odd_chunks_mono_16000.wav", "u8_mono_16000.wav", "extensible_stereo_16000.wav",
                "float32_mono_22050.wav", "pcm24_mono_22050.wav"
            ],
            ["RIFF", "WAVE", "fmt ", "data", "LIST", "RF64", "ds64", "fact", "RIFX", "\u{FF}\u{FF}\u{FF}\u{FF}"]),
        audio("flac", ["pcm24_mono.flac", "pcm16_stereo.flac"], ["fLaC", "\u{84}\0\0\u{28}"]),
        audio(
            "ogg", ["vorbis_mono.ogg", "vorbis_stereo.ogg"],
            ["OggS", "\u{1}vorbis", "\u{3}vorbis", "\u{5}vorbis", "OpusHead", "OpusTags", "\u{7F}FLAC"]),
        audio("opus", [], ["OggS", "OpusHead", "OpusTags"]),
        audio(
            "mp3",
            [
                "cbr48_mono_22050_no_lame_tag.mp3", "cbr64_mono_22050.mp3", "vbr_v2_mono_44100_id3v2.mp3",
                "cbr128_joint_48000.mp3"
            ],
            ["ID3\u{4}\0\0", "ID3\u{3}\0\0", "APIC", "TAG", "APETAGEX", "Xing", "Info", "LAME", "VBRI"]),
        audio("aiff", [], ["FORM", "AIFF", "AIFC", "COMM", "SSND", "FVER", "sowt", "NONE"])
    ]

    /// Header, whole file, a piece of it, and the measures that a stage takes of a clip.
    private static func audio(_ suffix: String, _ names: [String], _ words: [String]) -> FuzzReader {
        FuzzReader(
            suffix, maxLength: 12_000, dictionary: words,
            seeds: {
                // The beginning of a recording has all that these formats are made of.
                let cut = try names.flatMap { try Seeds.vectors("audio/" + $0) }.map { Array($0.prefix(11_000)) }
                return switch suffix {
                case "aiff": [try aiff(voice)]
                case "wav": [try written(suffix), rf64(voice)] + cut
                default: [try written(suffix)] + cut
                }
            }
        ) { bytes in
            let path = Scratch.file("clip." + suffix, bytes)
            let info = try? AudioFile.info(path)
            let (buffer, _, _) = try AudioFile.read(path)
            precondition(buffer.sampleRate > 0, "\(suffix): sound of no rate")
            _ = buffer.peak
            guard let info, info.duration > 0.02 else { return }
            _ = try? AudioFile.read(path, ReadOptions(mono: false, offset: 0.01, duration: 0.05))
            // A rate that no recorder has asks for much work, or makes much of little.
            if !(8000 ... 48000).contains(info.sampleRate) {
                _ = try? AudioFile.read(path, ReadOptions(sampleRate: 44100))
            }
        }
    }

    // MARK: good files

    /// A quarter of a second at 16 kHz.
    private static let voice = (0 ..< 4000).map { index -> Float in
        let time = Float(index), swell: Float = 0.6 + 0.4 * sin(time * 0.002)
        return 0.3 * swell * sin(time * 0.09)
    }

    private static func written(_ suffix: String) throws -> [UInt8] {
        let path = Scratch.folder + "/seed." + suffix
        try AudioFile.write(path, AudioBuffer(mono: voice, sampleRate: 16000))
        return try MappedFile.contents(path)
    }

    /// The form of WAV for more than 4 GB: its sizes stand in a chunk of their own.
    private static func rf64(_ samples: [Float]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples.flatMap { little(Int($0 * 32767), 2) }
        let sizes = little(data.count + 72, 8) + little(data.count, 8) + little(samples.count, 8) + little(0, 4)
        let format = little(1, 2) + little(1, 2) + little(16000, 4) + little(32000, 4) + little(2, 2) + little(16, 2)
        var file = Array("RF64".utf8) + little(-1, 4) + Array("WAVEds64".utf8) + little(sizes.count, 4) + sizes
        file += Array("fmt ".utf8) + little(format.count, 4) + format
        return file + Array("data".utf8) + little(-1, 4) + data
    }

    private static func aiff(_ samples: [Float]) throws -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples.flatMap { big(Int($0 * 32767), 2) }
        // 16 000 as an 80-bit float: exponent 16383 + 13, mantissa 16000 / 2^13.
        let rate = big(16383 + 13, 2) + big(0xFA00, 2) + big(0, 6)
        let common = Array("COMM".utf8) + big(18, 4) + big(1, 2) + big(samples.count, 4) + big(16, 2) + rate
        let sound = Array("SSND".utf8) + big(data.count + 8, 4) + big(0, 8) + data
        return Array("FORM".utf8) + big(4 + common.count + sound.count, 4) + Array("AIFF".utf8) + common + sound
    }
}
