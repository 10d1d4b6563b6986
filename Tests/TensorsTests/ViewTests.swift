import Support
import Tensors
import TestSupport
import XCTest

final class ViewTests: XCTestCase {
    private let x = try! Tensor((0 ..< 24).map(Float.init), [2, 3, 4])

    /// Elements in C order, read one by one through shape and strides.
    private func elements(_ t: Tensor) -> [Float] {
        var result: [Float] = [], index = Array(repeating: 0, count: t.rank)
        for _ in 0 ..< t.count {
            result.append(t.pointer(Float.self)[zip(index, t.strides).reduce(0) { $0 + $1.0 * $1.1 }])
            for d in stride(from: t.rank - 1, through: 0, by: -1) {
                index[d] += 1
                if index[d] < t.shape[d] { break }
                index[d] = 0
            }
        }
        return result
    }

    func testReshape() throws {
        XCTAssertEqual(try x.reshape([-1, 6]).shape, [4, 6])
        XCTAssertTrue(try x.reshape([6, 4]).storage === x.storage)
        XCTAssertEqual(try x.flatten().shape, [24])
        XCTAssertEqual(try x.flatten(from: 1).shape, [2, 12])
        XCTAssertEqual(try x.flatten(from: 0, to: -2).shape, [6, 4])
        XCTAssertEqual(try Tensor([5], []).flatten().shape, [1])
        XCTAssertEqual(try Tensor([5], [1, 1]).reshape([]).shape, [])
        XCTAssertEqual(try Tensor(zeros: [0, 3]).reshape([3, 0, 2]).shape, [3, 0, 2])
        assertThrows(.shape, containing: "reshape: shape [2, 3, 4] cannot become [5, 5]") { try x.reshape([5, 5]) }
        assertThrows(.shape, containing: "reshape") { try x.reshape([-1, 7]) }
        assertThrows(.shape, containing: "reshape") { try x.reshape([-1, -1]) }
        assertThrows(.shape, containing: "reshape") { try x.reshape([-2, -12]) }
        assertThrows(.shape, containing: "reshape") { try x.reshape([.max, 4]) }
        assertThrows(.shape, containing: "reshape") { try Tensor(zeros: [0, 3]).reshape([-1, 0]) }
    }

    func testViewsOfStridedTensors() throws {
        let turned = try x.transpose(0, 1)
        // Splitting a dimension is always possible, joining only what follows each other.
        XCTAssertTrue(try turned.view([3, 2, 2, 2]).storage === x.storage)
        XCTAssertEqual(elements(try turned.view([3, 2, 2, 2])), elements(turned))
        assertThrows(.shape, containing: "view: ") { try turned.view([6, 4]) }
        XCTAssertEqual(elements(try turned.reshape([6, 4])), elements(turned))
        let part = try x.narrow(dim: 2, start: 1, length: 2)
        XCTAssertTrue(try part.view([6, 2]).storage === x.storage)
        XCTAssertEqual(elements(try part.view([6, 1, 2, 1])), elements(part))
        assertThrows(.shape) { try part.view([12]) }
        let spread = try Tensor([1, 2], [2, 1]).expand([2, 6])
        XCTAssertEqual(elements(try spread.view([2, 2, 3])), [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
        XCTAssertEqual(try spread.reshape([3, 4]).floats(), [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
        let thin = try x.transpose(0, 2).unsqueeze(dim: 1)
        XCTAssertEqual(elements(try thin.view([4, 3, 1, 2])), elements(thin))
    }

    func testReshapeAgainstElementOrder() throws {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let turned = try x.permute(Dims(order))
            for target in [[24], [2, 12], [12, 2], [4, 6], [2, 3, 4], [3, 2, 4], [4, 3, 2], [2, 2, 2, 3], [1, 24, 1]]
                as [Dims]
            {
                XCTAssertEqual(elements(try turned.reshape(target)), elements(turned), "\(order) \(target)")
                if let view = try? turned.view(target) {
                    XCTAssertEqual(elements(view), elements(turned), "\(order) \(target)")
                }
            }
        }
    }

    func testOrder() throws {
        XCTAssertEqual(elements(try x.transpose(-1, 0)).prefix(4), [0, 12, 4, 16])
        XCTAssertEqual(try x.permute([2, 0, 1]).shape, [4, 2, 3])
        XCTAssertEqual(elements(try x.permute([-1, 0, 1])).prefix(7), [0, 4, 8, 12, 16, 20, 1])
        assertThrows(.argument, containing: "permute: dimension 0 twice") { try x.permute([0, 0, 1]) }
        assertThrows(.argument, containing: "permute: 2 dimensions") { try x.permute([0, 1]) }
        assertThrows(.index, containing: "transpose: dimension 3 of a tensor of shape [2, 3, 4]") {
            try x.transpose(0, 3)
        }
    }

    func testSqueezeAndExpand() throws {
        let y = try x.reshape([2, 1, 12, 1])
        XCTAssertEqual(try y.squeeze().shape, [2, 12])
        XCTAssertEqual(try y.squeeze(dim: 1).shape, [2, 12, 1])
        XCTAssertEqual(try y.squeeze(dim: 0).shape, y.shape)
        XCTAssertEqual(try x.unsqueeze(dim: 0).shape, [1, 2, 3, 4])
        XCTAssertEqual(try x.unsqueeze(dim: -1).shape, [2, 3, 4, 1])
        XCTAssertEqual(try x.unsqueeze(dim: -4).shape, [1, 2, 3, 4])
        assertThrows(.index, containing: "unsqueeze: dimension 4") { try x.unsqueeze(dim: 4) }
    }

    func testExpand() throws {
        let y = try Tensor([1, 2], [2, 1])
        XCTAssertEqual(elements(try y.expand([2, 3])), [1, 1, 1, 2, 2, 2])
        XCTAssertEqual(elements(try y.expand([2, -1, 2])), [1, 1, 2, 2, 1, 1, 2, 2])
        assertThrows(.shape, containing: "expand: shape [2, 1] does not expand to [3, 3]") { try y.expand([3, 3]) }
        assertThrows(.shape, containing: "more dimensions") { try y.expand([2]) }
        assertThrows(.shape) { try y.expand([2, -5]) }
        assertThrows(.memory) { try y.expand([2, .max]) }
    }

    func testParts() throws {
        XCTAssertEqual(elements(try x.narrow(dim: 2, start: 1, length: 2)).prefix(4), [1, 2, 5, 6])
        XCTAssertEqual(elements(try x.narrow(dim: 0, start: -1, length: 1)).first, 12)
        XCTAssertEqual(try x.narrow(dim: 1, start: 3, length: 0).shape, [2, 0, 4])
        XCTAssertEqual(elements(try x.select(dim: 1, index: -1)), [8, 9, 10, 11, 20, 21, 22, 23])
        XCTAssertEqual(try x.select(dim: 0, index: 0).select(dim: 0, index: 1).select(dim: 0, index: 2).item(), 6)
        assertThrows(.index, containing: "narrow: 3 positions from 2 on exceed dimension 1 of shape [2, 3, 4]") {
            try x.narrow(dim: 1, start: 2, length: 3)
        }
        assertThrows(.index) { try x.narrow(dim: 1, start: 0, length: -1) }
        assertThrows(.index) { try x.narrow(dim: 1, start: 1, length: .max) }
        assertThrows(.index, containing: "select: position 2 is outside dimension 0") { try x.select(dim: 0, index: 2) }
        assertThrows(.index, containing: "no dimensions") { try Tensor([1], []).select(dim: 0, index: 0) }
    }

    func testSlices() throws {
        let v = try Tensor((0 ..< 10).map(Float.init), [10])
        XCTAssertEqual(elements(try v.slice(dim: 0, from: 2, to: 5)), [2, 3, 4])
        XCTAssertEqual(elements(try v.slice(dim: 0, from: -3)), [7, 8, 9])
        XCTAssertEqual(elements(try v.slice(dim: 0, to: -8)), [0, 1])
        XCTAssertEqual(elements(try v.slice(dim: 0, step: 4)), [0, 4, 8])
        XCTAssertEqual(elements(try v.slice(dim: 0, from: 1, to: 100, step: 3)), [1, 4, 7])
        XCTAssertEqual(elements(try v.slice(dim: 0, from: 5, to: 2)), [])
        XCTAssertEqual(elements(try v.slice(dim: 0, step: -3)), [9, 6, 3, 0])
        XCTAssertEqual(elements(try v.slice(dim: 0, from: 4, to: 1, step: -1)), [4, 3, 2])
        assertThrows(.argument, containing: "step") { try v.slice(dim: 0, step: 0) }
    }

    func testSplitChunkCatStack() throws {
        XCTAssertEqual(try x.split(2, dim: 2).map(\.shape), [[2, 3, 2], [2, 3, 2]])
        XCTAssertEqual(try x.split(2, dim: 1).map(\.shape), [[2, 2, 4], [2, 1, 4]])
        XCTAssertEqual(try x.split(sizes: [1, 3], dim: -1).map(\.shape), [[2, 3, 1], [2, 3, 3]])
        XCTAssertEqual(try x.chunk(2, dim: 1).map(\.shape), [[2, 2, 4], [2, 1, 4]])
        assertThrows(.shape, containing: "split: sizes [1, 2]") { try x.split(sizes: [1, 2], dim: 2) }
        for dim in 0 ..< 3 {
            XCTAssertEqual(try Tensor.cat(x.split(1, dim: dim), dim: dim).floats(), try x.floats())
            XCTAssertEqual(
                try Tensor.cat(x.transpose(0, 2).split(2, dim: dim), dim: dim).floats(), elements(try x.transpose(0, 2))
            )
            let apart = try (0 ..< x.shape[dim]).map { try x.select(dim: dim, index: $0) }
            XCTAssertEqual(try Tensor.stack(apart, dim: dim).floats(), try x.floats())
        }
        XCTAssertEqual(try Tensor.stack([x, x], dim: -1).shape, [2, 3, 4, 2])
        XCTAssertEqual(try Tensor.cat([x.to(.int32), x.to(.float64)]).dtype, .float64)
        assertThrows(.shape, containing: "cat: shapes [2, 3, 4] and [2, 3] cannot") {
            try Tensor.cat([x, Tensor(zeros: [2, 3])])
        }
        assertThrows(.shape, containing: "stack") { try Tensor.stack([x, Tensor(zeros: [2, 3])]) }
        assertThrows(.argument) { try Tensor.cat([]) }
    }

    func testPad() throws {
        let y = try Tensor([1, 2, 3, 4], [2, 2])
        XCTAssertEqual(try y.pad([1, 2]).floats(), [0, 1, 2, 0, 0, 0, 3, 4, 0, 0])
        XCTAssertEqual(try y.pad([0, 1, 1, 0], value: 9).floats(), [9, 9, 9, 1, 2, 9, 3, 4, 9])
        XCTAssertEqual(try y.pad([-1, 1]).floats(), [2, 0, 4, 0])
        assertThrows(.argument, containing: "pad: 3 amounts") { try y.pad([1, 2, 3]) }
        assertThrows(.argument) { try y.pad([-2, -1]) }
        assertThrows(.argument) { try y.pad([.max, 1]) }
    }

    func testTransposedCopies() throws {
        for (rows, columns) in [(1, 5), (3, 4), (33, 65), (100, 7), (64, 64)] {
            let y = try Tensor((0 ..< (3 * rows * columns)).map(Float.init), [3, rows, columns])
            for order in [[0, 2, 1], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
                let turned = try y.permute(Dims(order))
                XCTAssertEqual(try turned.contiguous().floats(), elements(turned), "\(rows) \(columns) \(order)")
                XCTAssertEqual(try turned.to(.float16).to(.float32).shape, turned.shape)
                for dtype in [DType.float64, .int16, .uint8] {
                    XCTAssertEqual(
                        try turned.to(dtype).doubles(), try y.to(dtype).permute(Dims(order)).contiguous().doubles())
                }
            }
        }
    }
}
