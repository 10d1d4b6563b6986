import Foundation
import TestSupport
import XCTest

/// Recordings, labels, codes and names as people and broken tools bring them, row by row: each has its exit code,
/// its words, and harms no file.
final class BadInputTests: XCTestCase {
    private static let tiny = OpahProcess.checkout + "/examples/checkpoints/tiny"
    private static let extract = [
        "run", "extract-vq", "data", "--config-name", tiny + "/codec.lua", "--checkpoint-path", tiny + "/codec.pth"
    ]
    private static let pack = [
        "run", "build-dataset", "--input", "data", "--output", "protos", "--text-extension", ".lab"
    ]
    private static let loud = ["run", "loudness-norm", "data", "out"]
    private static let label: BadInput.Content = .text("Hello there.")
    private static let good: [String: BadInput.Content] = ["data/S/good.mp3": .mp3, "data/S/good.lab": label]

    private func check(_ rows: [BadInput]) throws { for row in rows { try row.check() } }

    private static func with(_ files: [String: BadInput.Content]) -> [String: BadInput.Content] {
        good.merging(files) { $1 }
    }

    func testRecordings() throws {
        let tone = BadInput.Content.tone(33075)
        let clip = "data/S/x.wav"
        var broken = tone
        broken[11025] = .nan
        var endless = tone
        endless[22050] = .infinity
        try check([
            BadInput(
                name: "empty files",
                files: Self.with(["data/S/e.mp3": .text(""), "data/S/f.wav": .text(""), "data/S/e.lab": Self.label]),
                command: Self.extract, code: 3,
                says: ["e.mp3.*empty file", "f.wav.*empty file"], makes: ["data/S/good.npy"]),
            BadInput(
                name: "other content than the name says",
                files: [
                    "data/S/a.wav": .mp3, "data/S/b.mp3": .wave(tone),
                    "data/S/c.mp3": .text("<!DOCTYPE html><html><body>404</body></html>")
                ],
                command: Self.extract, code: 3, says: ["a.wav.*MP3", "b.mp3.*WAV", "c.mp3.*HTML"],
                makes: ["data/S/a.npy", "data/S/b.npy"], doesNotMake: ["data/S/c.npy"]),
            BadInput(
                name: "suffixes in capitals",
                files: ["data/S/a.MP3": .mp3, "data/S/b.Wav": .wave(tone), "data/S/c.FLAC": .flac],
                command: Self.extract, code: 0, says: [],
                makes: ["data/S/a.npy", "data/S/b.npy", "data/S/c.npy"]),
            BadInput(
                name: "sizes that lie",
                files: ["data/S/z.wav": .wave(tone, sizes: 0), "data/S/f.wav": .wave(tone, sizes: .max)],
                command: Self.extract, code: 0,
                says: ["z.wav.*size", "f.wav.*size"], makes: ["data/S/z.npy", "data/S/f.npy"]),
            BadInput(
                name: "opposite channels", files: Self.with([clip: .wave(tone.flatMap { [$0, -$0] }, channels: 2)]),
                command: Self.extract, code: 3, says: ["x.wav.*(cancel|phase)"]),
            BadInput(
                name: "six channels",
                files: [clip: .wave(tone.flatMap { [Double](repeating: $0, count: 6) }, channels: 6)],
                command: Self.extract, code: 0, says: ["x.wav.*channels"], makes: ["data/S/x.npy"]),
            BadInput(
                name: "a low rate", files: [clip: .voice(12000, rate: 8000)], command: Self.extract, code: 0,
                says: ["x.wav.*(8000|4000)"], makes: ["data/S/x.npy"]),
            BadInput(
                name: "shorter than a token",
                files: Self.with([
                    "data/S/n1.wav": .wave([0.5], rate: 44100), "data/S/n511.wav": .voice(511, rate: 44100)
                ]),
                command: Self.extract, code: 3,
                says: ["n1.wav.*shorter than one token", "n511.wav.*shorter than one token"],
                doesNotMake: ["data/S/n511.npy"]),
            BadInput(
                name: "samples that are no numbers",
                files: Self.with([
                    "data/S/nan.wav": .wave(broken, float: true), "data/S/inf.wav": .wave(endless, float: true)
                ]), command: Self.loud, code: 3,
                says: ["nan.wav.*sample 11025.*0[.:]5", "inf.wav.*sample 22050.*1"], makes: ["out/S/good.mp3"],
                doesNotMake: ["out/S/nan.wav", "out/S/inf.wav"]),
            BadInput(
                name: "silence has no codes", files: Self.with([clip: .wave([Double](repeating: 0, count: 40000))]),
                command: Self.extract, code: 3, says: ["x.wav.*(silen|zero)"], doesNotMake: ["data/S/x.npy"]),
            BadInput(
                name: "clipped, and beside zero",
                files: ["data/S/clip.wav": .voice(33075, loud: 5), "data/S/dc.wav": .wave(tone.map { $0 + 0.4 })],
                command: Self.extract, code: 0,
                says: ["clip.wav.*cut off at full scale", "dc.wav.*(DC|offset|mean)"]),
            BadInput(
                name: "a rate below zero is refused once", files: ["data/S/a.mp3": .mp3, "data/S/b.mp3": .otherMP3],
                command: ["run", "resample", "data", "out", "--sampling-rate", "-5"], code: 2,
                says: ["sampling.rate.*-5|-5.*sampling.rate"], doesNotMake: ["out"])
        ])
    }

    func testLabels() throws {
        func clips(_ labels: [String: BadInput.Content]) -> [String: BadInput.Content] {
            var files: [String: BadInput.Content] = [:]
            for index in 0 ..< max(6, labels.count + 1) {
                (files["data/S/g\(index).npy"], files["data/S/g\(index).lab"]) = (
                    .npy([8, 20], first: index), Self.label
                )
            }
            for (name, content) in labels {
                (files["data/S/\(name).npy"], files["data/S/\(name).lab"]) = (.npy([8, 20], first: 300), content)
            }
            return files
        }
        var unlabelled = clips([:])
        var mostlyUnlabelled = clips([:])
        var otherSuffix: [String: BadInput.Content] = [:]
        unlabelled["data/S/g5.lab"] = nil
        for index in 2 ..< 6 { mostlyUnlabelled["data/S/g\(index).lab"] = nil }
        for index in 0 ..< 3 {
            (otherSuffix["data/S/\(index).npy"], otherSuffix["data/S/\(index).txt"]) = (.npy([8, 20]), Self.label)
        }
        try check([
            BadInput(
                name: "one label missing", files: unlabelled, command: Self.pack, code: 3,
                says: ["g5.*(label|text|\\.lab)"]),
            BadInput(
                name: "most labels missing", files: mostlyUnlabelled, command: Self.pack, code: 1,
                says: ["4 of 6|half"], doesNotMake: ["protos/00000000.protos"]),
            BadInput(
                name: "labels without words",
                files: clips([
                    "e": .text(""), "s": .text("  \n\t "), "p": .text("...!?、。"), "t": .text("<laugh> <b>"),
                    "z": .text("\u{200B}\u{FEFF}")
                ]), command: Self.pack, code: 3,
                says: ["e", "s", "p", "t", "z"].map { $0 + "\\.(npy|lab).*no text" }),
            BadInput(
                name: "encodings",
                files: clips([
                    "sj": .bytes(
                        Data([
                            0x82, 0xB1, 0x82, 0xF1, 0x82, 0xC9, 0x82, 0xBF, 0x82, 0xCD, 0x81, 0x41, 0x90, 0xA2, 0x8A,
                            0x45
                        ])),
                    "cp": .bytes(
                        Data("O".utf8) + Data([0xF9]) + Data(" ".utf8) + Data([0xEA]) + Data("tes-vous d".utf8)
                            + Data([0xE9, 0x6A, 0xE0]))
                ]), command: Self.pack, code: 3,
                says: ["(?s)sj.lab.*CP932", "(?s)cp.lab.*1252", "--label-encoding"]),
            BadInput(
                name: "NUL", files: clips(["nul": .text("a\0b")]), command: Self.pack, code: 3, says: ["nul.*NUL"]),
            BadInput(
                name: "a line of a list, and JSON",
                files: clips([
                    "l": .text("data/S/x.wav|S|EN|Hello there"), "j": .text(#"{"text": "Hello", "speaker": "S"}"#)
                ]), command: Self.pack, code: 3, says: ["l\\..*list", "j\\..*JSON"]),
            BadInput(
                name: "labels of another suffix", files: otherSuffix, command: Self.pack, code: 1,
                says: ["\\.txt", "--text-extension \\.txt"], doesNotMake: ["protos/00000000.protos"])
        ])
    }

    func testCodes() throws {
        var files: [String: BadInput.Content] = [:]
        let bad: [String: BadInput.Content] = [
            "float": .npy([8, 20], type: "<f4"), "one": .npy([160]), "three": .npy([1, 8, 20]),
            "turned": .npy([20, 8]), "four": .npy([4, 20]), "nine": .npy([9, 20]),
            "big": .npy([8, 20], first: 5000), "negative": .npy([8, 20], first: -500), "none": .npy([8, 0]),
            "words": .text("not an array"), "empty": .text("")
        ]
        for index in 0 ..< 12 {
            (files["data/S/g\(index).npy"], files["data/S/g\(index).lab"]) = (.npy([8, 20], first: index), Self.label)
        }
        for (name, content) in bad {
            (files["data/S/\(name).npy"], files["data/S/\(name).lab"]) = (content, Self.label)
        }
        var uncoded: [String: BadInput.Content] = [:]
        for index in 0 ..< 5 { (uncoded["data/S/\(index).mp3"], uncoded["data/S/\(index).lab"]) = (.mp3, Self.label) }
        try check([
            BadInput(
                name: "arrays that are no codes", files: files, command: Self.pack, code: 3,
                says: bad.keys.map { "S/\($0)\\.npy" }, makes: ["protos/00000000.protos"]),
            BadInput(
                name: "no codes at all", files: uncoded, command: Self.pack, code: 1,
                says: ["none of the 5", "0.mp3: has no codes", "extract"], doesNotMake: ["protos/00000000.protos"])
        ])
    }

    func testNamesAndLinks() throws {
        let names = [
            "with space", "per%20cent%s%n", "ha#sh", "q'uo\"te", "-dash", "new\nline",
            String(repeating: "x", count: 251), "日本 語", "$(touch evil)", "`touch evil`", "semi;colon|pipe",
            "*glob?[a]", "back\\slash", "dots..x"
        ]
        let strange = Dictionary(uniqueKeysWithValues: names.map { ("data/S/\($0).mp3", BadInput.Content.mp3) })
        try check([
            BadInput(
                name: "strange names", files: strange, command: Self.extract, code: 0, says: [],
                makes: names.map { "data/S/\($0).npy" }, doesNotMake: ["evil"]),
            BadInput(
                name: "two recordings of a name", files: ["data/S/a.mp3": .mp3, "data/S/a.wav": .voice(33075)],
                command: Self.extract, code: 1, says: ["a\\.mp3", "a\\.wav"], doesNotMake: ["data/S/a.npy"]),
            BadInput(
                name: "what systems leave behind",
                files: Self.with([
                    "data/S/._good.mp3": .text("\0\u{5}\u{16}\u{7}"), "data/S/.DS_Store": .text("x"),
                    "data/S/Thumbs.db": .text("x"), "data/S/x.wav/in.txt": .text("x"),
                    "data/.git/a.mp3": .mp3
                ]), command: Self.loud, code: 0, says: ["1 clips"], makes: ["out/S/good.mp3"],
                doesNotMake: ["out/S/._good.mp3"]),
            BadInput(
                name: "links",
                files: Self.with([
                    "real/c.mp3": .mp3, "data/S/dangling.mp3": .link("/nonexistent/clip"), "data/S/loop": .link(".."),
                    "data/T": .link("../real"), "data/self": .link("self")
                ]),
                command: Self.extract, code: 3, says: ["dangling.mp3.*link"], makes: ["real/c.npy"]),
            BadInput(
                name: "the output is a file", files: Self.with(["out": .text("keep me")]), command: Self.loud, code: 1,
                says: ["out.*(file|folder|directory)"]),
            BadInput(
                name: "no input", files: [:], command: ["run", "loudness-norm", "nothing", "out"], code: 2,
                says: ["nothing"], doesNotMake: ["out"])
        ])
    }
}
