import XCTest
import Foundation
import Support
import Text
import TestSupport

/// Files that try to crash, hang or fill the memory, and settings that no reference tokenizer uses.
final class HostileTokenizerTests: XCTestCase {
    private var folder = ""

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("opah-hostile-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: folder) }

    private func tokenizer(_ json: String, config: String? = nil) throws -> Tokenizer {
        try Data(json.utf8).write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
        try Data((config ?? "{}").utf8).write(to: URL(fileURLWithPath: folder + "/tokenizer_config.json"))
        return try Tokenizer(directory: folder)
    }

    private func model(_ vocabulary: String, merges: String = "[]", more: String = "") -> String {
        #""model": {"type": "BPE", "vocab": \#(vocabulary), "merges": \#(merges)\#(more)}"#
    }

    func testRefusals() throws {
        let deep = String(repeating: #"{"type":"Sequence","normalizers":["#, count: 100_000)
        for (json, reason) in [
            ("", "empty"), ("{", "ends"), ("[]", "table"), ("{}", "model"),
            ("version https://git-lfs.github.com/spec/v1", "Git LFS"),
            ("<!DOCTYPE html><html>", "HTML"),
            (#"{"model": {"type": "Unigram", "vocab": [["a", -1.5]]}}"#, "Unigram"),
            (#"{"model": {"vocab": [["a", -1.5]]}}"#, "only BPE"),
            (#"{"model": {"type": "BPE", "vocab": {"a": -1}}}"#, "token id"),
            (#"{"model": {"vocab": {"a": 1e30}}}"#, "token id"),
            (#"{"model": {"vocab": {"a": 4294967295}}}"#, "token id"),
            (#"{"model": {"vocab": {"a": "x"}}}"#, "was expected"),
            ("{\(model(#"{"a": 0}"#, merges: #"["a b"]"#))}", "not in the vocabulary"),
            ("{\(model(#"{"a": 0}"#, merges: #"["a"]"#))}", "two parts"),
            ("{\(model(#"{"a": 0}"#, merges: #"[["a"]]"#))}", "two parts"),
            ("{\(model(#"{"a": 0}"#, merges: #"[[1, 2]]"#))}", "string"),
            ("{\(model(#"{"a": 0}"#, more: #", "byte_fallback": 3"#))}", "expected"),
            (#"{"normalizer": \#(deep)"#, "deep"), (#"{"normalizer": {"type": "Precompiled"}}"#, "not supported"),
            (#"{"normalizer": 5}"#, "not supported"), (#"{"decoder": {"type": "CTC"}}"#, "not supported"),
            (#"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}}"#, "pattern"),
            (#"{"pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated"}}"#, "empty"),
            (#"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Sideways"}}"#, "behavior"),
            (
                #"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "((((a{900}){900}){900}){900})"}, "behavior": "Isolated"}}"#,
                "pattern"
            ),
            (#"{"decoder": {"type": "Strip", "content": "ab"}}"#, "one character"),
            (#"{"decoder": {"type": "Strip", "start": -1}}"#, "0 or more"),
            (#"{"added_tokens": [{"content": "x"}]}"#, "added token"),
            (#"{"added_tokens": [{"id": 1, "content": 5}]}"#, "must be a string"),
            (#"{"added_tokens": [{"id": 99999999999, "content": "x"}]}"#, "added token")
        ] {
            XCTAssertThrowsError(try tokenizer(json), json) {
                XCTAssertEqual(($0 as? OpahError)?.kind, .format, "\($0)")
                XCTAssertTrue("\($0)".contains(reason), "\(json.prefix(80)): \($0)")
            }
        }
        let good = "{\(model(#"{"a": 0}"#))}"
        XCTAssertThrowsError(try tokenizer(good, config: "[")) { XCTAssertEqual(($0 as? OpahError)?.kind, .format) }
        XCTAssertThrowsError(try tokenizer(good, config: #"{"added_tokens_decoder": {"x": {"content": "b"}}}"#))
        XCTAssertThrowsError(try Tokenizer(directory: folder + "/none")) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .file)
        }
        XCTAssertNoThrow(
            try tokenizer(good, config: #"{"eos_token": 5, "pad_token": ["x"], "additional_special_tokens": {"a": 1}}"#)
        )
    }

    func testPatternsThatRunAway() throws {
        let json =
            #"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}, \#(model(#"{"a": 0, "b": 1}"#))}"#
        let start = Date()
        XCTAssertThrowsError(try tokenizer(json).encode(String(repeating: "a", count: 5000) + "b")) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .format)
        }
        XCTAssertLessThan(Date().timeIntervalSince(start), 5)
        // Replacements that double again and again.
        let doubling = [String](
            repeating: #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#, count: 60
        ).joined(separator: ",")
        XCTAssertThrowsError(
            try tokenizer(
                #"{"normalizer": {"type": "Sequence", "normalizers": [\#(doubling)]}, \#(model(#"{"a": 0}"#))}"#
            ).encode("aaaa")
        ) {
            XCTAssertEqual(($0 as? OpahError)?.kind, .memory)
        }
        // Empty matches cut between characters.
        let empty =
            #"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x*"}, "behavior": "Isolated"}, \#(model(#"{"a": 0, "x": 1, "aa": 2, "xx": 3}"#, merges: #"["a a", "x x"]"#))}"#
        XCTAssertEqual(try tokenizer(empty).encode("aaxxaa"), [0, 0, 3, 0, 0])
    }

    /// Stages that multiply what they read, in every place where a file may ask for them.
    func testStagesThatMultiplyTheTextAreRefused() throws {
        let vocabulary = model(#"{"a": 0, "b": 1, "x": 2}"#), long = String(repeating: "a", count: 1000)
        func list(_ part: String, _ count: Int) -> String {
            [String](repeating: part, count: count).joined(separator: ",")
        }
        let replace = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "\#(long)"}"#
        let added = (0 ..< 200).map {
            #"{"id": \#($0 + 3), "content": "<\#($0)>", "special": false, "normalized": true}"#
        }.joined(separator: ",")
        let prepend = #"{"type": "Prepend", "prepend": "\#(String(repeating: "x", count: 1 << 20))"}"#
        func refused(_ what: String, _ body: () throws -> Void) {
            XCTAssertThrowsError(try body(), what) {
                XCTAssertEqual(($0 as? OpahError)?.kind, .memory, "\(what): \($0)")
            }
        }
        // Many tokens, each of which grows within any limit of its own.
        let decoding = try tokenizer(
            #"{"decoder": {"type": "Sequence", "decoders": [\#(list(replace, 2))]}, \#(vocabulary)}"#)
        refused("decoder") { _ = try decoding.decode([Int](repeating: 0, count: 500)) }
        XCTAssertEqual(try decoding.decode([1, 1]), "bb")
        let normalizing = try tokenizer(
            #"{"normalizer": {"type": "Sequence", "normalizers": [\#(list(replace, 3))]}, \#(vocabulary)}"#)
        refused("normalizer") { _ = try normalizing.encode("a") }
        // A long prefix before each of many parts of the text; and before each of many added tokens.
        let parts = try tokenizer(
            #"{"added_tokens": [{"id": 9, "content": "<m>", "special": true}], "normalizer": \#(prepend), \#(vocabulary)}"#
        )
        refused("parts") { _ = try parts.encode(String(repeating: "b<m>", count: 1000)) }
        refused("added tokens") {
            _ = try self.tokenizer(#"{"added_tokens": [\#(added)], "normalizer": \#(prepend), \#(vocabulary)}"#)
        }
        // Stages without number, each as long as the text.
        let stages = try tokenizer(
            #"{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [\#(list(#"{"type": "WhitespaceSplit"}"#, 20_000))]}, \#(vocabulary)}"#
        )
        refused("stages") { _ = try stages.encode(String(repeating: "b", count: 2_000)) }
        XCTAssertEqual(try stages.encode("b"), [1])
    }

    /// A small tokenizer file with its bytes and its parts exchanged: refused or used, never a crash.
    func testAlteredFilesNeverCrash() throws {
        let seed =
            #"{"added_tokens": [{"id": 4, "content": "<m>", "special": true, "lstrip": true, "normalized": false}], "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "Prepend", "prepend": "▁"}, {"type": "Strip"}]}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\s+|a+"}, "behavior": "Isolated", "invert": false}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}, {"type": "ByteLevel"}]}, "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}, \#(model(#"{"a": 0, "b": 1, "ab": 2, "<0x41>": 3}"#, merges: #"["a b"]"#, more: #", "unk_token": "b", "byte_fallback": true"#))}"#
        let bytes = Array(seed.utf8),
            words = [
                #"{"type":"Sequence","normalizers":[]}"#, "-1", "1e300", "null", #""""#, "[]", "{}", "4194303",
                #""ByteLevel""#, "true", #""(a*)*""#
            ].map { Array($0.utf8) }
        var state: UInt64 = 5, used = 0
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0 ..< 2000 {
            var changed = bytes
            for _ in 0 ... random(3) {
                let place = random(changed.count), end = min(changed.count, place + 1 + random(30))
                switch random(4) {
                case 0: changed[place] = UInt8(random(256))
                case 1: changed.removeSubrange(place ..< end)
                case 2: changed.insert(contentsOf: changed[place ..< end], at: random(changed.count))
                default:
                    changed.replaceSubrange(place ..< min(place + 1, changed.count), with: words[random(words.count)])
                }
            }
            try Data(changed).write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
            do {
                let tokenizer = try Tokenizer(directory: folder)
                _ = try tokenizer.decode(tokenizer.encode("ab <m> Aé  aaab\u{0}"))
                used += 1
            } catch is OpahError {}
        }
        XCTAssertGreaterThan(used, 20)
    }

    func testMergesInCirclesEnd() throws {
        let json =
            "{\(model(#"{"": 0, "a": 1, "b": 2, "ab": 3, "ba": 4, "aba": 5}"#, merges: #"[["a", ""], ["", "a"], ["a", "b"], ["b", "a"], ["ab", "a"], ["a", "ba"]]"#))}"
        XCTAssertEqual(try tokenizer(json).encode("ababab"), [3, 3, 3])
        XCTAssertEqual(try tokenizer(json).decode(tokenizer(json).encode("ababab")), "ab ab ab")
    }

    /// One word of a million characters: the queue of merges keeps it from being quadratic.
    func testLongWord() throws {
        let json = "{\(model(#"{"a": 0, "aa": 1, "aaaa": 2, "b": 3}"#, merges: #"["a a", "aa aa"]"#))}"
        let ids = try tokenizer(json).encode(String(repeating: "a", count: 1_000_001))
        XCTAssertEqual(ids.count, 250_001)
        XCTAssertEqual(ids.last, 0)
    }

    func testUnknownCharacters() throws {
        func ids(_ more: String) throws -> [Int] {
            try tokenizer("{\(model(#"{"a": 0, "?": 1}"#, more: more))}").encode("aéèaü")
        }
        XCTAssertEqual(try ids(""), [0, 0])
        XCTAssertEqual(try ids(#", "unk_token": "?""#), [0, 1, 1, 0, 1])
        XCTAssertEqual(try ids(#", "unk_token": "?", "fuse_unk": true"#), [0, 1, 0, 1])
        XCTAssertThrowsError(try ids(#", "unk_token": "!""#))
    }

    func testAddedTokenRules() throws {
        let added = """
            "added_tokens": [
              {"id": 10, "content": "<x>", "special": true, "lstrip": true, "rstrip": true},
              {"id": 11, "content": "ab", "special": false, "single_word": true, "normalized": false},
              {"id": 12, "content": "<xy>", "special": false, "normalized": false},
              {"id": 13, "content": "AB C", "special": false, "normalized": true}]
            """
        let json =
            #"{\#(added), "normalizer": {"type": "Lowercase"}, \#(model(#"{"a": 0, "b": 1, " ": 2, "c": 3, "<": 4, "x": 5, ">": 6}"#))}"#
        let tokenizer = try tokenizer(json)
        XCTAssertEqual(try tokenizer.encode("a  <x> \n b"), [0, 10, 1])
        XCTAssertEqual(try tokenizer.encode("ab cab ab"), [11, 2, 3, 0, 1, 2, 11])
        XCTAssertEqual(try tokenizer.encode("<xy><x>"), [12, 10])
        XCTAssertEqual(try tokenizer.encode("aB c"), [13])
        XCTAssertEqual(try tokenizer.encode("<xy><x>", allowSpecial: false), [12, 4, 5, 6])
        XCTAssertEqual(tokenizer.count, 11)
    }

    func testIgnoreMergesTakesWholeWordsButNoSpecialOnes() throws {
        let json =
            #"{"added_tokens": [{"id": 2, "content": "ba", "special": true}], \#(model(#"{"a": 0, "b": 1, "ba": 2, "ab": 3}"#, merges: #"["b a"]"#, more: #", "ignore_merges": true"#))}"#
        XCTAssertEqual(try tokenizer(json).encode("ab"), [3])
        XCTAssertEqual(try tokenizer(json).encode("ba"), [2])
        XCTAssertEqual(try tokenizer(json).encode("ba", allowSpecial: false), [1, 0])
    }

    func testSplitBehaviors() throws {
        for (behavior, invert, words) in [
            ("Isolated", false, ["a", "-", "-", "b", "-"]), ("Removed", false, ["a", "b"]),
            ("Removed", true, ["-", "-", "-"]),
            ("Contiguous", false, ["a", "--", "b", "-"]), ("MergedWithPrevious", false, ["a-", "-", "b-"]),
            ("merged_with_next", false, ["a", "-", "-b", "-"])
        ] {
            let json =
                #"{"pre_tokenizer": {"type": "Split", "pattern": {"String": "-"}, "behavior": "\#(behavior)", "invert": \#(invert)}, "#
                + model(
                    #"{"a": 0, "b": 1, "-": 2, "a-": 3, "--": 4, "-b": 5, "b-": 6}"#,
                    merges: #"["a -", "- -", "- b", "b -"]"#) + "}"
            let tokenizer = try tokenizer(json)
            XCTAssertEqual(try tokenizer.encode("a--b-").compactMap(tokenizer.token(of:)), words, behavior)
        }
    }

    func testSpecialTokensFromTheConfig() throws {
        let tokenizer = try tokenizer(
            "{\(model(#"{"a": 0, "b": 1}"#))}",
            config:
                #"{"eos_token": {"content": "</s>"}, "pad_token": "b", "added_tokens_decoder": {"7": {"content": "<m>", "special": true}}}"#
        )
        XCTAssertEqual(tokenizer.id(of: "<m>"), 7)
        XCTAssertEqual(tokenizer.endId, 8)
        XCTAssertEqual(tokenizer.padId, 1)
        XCTAssertEqual(tokenizer.count, 4)
        XCTAssertEqual(try tokenizer.encode("a</s><m>"), [0, 8, 7])
    }

    /// Text of others between a turn's own words: no control token comes of it, and all else is as if it were encoded
    /// at once.
    func testPlainPartsHaveNoControlTokens() throws {
        let tokenizer = try Tokenizer(directory: Vectors.path("tokenizer/a_bytelevel"))
        let end = try XCTUnwrap(tokenizer.id(of: "<|im_end|>")), control = Set(tokenizer.specialTokens.values)
        for text in ["Hello there.", " two  words\n", "", "<", "e\u{301}<|im_", "今日は"] {
            XCTAssertEqual(
                try tokenizer.encode([.control("<|im_start|>user\n"), .plain(text), .control("<|im_end|>")]),
                try tokenizer.encode("<|im_start|>user\n" + text + "<|im_end|>"), text)
        }
        for text in [
            "a<|im_end|>b", "<|im_end|>", "<|im_end|><|im_start|>user\n", "a<|im_end|>\u{301}b",
            "a<|im_<|im_end|>end|>b", "<|semantic|><|pad|>", "<|im_end|", "x <|im_end|> y"
        ] {
            let ids = try tokenizer.encode([.plain(text), .control("<|im_end|>")])
            XCTAssertEqual(ids.filter(control.contains), [end], text)
            XCTAssertEqual(try tokenizer.decode(ids), text + "<|im_end|>", text)
            XCTAssertEqual(try tokenizer.encode([.plain(text)]), try tokenizer.encode(text, allowSpecial: false), text)
        }
        // A file may forget to say that its control tokens are special.
        let forgetful = try self.tokenizer(
            """
            {"added_tokens": [{"id": 9, "content": "<|end|>", "special": false, "normalized": false}, {"id": 10, "content": "<|pad|>", "special": false, "normalized": true}],
             \(model(#"{"<": 0, "|": 1, "e": 2, "n": 3, "d": 4, ">": 5, "p": 6, "a": 7, "<|end|>": 9, "<|pad|>": 10, "<|": 11}"#, merges: #"["< |"]"#, more: #", "ignore_merges": true"#))}
            """)
        XCTAssertEqual(try forgetful.encode("<|end|><|pad|>"), [9, 10])
        XCTAssertEqual(
            try forgetful.encode("<|end|><|pad|>", allowSpecial: false), [11, 2, 3, 4, 1, 5, 11, 6, 7, 4, 1, 5])
        XCTAssertEqual(
            try forgetful.encode([.control("<|end|>"), .plain("<|pad|>"), .control("<|pad|>")]),
            [9, 11, 6, 7, 4, 1, 5, 10])
    }
}
