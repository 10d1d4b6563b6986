import Support
import Tensors
import TestSupport
import XCTest

/// Matrix products against three loops in float64.
final class MatMulTests: XCTestCase {
    /// a [batch..., m, k] b [batch..., k, n], broadcasting, element by element.
    private func reference(_ a: Tensor, _ b: Tensor) throws -> [Double] {
        let m = a.shape[a.rank - 2], k = a.shape[a.rank - 1], n = b.shape[b.rank - 1]
        let batch = try Tensor(zeros: Dims(a.shape.dropLast(2))).add(Tensor(zeros: Dims(b.shape.dropLast(2)))).shape
        let x = try a.expand(Dims(Array(batch) + [m, k])).doubles(),
            y = try b.expand(Dims(Array(batch) + [k, n])).doubles()
        var result: [Double] = []
        for p in 0 ..< batch.product {
            for i in 0 ..< m {
                for j in 0 ..< n {
                    result.append((0 ..< k).reduce(0) { $0 + x[(p * m + i) * k + $1] * y[(p * k + $1) * n + j] })
                }
            }
        }
        return result
    }

    private func check(_ a: Tensor, _ b: Tensor, _ what: String, tolerance: Float = 1e-5, line: UInt = #line) throws {
        assertClose(
            try a.matmul(b).floats(), try reference(a, b).map(Float.init), abs: tolerance, rel: tolerance, what,
            line: line)
    }

    func testShapesAndLayouts() throws {
        let g = Random(seed: 1)
        func layouts(_ shape: Dims) throws -> [Tensor] {
            let n = shape.count, turned = Dims(Array(shape.dropLast(2)) + [shape[n - 1], shape[n - 2]])
            var wide = shape
            wide[n - 1] *= 2
            return [
                try Tensor.randn(shape, generator: g), try Tensor.randn(turned, generator: g).transpose(-1, -2),
                try Tensor.randn(wide, generator: g).slice(dim: -1, step: 2),
                try Tensor.randn(wide, generator: g).narrow(dim: -1, start: 1, length: shape[n - 1])
            ]
        }
        for (m, k, n) in [(1, 1, 1), (2, 3, 4), (1, 5, 3), (4, 1, 3), (3, 5, 1), (65, 70, 130)] {
            for (i, a) in try layouts([m, k]).enumerated() {
                for (j, b) in try layouts([k, n]).enumerated() {
                    try check(a, b, "\(m) \(k) \(n) \(i) \(j)")
                    assertClose(
                        try a.to(.float64).matmul(b.to(.float64)).floats(), try reference(a, b).map(Float.init),
                        abs: 1e-6, "float64")
                }
            }
        }
        for (first, second) in [
            ([3, 2, 4], [4, 5]), ([3, 2, 4], [3, 4, 5]), ([2, 4], [3, 4, 5]), ([2, 1, 3, 4], [5, 4, 2]),
            ([1, 3, 4], [6, 4, 2]), ([40, 3, 4], [40, 4, 2])
        ] as [(Dims, Dims)] {
            for a in try layouts(first) { for b in try layouts(second) { try check(a, b, "\(first) \(second)") } }
        }
        let heads = try Tensor.randn([2, 6, 3, 4], generator: g).transpose(1, 2)   // batch, head, time, width
        try check(heads, try heads.transpose(-1, -2), "attention scores")
        try check(
            try Tensor.randn([2, 3], generator: g).unsqueeze(dim: 0).expand([4, 2, 3]),
            try Tensor.randn([3, 5], generator: g), "expanded batch")
    }

    func testVectorsAndNumbers() throws {
        let v = try Tensor([1, 2, 3], [3]), a = try Tensor([1, 0, 2, 0, 1, 1], [2, 3])
        XCTAssertEqual(try v.matmul(v).shape, [])
        XCTAssertEqual(try v.dot(v).item(), 14)
        XCTAssertEqual(try a.matmul(v).floats(), [7, 5])
        XCTAssertEqual(try Tensor([1, 2], [2]).matmul(a).floats(), [1, 2, 4])
        XCTAssertEqual(try a.unsqueeze(dim: 0).matmul(v).shape, [1, 2])
        XCTAssertEqual(try Tensor(integers: [1, 2, 3, 4], [2, 2]).matmul(Tensor(integers: [1, 1], [2])).ints(), [3, 7])
        XCTAssertEqual(try Tensor(zeros: [2, 0]).matmul(Tensor(zeros: [0, 3])).floats(), [0, 0, 0, 0, 0, 0])
        XCTAssertEqual(try Tensor(zeros: [0, 2]).matmul(Tensor(zeros: [2, 3])).shape, [0, 3])
        XCTAssertEqual(try Tensor(zeros: [0, 2, 2]).matmul(Tensor(zeros: [2, 3])).shape, [0, 2, 3])
        assertThrows(.shape, containing: "matmul: shapes [2, 3] and [2, 3] do not fit") { try a.matmul(a) }
        assertThrows(.shape, containing: "matmul: shapes [] and [3]") { try Tensor([1], []).matmul(v) }
        assertThrows(.shape) { try Tensor(zeros: [2, 2, 3]).matmul(Tensor(zeros: [3, 3, 4])) }
        assertThrows(.shape, containing: "dot: shapes [3] and [2, 3]") { try v.dot(a) }
    }

    func testHalfTypesMultiplyInFloat32() throws {
        let g = Random(seed: 2)
        for dtype in [DType.bfloat16, .float16] {
            let a = try Tensor.randn([5, 300], generator: g), w = try Tensor.randn([700, 300], generator: g).to(dtype),
                wide = try w.to(.float32)
            let expected = try a.matmul(wide.transpose(0, 1))
            XCTAssertEqual(expected.dtype, .float32)
            assertClose(try a.matmul(w.transpose(0, 1)).floats(), try expected.floats(), abs: 1e-4)
            assertClose(
                try a.matmul(wide.transpose(0, 1).contiguous().to(dtype)).floats(), try expected.floats(), abs: 1e-4)
            XCTAssertEqual(try w.matmul(w.transpose(0, 1)).dtype, dtype)
            assertClose(try a.reshape([5, 1, 300]).matmul(w.transpose(0, 1)).floats(), try expected.floats(), abs: 1e-4)
        }
        // Wide enough for several panels.
        let a = try Tensor.randn([2, 20_000], generator: g),
            w = try Tensor.randn([200, 20_000], generator: g).to(.bfloat16)
        assertClose(
            try a.matmul(w.transpose(0, 1)).floats(), try reference(a, w.transpose(0, 1)).map(Float.init), abs: 5e-3)
    }

    func testAddmm() throws {
        let g = Random(seed: 3), a = try Tensor.randn([7, 5], generator: g), b = try Tensor.randn([5, 6], generator: g),
            c = try Tensor.randn([7, 6], generator: g)
        let expected = try c.mul(0.5).add(a.matmul(b).mul(2)).floats()
        let place = try Tensor(zeros: [7, 10]).narrow(dim: 1, start: 2, length: 6)
        try place.copy_(c)
        try place.addmm_(a, b, beta: 0.5, alpha: 2)
        assertClose(try place.floats(), expected, abs: 1e-5)
        let turned = try c.transpose(0, 1).contiguous().transpose(0, 1).addmm_(a, b, beta: 0.5, alpha: 2)
        assertClose(try turned.floats(), expected, abs: 1e-5)
        let fresh = try Tensor.full([7, 6], Double.nan)
        assertClose(try fresh.addmm_(a, b, beta: 0).floats(), try a.matmul(b).floats(), abs: 1e-6)
        assertThrows(.shape, containing: "addmm_: shapes [7, 5] and [5, 6] for a result of shape [6, 7]") {
            try Tensor(zeros: [6, 7]).addmm_(a, b)
        }
    }
}
