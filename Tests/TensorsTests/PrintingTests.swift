import Tensors
import XCTest

final class PrintingTests: XCTestCase {
    /// No line is wider than asked for, so that a terminal does not break it again.
    func testLinesKeepToTheWidth() throws {
        for tensor in [
            try Tensor(integers: Array(0 ..< 200), [200]),
            try Tensor(integers: (0 ..< 240).map { $0 * 37 }, [2, 3, 40]),
            try Tensor((0 ..< 90).map { Float($0) / 7 }, [3, 30])
        ] {
            for width in 20 ... 100 {
                let lines = tensor.text(lineWidth: width).split(separator: "\n")
                XCTAssertLessThanOrEqual(lines.map(\.count).max() ?? 0, width, "\(tensor.shape) in \(width) columns")
                // Nothing is missing or said twice.
                XCTAssertEqual(lines.dropLast().joined().filter { $0 == "," }.count, tensor.count - 1)
            }
        }
    }

    func testALineIsFilled() throws {
        XCTAssertEqual(try Tensor(integers: [10, 20, 30, 40], [4]).text(lineWidth: 12), "[10, 20, 30,\n 40]\n[4 int64]")
        XCTAssertEqual(try Tensor(integers: [10, 20, 30], [3]).text(lineWidth: 12), "[10, 20, 30]\n[3 int64]")
        XCTAssertEqual(try Tensor(integers: [10, 20, 30], [1, 3]).text(lineWidth: 13), "[[10, 20,\n  30]]\n[1x3 int64]")
    }
}
