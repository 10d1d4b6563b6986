import Foundation
import Support
import Tensors
import TestSupport
import XCTest

final class ConversionTests: XCTestCase {
    func testAllPairs() throws {
        let values = [0, 1, 2, 3, 100, 127]
        for from in DType.allCases {
            for to in DType.allCases {
                let source = try Tensor(integers: values, [2, 3]).to(from),
                    expected = try source.doubles().map { to == .bool ? ($0 == 0 ? 0 : 1) : $0 }
                XCTAssertEqual(try source.to(to).doubles(), expected, "\(from) -> \(to)")
                XCTAssertEqual(try source.to(to).dtype, to)
                XCTAssertEqual(
                    try source.transpose(0, 1).to(to).doubles(), [0, 3, 1, 4, 2, 5].map { expected[$0] },
                    "\(from) -> \(to), transposed")
            }
        }
    }

    func testSpecialValues() throws {
        let x = try Tensor([.nan, .infinity, -.infinity, 1e30, -1e30, -1, 255.9, 300, -0.5], [9])
        XCTAssertEqual(try x.to(.int64).ints(), [0, .max, .min, .max, .min, -1, 255, 300, 0])
        XCTAssertEqual(try x.to(.uint8).ints().suffix(4), [255, 255, 44, 0])
        XCTAssertEqual(try x.to(.bool).ints(), [1, 1, 1, 1, 1, 1, 1, 1, 1])
        XCTAssertTrue(try x.to(.bfloat16).floats()[0].isNaN && x.to(.float16).floats()[0].isNaN)
        XCTAssertEqual(try x.to(.float16).floats()[3], .infinity)
        XCTAssertEqual(try Tensor(integers: [.max, .min], [2]).to(.int32).ints(), [-1, 0])
        XCTAssertEqual(try Tensor(integers: [1 << 53 + 1], [1]).to(.int64).ints(), [1 << 53 + 1])
    }

    func testBFloat16RoundsHalfToEven() throws {
        var bits: [UInt32] = [
            0x3F80_8000, 0x3F81_8000, 0x3F80_8001, 0x3F80_7FFF, 0xBF80_8000, 0x7F7F_FFFF, 0x7F80_0000, 0x7F80_0001,
            0x0000_8000, 0x0001_8000, 0x8000_0000
        ]
        let expected: [UInt16] = [
            0x3F80, 0x3F82, 0x3F81, 0x3F80, 0xBF80, 0x7F80, 0x7F80, 0x7FC0, 0x0000, 0x0002, 0x8000
        ]
        // Once in the vector code, once in its tail.
        for shift in 0 ..< 3 {
            bits = Array(repeating: 0, count: shift) + bits
            let result = try Tensor(bits.map(Float.init(bitPattern:)), [bits.count]).to(.bfloat16),
                raw = result.pointer(UInt16.self)
            let start = bits.count - expected.count
            XCTAssertEqual((0 ..< expected.count).map { raw[start + $0] }, expected)
        }
        let all = try Tensor(empty: [65_536], .bfloat16)
        for i in 0 ..< 65_536 { all.pointer(UInt16.self)[i] = UInt16(i) }
        let back = try all.to(.float32).to(.bfloat16), wide = try all.to(.float32)
        for i in 0 ..< 65_536 where !wide.pointer(Float.self)[i].isNaN {
            XCTAssertEqual(back.pointer(UInt16.self)[i], UInt16(i))
        }
    }

    func testCreation() throws {
        XCTAssertEqual(try Tensor.range(1, 5).ints(), [1, 2, 3, 4, 5])
        XCTAssertEqual(try Tensor.range(5, 1, step: -2).ints(), [5, 3, 1])
        XCTAssertEqual(try Tensor.range(1, 0).ints(), [])
        XCTAssertEqual(try Tensor.range(0.0, 1.0, step: 0.1).count, 11)
        XCTAssertEqual(try Tensor.range(0, 3, .float32).floats(), [0, 1, 2, 3])
        XCTAssertEqual(try Tensor.linspace(0, 1, count: 5).floats(), [0, 0.25, 0.5, 0.75, 1])
        XCTAssertEqual(try Tensor.linspace(2, 3, count: 1).floats(), [2])
        XCTAssertEqual(try Tensor.linspace(0.1, 0.7, count: 7, .float64).doubles().last, 0.7)
        XCTAssertEqual(try Tensor.eye(2, 3).floats(), [1, 0, 0, 0, 1, 0])
        XCTAssertEqual(try Tensor.eye(3, 2, .int32).ints(), [1, 0, 0, 1, 0, 0])
        XCTAssertEqual(try Tensor.full([2], 7, .uint8).ints(), [7, 7])
        XCTAssertEqual(try Tensor.ones([2], .bool).bools(), [true, true])
        assertThrows(.argument, containing: "range") { try Tensor.range(1, 5, step: 0) }
        assertThrows(.argument) { try Tensor.range(0, .infinity, step: 1.0) }
        assertThrows(.memory) { try Tensor.range(0, 1e30, step: 1.0) }
        assertThrows(.argument) { try Tensor.linspace(0, 1, count: -1) }
        assertThrows(.shape) { try Tensor.zeros([-1, 2]) }
    }

    func testNestedData() throws {
        let rows = Tensor.Nested.list([.list([.number(1.5), .integer(2)]), .list([.integer(3), .integer(4)])])
        XCTAssertEqual(try Tensor(rows).floats(), [1.5, 2, 3, 4])
        XCTAssertEqual(try Tensor(rows).shape, [2, 2])
        XCTAssertEqual(try Tensor(rows, .int64).ints(), [1, 2, 3, 4])
        XCTAssertEqual(try Tensor(.list([.bool(true), .bool(false)])).dtype, .bool)
        XCTAssertEqual(try Tensor(.integer(3)).shape, [])
        XCTAssertEqual(try Tensor(.list([])).shape, [0])
        XCTAssertEqual(try Tensor(.list([.integer(.max)]), .int64).ints(), [.max])
        assertThrows(.shape, containing: "a list of 1 where the lists before have 2") {
            try Tensor(.list([.list([.integer(1), .integer(2)]), .list([.integer(3)])]))
        }
        assertThrows(.shape, containing: "a number where") { try Tensor(.list([.list([.integer(1)]), .integer(3)])) }
        assertThrows(.shape) { try Tensor(.list([.integer(1), .list([.integer(3)])])) }
        assertThrows(.dtype, containing: "300 does not fit uint8") { try Tensor(.list([.integer(300)]), .uint8) }
        assertThrows(.shape) { try Tensor([1, 2], [3]) }
        assertThrows(.shape, containing: "at most 8") { try Dims(checking: Array(repeating: 1, count: 9), "zeros") }
    }

    func testPrinting() throws {
        XCTAssertEqual(
            try Tensor([1, -2.5, 0, 12], [2, 2]).description,
            "[[ 1.0000, -2.5000],\n [ 0.0000, 12.0000]]\n[2x2 float32]")
        XCTAssertEqual(try Tensor([1, 20, 3], [3]).description, "[ 1., 20.,  3.]\n[3 float32]")
        XCTAssertEqual(try Tensor(integers: [1, -20, 3], [3], .int32).description, "[  1, -20,   3]\n[3 int32]")
        XCTAssertEqual(try Tensor(integers: [.max], [1]).description, "[9223372036854775807]\n[1 int64]")
        XCTAssertEqual(try Tensor(integers: [1, 0], [2]).to(.bool).description, "[ true, false]\n[2 bool]")
        XCTAssertEqual(try Tensor([.nan, -.infinity, 0.5], [3]).description, "[   nan,   -inf, 0.5000]\n[3 float32]")
        XCTAssertEqual(try Tensor([1e-7, 2], [2]).description, "[1.0000e-07, 2.0000e+00]\n[2 float32]")
        XCTAssertEqual(try Tensor([3.5], []).description, "3.5000\n[float32]")
        XCTAssertEqual(try Tensor(zeros: [0]).description, "[]\n[0 float32]")
        XCTAssertEqual(try Tensor(zeros: [2, 0]).description, "[[],\n []]\n[2x0 float32]")
        XCTAssertEqual(
            try Tensor([1, 2, 3, 4], [2, 2]).transpose(0, 1).description, "[[1., 3.],\n [2., 4.]]\n[2x2 float32]")
        XCTAssertEqual(try Tensor([1, 2], [2, 1, 1]).description, "[[[1.]],\n\n [[2.]]]\n[2x1x1 float32]")
        XCTAssertEqual(try Tensor.range(0, 1999).description, "[   0,    1,    2, ..., 1997, 1998, 1999]\n[2000 int64]")
        let large = try Tensor.zeros([100, 100]).description
        XCTAssertEqual(large.split(separator: "\n").count, 8)
        XCTAssertTrue(large.hasPrefix("[[0., 0., 0., ..., 0., 0., 0.],\n"))
        XCTAssertEqual(try Tensor([1], [1]).setRequiresGrad().description, "[1.]\n[1 float32, requires grad]")
    }

    func testMemoryIsCountedAndReused() throws {
        let before = Memory.live
        var tensors = [try Tensor(zeros: [1 << 20])]
        XCTAssertEqual(Memory.live, before + (4 << 20))
        let address = tensors[0].storage.pointer
        tensors = []
        XCTAssertEqual(Memory.live, before)
        XCTAssertGreaterThanOrEqual(Memory.cached, 4 << 20)
        let again = try Tensor(empty: [(1 << 20) - 100])
        XCTAssertEqual(again.storage.pointer, address, "a block of about the same size is used again")
        Memory.trim()
        XCTAssertEqual(Memory.cached, 0)
        Memory.resetPeak()
        XCTAssertEqual(Memory.peak, Memory.live)
        XCTAssertEqual(try Tensor(zeros: [1 << 20]).sum().item(), 0)
        assertThrows(.memory) { try Tensor(zeros: [1 << 50]) }
    }

    func testLargeBlocksFromManyThreads() throws {
        let before = Memory.live
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0 ..< 50 {
                guard let tensor = try? Tensor.full([(1 << 18) + (round % 3) << 16], thread) else {
                    return XCTFail("no memory")
                }
                XCTAssertEqual(try? tensor.mean().item(), Double(thread), "nobody else writes to this block")
            }
        }
        XCTAssertEqual(Memory.live, before)
    }
}
