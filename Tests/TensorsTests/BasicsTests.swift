import Support
import Tensors
import TestSupport
import XCTest

final class BasicsTests: XCTestCase {
    func testBasics() throws {
        let a = try Tensor([1, 2, 3, 4, 5, 6], [2, 3]), b = try Tensor([10, 20, 30], [3])
        XCTAssertEqual(try a.add(b).floats(), [11, 22, 33, 14, 25, 36])
        XCTAssertEqual(try a.transpose(0, 1).contiguous().floats(), [1, 4, 2, 5, 3, 6])
        XCTAssertEqual(try a.transpose(0, 1).mul(2).sub(1).floats(), [1, 7, 3, 9, 5, 11])
        XCTAssertEqual(try a.sum(dim: 0).floats(), [5, 7, 9])
        XCTAssertEqual(try a.mean(dim: 1, keepDim: true).floats(), [2, 5])
        XCTAssertEqual(try a.matmul(a.transpose(0, 1)).floats(), [14, 32, 32, 77])
        XCTAssertEqual(try Tensor.cat([a, a.narrow(dim: 1, start: 1, length: 1)], dim: 1).floats(), [1, 2, 3, 2, 4, 5, 6, 5])
        XCTAssertEqual(try a.to(.bfloat16).add(1).to(.int32).ints(), [2, 3, 4, 5, 6, 7])
    }
    func testGradients() throws {
        let g = Random(seed: 1)
        let a = try Tensor.randn([3, 4], generator: g), b = try Tensor.randn([4], generator: g), c = try Tensor.randn([4, 2], generator: g)
        try checkGradients([a, b]) { try $0[0].mul($0[1]).add($0[0]) }
        try checkGradients([a, c]) { try $0[0].matmul($0[1]) }
        try checkGradients([a, b]) { try $0[0].narrow(dim: 1, start: 1, length: 2).sum(dim: 0).mul($0[1].reshape([2, 2])) }
        try checkGradients([a]) { x in let y = try x[0].mul(2); try y.narrow(dim: 0, start: 1, length: 1).mul_(3); return try y.mul(y) }
    }
}
