import Foundation
import TestSupport
import XCTest

/// One row of the table of bad inputs: what lies in the folder, what is run, what the program says
/// and does about it.
struct BadInput: Sendable {
    let name: String
    /// Made in an empty folder; paths from there.
    let files: [String: Content]
    let command: [String]
    /// nil where 1 (failed) and 2 (wrong usage) are both right.
    let code: Int32?
    /// Regular expressions, each found somewhere in what is said; letter case does not count.
    let says: [String]
    /// Files that must be there afterwards, and files that must not.
    var makes: [String] = [], doesNotMake: [String] = []
    /// Files that the command itself is meant to write to, else every given file keeps its bytes.
    var changes: [String] = []

    enum Content: Sendable {
        case bytes(Data)
        case link(String)
        case folder
        static func text(_ text: String) -> Content { .bytes(Data(text.utf8)) }
    }

    func check() throws {
        let folder = try TestFolder("bad")
        for (path, content) in files { try Self.make(content, folder(path)) }
        let before = Self.contents(folder.path)
        let result = try OpahProcess.run(
            command.map { $0.replacing("{folder}", with: folder.path) }, folder: folder.path)
        let said = result.output + result.errors
        XCTAssertTrue(
            code.map { $0 == result.code } ?? [1, 2].contains(result.code), "\(name): exit code \(result.code): \(said)"
        )
        for words in says {
            XCTAssertNotNil(
                said.range(of: words, options: [.regularExpression, .caseInsensitive]),
                "\(name): says nothing like \(words): \(said)")
        }
        for slip in ["attempt to ", "Fatal error", "stack traceback", "nil value"] {
            XCTAssertFalse(said.contains(slip), "\(name): \(said)")
        }
        for path in makes {
            XCTAssertTrue(FileManager.default.fileExists(atPath: folder(path)), "\(name): no \(path): \(said)")
        }
        for path in doesNotMake {
            XCTAssertFalse(FileManager.default.fileExists(atPath: folder(path)), "\(name): made \(path): \(said)")
        }
        let after = Self.contents(folder.path)
        for (path, content) in before where !changes.contains(where: { path.hasPrefix($0) }) {
            XCTAssertEqual(after[path], content, "\(name): \(path) was changed")
        }
    }

    private static func make(_ content: Content, _ path: String) throws {
        let files = FileManager.default
        try files.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        switch content {
        case .bytes(let data): try data.write(to: URL(fileURLWithPath: path))
        case .link(let target): try files.createSymbolicLink(atPath: path, withDestinationPath: target)
        case .folder: try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
    }

    private static func contents(_ folder: String) -> [String: Data] {
        var result: [String: Data] = [:]
        for path in FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? [] {
            result[path] = FileManager.default.contents(atPath: folder + "/" + path) ?? Data()
        }
        return result
    }
}

// MARK: what the rows are made of

extension BadInput.Content {
    /// A file of the checkout.
    static func example(_ path: String) -> Self {
        .bytes((try? Data(contentsOf: URL(fileURLWithPath: OpahProcess.checkout + "/" + path))) ?? Data())
    }

    static let mp3 = example("examples/data/Alice/0.00-2.10.mp3")
    static let otherMP3 = example("examples/data/Alice/12.0-14.2.mp3")
    static let flac = example("examples/data/Alice/2.10-4.80.flac")

    /// 16-bit PCM; frames of `channels` samples.
    /// - Parameters:
    ///   - sizes: what the header says instead of the sizes of the file and of its data.
    ///   - float: 32-bit floating point instead.
    static func wave(
        _ samples: [Double], rate: Int = 22050, channels: Int = 1, sizes: UInt32? = nil, float: Bool = false
    ) -> Self {
        func little(_ value: some FixedWidthInteger) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
        let width = float ? 4 : 2
        let data = samples.reduce(into: Data()) { data, sample in
            if float {
                data += little(Float(sample).bitPattern)
            } else {
                data += little(Int16(max(-1, min(1, sample)) * 32767))
            }
        }
        var file =
            Data("RIFF".utf8) + little(sizes ?? UInt32(36 + data.count)) + Data("WAVEfmt ".utf8) + little(UInt32(16))
        file +=
            little(UInt16(float ? 3 : 1)) + little(UInt16(channels)) + little(UInt32(rate))
            + little(UInt32(rate * channels * width))
        file += little(UInt16(channels * width)) + little(UInt16(8 * width))
        return .bytes(file + Data("data".utf8) + little(sizes ?? UInt32(data.count)) + data)
    }

    /// Something like a voice: 220 Hz that swells.
    static func tone(_ frames: Int, rate: Int = 22050, loud: Double = 0.3) -> [Double] {
        (0 ..< frames).map {
            loud * sin(2 * .pi * 220 * Double($0) / Double(rate)) * (0.6 + 0.4 * sin(Double($0) / 900))
        }
    }

    static func voice(_ frames: Int, rate: Int = 22050, loud: Double = 0.3) -> Self {
        wave(tone(frames, rate: rate, loud: loud), rate: rate)
    }

    /// A `.npy` of this shape whose elements count up from `first`.
    static func npy(_ shape: [Int], type: String = "<i4", first: Int = 0) -> Self {
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(dimensions)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        var file =
            Data([0x93]) + Data("NUMPY\u{1}\0".utf8)
            + withUnsafeBytes(of: UInt16(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8)
        for index in 0 ..< shape.reduce(1, *) {
            if type == "<f4" {
                withUnsafeBytes(of: Float(first + index % 500) + 0.5) { file += $0 }
            } else {
                withUnsafeBytes(of: Int32(first + index % 500).littleEndian) { file += $0 }
            }
        }
        return .bytes(file)
    }
}
