import Audio
import Foundation
import Support

extension FuzzReader {
    static let audio: [FuzzReader] = [
        audio(
            "wav", longest: 3000,
            ["RIFF", "WAVE", "fmt ", "data", "LIST", "RF64", "ds64", "fact", "RIFX", "\u{FF}\u{FF}\u{FF}\u{FF}"]
        ) {
            let names = ["odd_chunks_mono_16000", "u8_mono_16000", "extensible_stereo_16000", "float32_mono_22050"]
            return try [written("wav"), rf64(voice)]
                + names.flatMap { try Seeds.vectors("audio/\($0).wav") }.map { shortened(wave: $0) }
        },
        audio("flac", longest: 3000, ["fLaC", "\u{84}\0\0\u{28}"]) {
            try [written("flac"), written("flac", channels: 2), written("flac", subtype: .pcm24)]
        },
        // Of Vorbis, the codebooks alone are 4 kB.
        audio(
            "ogg", longest: 8000,
            ["OggS", "\u{1}vorbis", "\u{3}vorbis", "\u{5}vorbis", "OpusHead", "OpusTags", "\u{7F}FLAC"]
        ) { try [written("ogg"), written("ogg", rate: 44100, channels: 2)] },
        // The same behind the checksums: what mutations make of a page is as its writer meant it.
        audio(
            "ogg", named: "ogg-pages", longest: 8000,
            ["\u{1}vorbis", "\u{3}vorbis", "\u{5}vorbis", "BCV", "OpusHead", "OpusTags", "\u{7F}FLAC"],
            mended: OggPages.mended
        ) {
            try [written("ogg"), written("ogg", rate: 44100, channels: 2), written("opus")]
                + [OggPages.unfolding(codebooks: 2)]
        },
        audio("opus", longest: 3000, ["OggS", "OpusHead", "OpusTags"]) {
            try [written("opus"), written("opus", channels: 2)]
        },
        audio(
            "mp3", longest: 4000,
            ["ID3\u{4}\0\0", "ID3\u{3}\0\0", "APIC", "TAG", "APETAGEX", "Xing", "Info", "LAME", "VBRI"]
        ) {
            // The three versions of MPEG; frames alone, without their tag; tags of other programs on both sides.
            let tagged = try [8000, 22050, 44100].map { try written("mp3", rate: $0, channels: $0 == 44100 ? 2 : 1) }
            let frames = try Seeds.vectors("audio/cbr48_mono_22050_no_lame_tag.mp3").map { Array($0.prefix(1250)) }
            let id3 = Array("ID3\u{4}\0\0\0\0\0\u{A}0123456789".utf8), id3v1 = Array("TAG".utf8) + zeros(125)
            return tagged + frames + [id3 + tagged[0] + id3v1, frames[0] + zeros(400), tagged[0] + tagged[1]]
        },
        audio("aiff", longest: 3000, ["FORM", "AIFF", "AIFC", "COMM", "SSND", "FVER", "sowt", "NONE"]) {
            [try aiff(voice)]
        },
        // Containers and codings that are read and not written: ADPCM, ALAC, GSM, G.72x, DWVW.
        audio(
            "wav", named: "codings", longest: 5000,
            [
                "caff", "desc", "kuki", "pakt", "data", "alac", "free", ".snd", "riff", "RIFF", "fmt ", "fact", "FORM",
                "COMM", "SSND"
            ]
        ) { try CodedSound.all.map { try $0.file(voice) } }
    ]

    /// Header, whole file in one pass, and of short ones a piece. Seeds are tens of milliseconds at 8 kHz: a second of
    /// sound has nothing more for a parser, and costs twenty times as much.
    /// - Parameter mended: what becomes of the bytes before they are read.
    private static func audio(
        _ suffix: String, named name: String? = nil, longest: Int, _ words: [String],
        mended: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 }, seeds: @escaping @Sendable () throws -> [[UInt8]]
    ) -> FuzzReader {
        FuzzReader(name ?? suffix, maxLength: longest, dictionary: words, seeds: seeds) { bytes in
            let path = Scratch.file("clip." + suffix, mended(bytes))
            let reader = try AudioReader(path), info = reader.info
            precondition(info.sampleRate > 0 && info.channels > 0, "\(suffix): sound of no rate")
            var frames = 0
            while let piece = try reader.next() { frames += piece.frames }
            // A file of a few kB that goes on for long says nothing new by a second pass.
            guard frames > 0, info.frames < 1 << 14 else { return }
            let middle = info.duration / 2
            _ = try? AudioFile.read(path, ReadOptions(mono: false, offset: middle, duration: middle / 2))
            // Rates that no recorder has ask for much work, or make much of little: a few of them, since the filter of
            // any other takes longer than the file.
            guard [21, 60, 100, 8000, 22050, 96000, 192_000, 1_536_000].contains(info.sampleRate),
                Resampler.length(info.frames, from: info.sampleRate, to: 44100) < 1 << 20
            else { return }
            _ = try? AudioFile.read(path, ReadOptions(sampleRate: 44100))
        }
    }

    // MARK: good files

    /// 80 ms at 8 kHz.
    private static let voice = sound(frames: 640)

    private static func sound(frames: Int) -> [Float] {
        (0 ..< frames).map { index in
            let time = Float(index), swell: Float = 0.6 + 0.4 * sin(time * 0.02)
            return 0.3 * swell * sin(time * 0.18)
        }
    }

    private static func written(
        _ suffix: String, rate: Int = 8000, channels: Int = 1, subtype: AudioSubtype? = nil
    ) throws -> [UInt8] {
        let path = Scratch.folder + "/seed." + suffix, samples = sound(frames: rate * 2 / 25)
        let buffer = AudioBuffer(channels: [[Float]](repeating: samples, count: channels), sampleRate: rate)
        try AudioFile.write(path, buffer, subtype: subtype)
        return try RegularFile.contents(path)
    }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// Its first 400 bytes of samples, with what stands before them.
    private static func shortened(wave: [UInt8]) -> [UInt8] {
        let name = Array("data".utf8)
        guard let place = wave.indices.first(where: { wave[$0...].starts(with: name) }), place + 408 < wave.count
        else { return wave }
        return Array(wave[..<(place + 4)]) + [0x90, 1, 0, 0] + Array(wave[(place + 8)...].prefix(400))
    }

    /// The form of WAV for more than 4 GB: its sizes stand in a chunk of their own.
    private static func rf64(_ samples: [Float]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples.flatMap { little(Int($0 * 32767), 2) }
        let sizes = little(data.count + 72, 8) + little(data.count, 8) + little(samples.count, 8) + little(0, 4)
        let format = little(1, 2) + little(1, 2) + little(8000, 4) + little(16000, 4) + little(2, 2) + little(16, 2)
        var file = Array("RF64".utf8) + little(-1, 4) + Array("WAVEds64".utf8) + little(sizes.count, 4) + sizes
        file += Array("fmt ".utf8) + little(format.count, 4) + format
        return file + Array("data".utf8) + little(-1, 4) + data
    }

    private static func aiff(_ samples: [Float]) throws -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] {
            (0 ..< count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let data = samples.flatMap { big(Int($0 * 32767), 2) }
        // 8000 as an 80-bit float: exponent 16383 + 12, mantissa 8000 / 2^12.
        let rate = big(16383 + 12, 2) + big(0xFA00, 2) + big(0, 6)
        let common = Array("COMM".utf8) + big(18, 4) + big(1, 2) + big(samples.count, 4) + big(16, 2) + rate
        let sound = Array("SSND".utf8) + big(data.count + 8, 4) + big(0, 8) + data
        return Array("FORM".utf8) + big(4 + common.count + sound.count, 4) + Array("AIFF".utf8) + common + sound
    }
}
