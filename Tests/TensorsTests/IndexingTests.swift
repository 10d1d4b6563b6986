import Support
import Tensors
import TestSupport
import XCTest

final class IndexingTests: XCTestCase {
    private let x = try! Tensor((0 ..< 24).map(Float.init), [2, 3, 4])

    private func at(_ t: Tensor, _ index: Int...) throws -> Float {
        t.pointer(Float.self)[zip(index, t.strides).reduce(0) { $0 + $1.0 * $1.1 }]
    }

    func testIndexSelect() throws {
        let positions = try Tensor(integers: [2, 0, 2], [3])
        for source in [x, try x.permute([2, 0, 1]).contiguous().permute([1, 2, 0])] {
            for dim in 0 ..< 3 {
                let index = dim == 0 ? try Tensor(integers: [1, 0, 1], [3], .int32) : positions
                let result = try source.indexSelect(dim: dim, index)
                var expected = try (0 ..< 3).map { try source.select(dim: dim, index: index.ints()[$0]) }
                XCTAssertEqual(try result.floats(), try Tensor.stack(expected, dim: dim).floats())
                expected.removeAll()
            }
        }
        XCTAssertEqual(try x.indexSelect(dim: 1, Tensor(integers: [], [0])).shape, [2, 0, 4])
        assertThrows(.index, containing: "index_select: position 3 is outside a dimension of size 3 of shape [2, 3, 4]")
        { try x.indexSelect(dim: 1, Tensor(integers: [3], [1])) }
        assertThrows(.index) { try x.indexSelect(dim: 1, Tensor(integers: [-1], [1])) }
        assertThrows(.dtype, containing: "float32") { try x.indexSelect(dim: 1, Tensor([1], [1])) }
        assertThrows(.shape) { try x.indexSelect(dim: 1, Tensor(integers: [1], [1, 1])) }
    }

    func testIndexAdd() throws {
        let sum = try Tensor(zeros: [3, 2])
        try sum.indexAdd_(dim: 0, Tensor(integers: [2, 0, 2], [3]), Tensor([1, 2, 3, 4, 5, 6], [3, 2]))
        XCTAssertEqual(try sum.floats(), [3, 4, 0, 0, 6, 8])
        let turned = try Tensor(zeros: [2, 3], .bfloat16).transpose(0, 1)
        try turned.indexAdd_(dim: 0, Tensor(integers: [2, 0, 2], [3]), Tensor([1, 2, 3, 4, 5, 6], [3, 2]))
        XCTAssertEqual(try turned.floats(), [3, 4, 0, 0, 6, 8])
        assertThrows(.shape, containing: "index_add_") {
            try sum.indexAdd_(dim: 0, Tensor(integers: [1], [1]), Tensor(zeros: [2, 2]))
        }
    }

    func testGatherAndScatter() throws {
        let g = Random(seed: 1), index = try Tensor.randint(0, 3, [2, 5, 3], generator: g)
        let source = try x.narrow(dim: 2, start: 1, length: 3)
        let gathered = try source.gather(dim: 1, index)
        for i in 0 ..< 2 {
            for j in 0 ..< 5 {
                for k in 0 ..< 3 {
                    XCTAssertEqual(try at(gathered, i, j, k), try at(source, i, index.ints()[(i * 5 + j) * 3 + k], k))
                }
            }
        }
        let target = try Tensor(zeros: [4, 3]).transpose(0, 1)   // 3 x 4
        try target.scatter_(dim: 1, Tensor(integers: [3, 1, 0, 0, 2, 2], [3, 2]), Tensor([1, 2, 3, 4, 5, 6], [3, 2]))
        XCTAssertEqual(try target.floats(), [0, 2, 0, 1, 4, 0, 0, 0, 0, 0, 6, 0])
        try target.zero_().scatterAdd_(
            dim: 1, Tensor(integers: [3, 1, 0, 0, 2, 2], [3, 2]), Tensor([1, 2, 3, 4, 5, 6], [3, 2]))
        XCTAssertEqual(try target.floats(), [0, 2, 0, 1, 7, 0, 0, 0, 0, 0, 11, 0])
        let oneHot = try Tensor(zeros: [2, 3], .int64).scatter_(dim: 1, Tensor(integers: [2, 0], [2, 1]), value: 1)
        XCTAssertEqual(try oneHot.ints(), [0, 0, 1, 1, 0, 0])
        XCTAssertEqual(
            try Tensor(zeros: [2], .float16).scatterAdd_(dim: 0, Tensor(integers: [1, 1], [2]), Tensor([1, 2], [2]))
                .floats(), [0, 3])
        assertThrows(.shape, containing: "gather: index of shape [3, 1, 1] for a tensor of shape [2, 3, 4]") {
            try x.gather(dim: 1, Tensor(integers: [0, 0, 0], [3, 1, 1]))
        }
        assertThrows(.index, containing: "gather: position 9") {
            try x.gather(dim: 1, Tensor(integers: [9], [1, 1, 1]))
        }
        let before = try x.floats()
        assertThrows(.index) { try x.scatter_(dim: 0, Tensor(integers: [0, 7], [2, 1, 1]), value: 5) }
        XCTAssertEqual(try x.floats(), before, "nothing is written when a position is wrong")
        assertThrows(.shape) { try x.scatter_(dim: 0, Tensor(integers: [0], [1, 1, 1]), Tensor(zeros: [1, 1])) }
    }

    func testMasks() throws {
        let mask = try x.gt(5).logicalAnd(x.lt(9))
        XCTAssertEqual(try x.maskedSelect(mask).floats(), [6, 7, 8])
        XCTAssertEqual(try x.transpose(0, 2).maskedSelect(mask.transpose(0, 2)).floats(), [8, 6, 7])
        XCTAssertEqual(
            try x.maskedSelect(Tensor(integers: [0, 0, 0, 1], [4]).to(.bool)).floats(), [3, 7, 11, 15, 19, 23])
        let row = try Tensor([1, 2], [2])
        XCTAssertEqual(try row.maskedSelect(Tensor(integers: [1, 0, 0, 1], [2, 2]).to(.bool)).floats(), [1, 2])
        XCTAssertEqual(try row.maskedFill(Tensor(integers: [1, 0], [2, 1]).to(.bool), 7).floats(), [7, 7, 1, 2])
        let y = try x.clone()
        try y.maskedFill_(x.gt(2), -1)
        XCTAssertEqual(try y.sum().item(), 3 - 21)
        try y.transpose(0, 2).maskedFill_(Tensor(integers: [1, 0], [2]).to(.bool), 0)
        XCTAssertEqual(try y.sum().item(), -12)
        assertThrows(.dtype, containing: "masked_fill_: a mask of dtype float32") { try y.maskedFill_(y, 0) }
        assertThrows(.shape, containing: "masked_fill_") { try row.maskedFill_(mask, 0) }
    }

    func testWhere() throws {
        let mask = try Tensor(integers: [1, 0, 1], [3]).to(.bool)
        XCTAssertEqual(try Tensor.where(mask, Tensor([1, 2], [2, 1]), Tensor([7], [])).floats(), [1, 7, 1, 2, 7, 2])
        XCTAssertEqual(try Tensor.where(mask, Tensor(integers: [1], []), Tensor([0.5], [1])).dtype, .float32)
        assertThrows(.shape, containing: "where: shapes [3], [2] and []") {
            try Tensor.where(mask, Tensor(zeros: [2]), Tensor(zeros: []))
        }
    }

    func testNonzero() throws {
        XCTAssertEqual(try Tensor([0, 1, 0, 2, 0, .nan], [2, 3]).nonzero().ints(), [0, 1, 1, 0, 1, 2])
        XCTAssertEqual(try Tensor([0, 1, 0, 2], [2, 2]).transpose(0, 1).nonzero().ints(), [1, 0, 1, 1])
        XCTAssertEqual(try Tensor(zeros: [2, 0]).nonzero().shape, [0, 2])
        XCTAssertEqual(try Tensor([3], []).nonzero().shape, [1, 0])
        XCTAssertEqual(try Tensor([0], []).nonzero().shape, [0, 0])
    }

    func testIndexByPositionsAndMasks() throws {
        XCTAssertEqual(
            try x.index([Tensor(integers: [1, 0], [2])]).floats(),
            Array(12 ..< 24).map(Float.init) + Array(0 ..< 12).map(Float.init))
        XCTAssertEqual(
            try x.index([Tensor(integers: [1, -2], [2]), Tensor(integers: [2, -1], [2])]).floats(),
            [20, 21, 22, 23, 8, 9, 10, 11])
        XCTAssertEqual(
            try x.index([Tensor(integers: [0, 1], [2, 1]), Tensor(integers: [0, 2], [2]), Tensor(integers: [3], [])])
                .floats(), [3, 11, 15, 23])
        XCTAssertEqual(try x.index([Tensor(integers: [0, 1, 1, 0, 0, 1], [2, 3]).to(.bool)]).shape, [3, 4])
        XCTAssertEqual(try x.index([x.gt(21)]).floats(), [22, 23])
        XCTAssertEqual(try x.index([Tensor(integers: [0, 1, 0], [1, 3])]).shape, [1, 3, 3, 4])
        assertThrows(.index, containing: "index: position 2") { try x.index([Tensor(integers: [2], [1])]) }
        assertThrows(.shape, containing: "a mask of shape [3]") { try x.index([Tensor(ones: [3], .bool)]) }
        assertThrows(.shape, containing: "do not broadcast") {
            try x.index([Tensor(integers: [0, 0], [2]), Tensor(integers: [0, 0, 0], [3])])
        }
        assertThrows(.index) { try x.index([]) }
    }

    func testIndexPut() throws {
        let y = try Tensor(zeros: [3, 2])
        try y.indexPut_([Tensor(integers: [2, 0], [2])], Tensor([1, 2], [2]))
        XCTAssertEqual(try y.floats(), [1, 2, 0, 0, 1, 2])
        try y.indexPut_([Tensor(integers: [0, 0, -1], [3]), Tensor(integers: [1, 1, 0], [3])], Tensor([5, 6, 7], [3]))
        XCTAssertEqual(try y.floats(), [1, 6, 0, 0, 7, 2])
        try y.indexPut_([Tensor(integers: [1, 1], [2])], Tensor([1, 2, 3, 4], [2, 2]), accumulate: true)
        XCTAssertEqual(try y.floats(), [1, 6, 4, 6, 7, 2])
        try y.indexPut_([y.gt(5)], Tensor([0], []))
        XCTAssertEqual(try y.floats(), [1, 0, 4, 0, 0, 2])
        try y.transpose(0, 1).indexPut_([Tensor(integers: [1], [1])], Tensor([9], []))
        XCTAssertEqual(try y.floats(), [1, 9, 4, 9, 0, 9])
        let integers = try Tensor(zeros: [2], .int32).indexPut_([Tensor(integers: [1], [1])], Tensor([3.7], [1]))
        XCTAssertEqual(try integers.ints(), [0, 3])
        assertThrows(.shape, containing: "index_put_: values of shape [3]") {
            try y.indexPut_([Tensor(integers: [1], [1])], Tensor(zeros: [3]))
        }
    }
}
