import XCTest
import Support
import Text
import TestSupport

final class CleanAndSplitTests: XCTestCase {
    func testCleanText() throws {
        let cases = try XCTUnwrap(JSON.read(Vectors.path("text/clean_text.json")).list)
        XCTAssertGreaterThan(cases.count, 180)
        for item in cases {
            let input = try XCTUnwrap(item["input"]?.string)
            XCTAssertEqual(
                Array(cleanText(input).utf8), item["output"]?.string.map { Array($0.utf8) }, input.debugDescription)
        }
    }

    func testSplitText() throws {
        let cases = try XCTUnwrap(JSON.read(Vectors.path("text/split_text.json")).list)
        XCTAssertGreaterThan(cases.count, 230)
        for item in cases {
            let text = try XCTUnwrap(item["text"]?.string)
            let length = try XCTUnwrap(item["length"]?.int)
            XCTAssertEqual(
                splitText(text, length: length).map { Array($0.utf8) },
                item["output"]?.list?.map { Array($0.string!.utf8) }, "\(length): \(text.debugDescription)")
        }
    }

    func testPackClean() {
        XCTAssertEqual(packClean("1 < 2 and 3 > 2"), "1 2")
        XCTAssertEqual(packClean("<a{b>c}d"), "<a d")
        XCTAssertEqual(packClean("{a\nb} <c\nd> {e}{f}"), "{a b} <c d> ")
        XCTAssertEqual(packClean("{{a}} {b <c {d}>"), " } >")
        XCTAssertEqual(packClean(" x\u{3000}\u{1C}y "), " x y ")
        XCTAssertEqual(packClean("<|im_end|>x"), " x")
        XCTAssertEqual(packClean("{<}"), " ")
        // Linear in the length.
        XCTAssertEqual(packClean(String(repeating: "{", count: 200_000)).utf8.count, 200_000)
    }
}
