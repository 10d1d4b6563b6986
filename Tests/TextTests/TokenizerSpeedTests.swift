import XCTest
import Foundation
import Support
import Text
import TestSupport

/// A vocabulary of the size of the real model's, made up: speed, and agreement with the plainest way to
/// apply merges.
final class TokenizerSpeedTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("opah-speed-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    func testLargeVocabulary() throws {
        var random = SeededGenerator(state: 7)
        let (vocabulary, merges) = makeMerges(count: 31_700, &random)
        let tokens = ConfigValue.map(
            vocabulary.enumerated().reduce(into: ConfigMap()) { $0[$1.element] = .int($1.offset) })
        let file: ConfigValue = [
            "added_tokens": [["id": .int(vocabulary.count), "content": "<|im_end|>", "special": true]],
            "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true],
            "decoder": ["type": "ByteLevel"],
            "model": ["type": "BPE", "vocab": tokens, "merges": .list(merges.map { .list([.string($0), .string($1)]) })]
        ]
        let json = JSON.encode(file, indent: 2)
        try Data(json.utf8).write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
        print("tokenizer.json: \(json.utf8.count) bytes")

        var tokenizer = try Tokenizer(directory: folder)
        var start = Date()
        for _ in 0 ..< 5 { tokenizer = try Tokenizer(directory: folder) }
        print("load: \((Date().timeIntervalSince(start) * 200).rounded()) ms for \(tokenizer.count) tokens")

        // Words of three to twelve letters, as often as words of a language come back.
        let words = (0 ..< 20_000).map { _ in randomWord(3 ... 12, &random) }
        var text = ""
        while text.utf8.count < 4_000_000 {
            let pick = Double.random(in: 0 ..< 1, using: &random)
            text += words[Int(pick * pick * pick * 20_000)] + (pick < 0.1 ? ", " : " ")
        }
        start = Date()
        let ids = try tokenizer.encode(text)
        let seconds = Date().timeIntervalSince(start)
        print(
            "encode: \(Double(text.utf8.count) / seconds / 1e6) MB/s, \(Double(text.utf8.count) / Double(ids.count)) bytes per token"
        )
        start = Date()
        let back = try tokenizer.decode(ids)
        print("decode: \(Double(text.utf8.count) / Date().timeIntervalSince(start) / 1e6) MB/s")
        XCTAssertEqual(back, text)

        var ranks: [String: Int] = [:]
        for (rank, merge) in merges.enumerated() where ranks[merge.0 + " " + merge.1] == nil {
            ranks[merge.0 + " " + merge.1] = rank
        }
        for word in words.prefix(2000) {
            XCTAssertEqual(try tokenizer.encode(word).map { vocabulary[$0] }, plainMerges(word, ranks), word)
        }
    }

    /// Joins the leftmost pair of the lowest rank until there is none.
    private func plainMerges(_ word: String, _ ranks: [String: Int]) -> [String] {
        var parts = word.map(String.init)
        while let best = parts.indices.dropLast().compactMap({ i in
            ranks[parts[i] + " " + parts[i + 1]].map { (rank: $0, place: i) }
        })
        .min(by: { ($0.rank, $0.place) < ($1.rank, $1.place) }) {
            parts.replaceSubrange(best.place ... (best.place + 1), with: [parts[best.place] + parts[best.place + 1]])
        }
        return parts
    }

    private func makeMerges(count: Int, _ random: inout SeededGenerator) -> ([String], [(String, String)]) {
        let printable = (0x21 ... 0x7E).map { String(Unicode.Scalar($0 as UInt8)) }
        var vocabulary = printable + (0x100 ... 0x120).map { String(Unicode.Scalar($0 as UInt32)!) }
        var known = Set(vocabulary)
        var letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
        var merges: [(String, String)] = []
        while merges.count < count {
            let left = Int.random(in: 0 ..< 10, using: &random) == 0 ? "Ġ" : letters.randomElement(using: &random)!
            let right = letters.randomElement(using: &random)!
            guard left.count + right.count <= 9, known.insert(left + right).inserted else { continue }
            vocabulary.append(left + right)
            merges.append((left, right))
            if left != "Ġ" { letters.append(left + right) }
        }
        return (vocabulary, merges)
    }

    private func randomWord(_ length: ClosedRange<Int>, _ random: inout SeededGenerator) -> String {
        String(
            (0 ..< Int.random(in: length, using: &random)).map { _ in
                "abcdefghijklmnopqrstuvwxyz".randomElement(using: &random)!
            })
    }
}

private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
