import Support
import Tensors
import TestSupport
import XCTest

/// Operations on two operands against sums written out element by element.
final class ArithmeticTests: XCTestCase {
    /// Every kind of layout of the same numbers: contiguous, transposed, every second, offset, expanded.
    static func layouts(_ rows: Int, _ columns: Int, seed: UInt64) throws -> [Tensor] {
        let g = Random(seed: seed)
        let plain = try Tensor.randn([rows, columns], generator: g)
        let turned = try Tensor.randn([columns, rows], generator: g).transpose(0, 1)
        let wide = try Tensor.randn([rows, columns * 2], generator: g).slice(dim: 1, from: 1, step: 2)
        let part = try Tensor.randn([rows + 2, columns + 3], generator: g).narrow(dim: 0, start: 1, length: rows)
            .narrow(dim: 1, start: 2, length: columns)
        let row = try Tensor.randn([1, columns], generator: g).expand([rows, columns])
        let column = try Tensor.randn([rows, 1], generator: g).expand([rows, columns])
        return [plain, turned, wide, part, row, column]
    }

    func testAllLayoutsOfBothOperands() throws {
        let operations: [(String, (Tensor, Tensor) throws -> Tensor, (Float, Float) -> Float)] = [
            ("add", { try $0.add($1) }, { $0 + $1 }), ("sub", { try $0.sub($1) }, { $0 - $1 }),
            ("mul", { try $0.mul($1) }, { $0 * $1 }), ("div", { try $0.div($1) }, { $0 / $1 }),
            ("maximum", { try $0.maximum($1) }, { max($0, $1) }), ("minimum", { try $0.minimum($1) }, { min($0, $1) }),
            (
                "remainder", { try $0.remainder($1) },
                { a, b in
                    let r = fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r
                }
            )
        ]
        for (rows, columns) in [(5, 7), (3, 300), (64, 33)] {
            for (i, a) in try Self.layouts(rows, columns, seed: 1).enumerated() {
                for (j, b) in try Self.layouts(rows, columns, seed: 2).enumerated() {
                    let x = try a.floats(), y = try b.floats()
                    for (name, operation, scalar) in operations {
                        XCTAssertEqual(try operation(a, b).floats(), zip(x, y).map(scalar), "\(name) \(i) \(j)")
                    }
                }
            }
        }
    }

    func testBroadcasting() throws {
        let a = try Tensor([1, 2, 3], [3, 1]), b = try Tensor([10, 20], [2])
        XCTAssertEqual(try a.add(b).floats(), [11, 21, 12, 22, 13, 23])
        XCTAssertEqual(try a.add(b).shape, [3, 2])
        XCTAssertEqual(try b.sub(a).floats(), [9, 19, 8, 18, 7, 17])
        XCTAssertEqual(try Tensor([5], []).mul(b).floats(), [50, 100])
        XCTAssertEqual(try Tensor(zeros: [0, 3]).add(Tensor(ones: [3])).shape, [0, 3])
        XCTAssertEqual(try Tensor(zeros: [2, 0, 3]).add(Tensor(ones: [1, 3])).shape, [2, 0, 3])
        assertThrows(.shape, containing: "add: shapes [3, 1] and [2, 2]") { try a.add(Tensor(zeros: [2, 2])) }
        assertThrows(.shape, containing: "mul: shapes [2, 3] and [2]") { try Tensor(zeros: [2, 3]).mul(b) }
    }

    func testDTypesPromoteAsInPyTorch() throws {
        func result(_ a: DType, _ b: DType, _ shape: Dims = [2]) throws -> DType {
            try Tensor(ones: [2], a).add(Tensor(ones: shape, b)).dtype
        }
        XCTAssertEqual(try result(.int64, .float32), .float32)
        XCTAssertEqual(try result(.int64, .float16), .float16)
        XCTAssertEqual(try result(.float16, .bfloat16), .float32)
        XCTAssertEqual(try result(.bfloat16, .float32), .float32)
        XCTAssertEqual(try result(.float32, .float64), .float64)
        XCTAssertEqual(try result(.uint8, .int8), .int16)
        XCTAssertEqual(try result(.uint8, .int16), .int16)
        XCTAssertEqual(try result(.int32, .int64), .int64)
        XCTAssertEqual(try result(.bool, .uint8), .uint8)
        XCTAssertEqual(try result(.bool, .bool), .bool)
        // A single number does not widen its own kind, but a higher kind wins.
        XCTAssertEqual(try result(.float32, .float64, []), .float32)
        XCTAssertEqual(try result(.int32, .int64, []), .int32)
        XCTAssertEqual(try result(.int32, .float64, []), .float64)
        XCTAssertEqual(try Tensor(integers: [1, 2], [2], .int32).add(1).dtype, .int32)
        XCTAssertEqual(try Tensor(integers: [1, 2], [2], .int32).add(0.5).floats(), [1.5, 2.5])
        XCTAssertEqual(try Tensor(integers: [7, -7], [2], .int32).div(2).floats(), [3.5, -3.5])
        XCTAssertEqual(try Tensor(ones: [1], .bfloat16).mul(0.5).dtype, .bfloat16)
    }

    func testIntegersWrapAndBoolsAreLogical() throws {
        let bytes = try Tensor(integers: [250, 7], [2], .uint8)
        XCTAssertEqual(try bytes.add(10).ints(), [4, 17])
        XCTAssertEqual(try Tensor(integers: [.max], [1]).add(1).ints(), [.min])
        XCTAssertEqual(
            try Tensor(integers: [7, -7, 7, -7], [4]).remainder(Tensor(integers: [3, 3, -3, -3], [4])).ints(),
            [1, 2, -2, -1])
        XCTAssertEqual(try Tensor(integers: [2, -3, 0], [3]).pow(3).ints(), [8, -27, 0])
        XCTAssertEqual(try Tensor(integers: [.min, 5], [2]).remainder(-1).ints(), [0, 0])
        let a = try Tensor(integers: [0, 0, 1, 1], [4]).to(.bool), b = try Tensor(integers: [0, 1, 0, 1], [4]).to(.bool)
        XCTAssertEqual(try a.add(b).ints(), [0, 1, 1, 1])
        XCTAssertEqual(try a.mul(b).ints(), [0, 0, 0, 1])
        assertThrows(.dtype, containing: "sub") { try a.sub(b) }
        assertThrows(.argument, containing: "division by zero") { try Tensor(integers: [1], [1]).remainder(0) }
        assertThrows(.argument, containing: "division by zero") {
            try Tensor(integers: [1, 2], [2]).remainder(Tensor(integers: [1, 0], [2]))
        }
        assertThrows(.argument, containing: "negative integer power") { try Tensor(integers: [1], [1]).pow(-1) }
    }

    func testHalfTypesComputeInFloat32AndRoundOnce() throws {
        let values: [Float] = [1.5, 3.14159, -2.7182, 1e-3, 300]
        for dtype in [DType.float16, .bfloat16] {
            let x = try Tensor(values, [5]).to(dtype), stored = try x.floats()
            XCTAssertEqual(try x.mul(x).dtype, dtype)
            XCTAssertEqual(try x.mul(x).floats(), try Tensor(stored.map { $0 * $0 }, [5]).to(dtype).floats())
            XCTAssertEqual(try x.exp().floats(), try Tensor(stored, [5]).exp().to(dtype).floats())
        }
    }

    func testNumbersBesideTensors() throws {
        let x = try Tensor([1, 2, 4], [3])
        XCTAssertEqual(try x.add(1).floats(), [2, 3, 5])
        XCTAssertEqual(try x.sub(0.5).floats(), [0.5, 1.5, 3.5])
        XCTAssertEqual(try x.subtracted(from: 10).floats(), [9, 8, 6])
        XCTAssertEqual(try x.divided(into: 8).floats(), [8, 4, 2])
        XCTAssertEqual(try x.power(of: 2).floats(), [2, 4, 16])
        XCTAssertEqual(try x.pow(0.5).floats(), [1, Float(2).squareRoot(), 2])
        XCTAssertEqual(try x.pow(-1).floats(), [1, 0.5, 0.25])
        XCTAssertEqual(try x.pow(3).floats(), [1, 8, 64])
        XCTAssertEqual(try Tensor(integers: [3, 4], [2]).power(of: 2).ints(), [8, 16])
        XCTAssertEqual(try x.clamp(low: 1.5, high: 3).floats(), [1.5, 2, 3])
        XCTAssertEqual(try x.clamp(low: 2, high: nil as Int?).floats(), [2, 2, 4])
        XCTAssertEqual(try Tensor(integers: [1, 5], [2]).clamp(low: 2, high: 3).ints(), [2, 3])
        XCTAssertEqual(try Tensor([7.5, -7.5], [2]).remainder(2).floats(), [1.5, 0.5])
    }

    func testNaNPropagates() throws {
        let x = try Tensor([1, .nan, 2, .nan, 0, 1, 1, 1, 1, .nan], [10]),
            y = try Tensor([.nan, 1, 3, .nan, 0, 1, 1, 1, 1, 1], [10])
        for result in [try x.maximum(y), try x.minimum(y), try y.maximum(x), try y.minimum(x)] {
            XCTAssertEqual(
                try result.floats().map(\.isNaN), [true, true, false, true, false, false, false, false, false, true])
        }
        XCTAssertEqual(try x.clamp(low: 0, high: 1).floats().map(\.isNaN), try x.floats().map(\.isNaN))
        XCTAssertTrue(try x.relu().floats()[1].isNaN)
        XCTAssertTrue(try x.to(.float64).maximum(y.to(.float64)).doubles()[0].isNaN)
    }

    func testInPlaceWritesThroughViewsAndBroadcasts() throws {
        let x = try Tensor([1, 2, 3, 4, 5, 6], [2, 3])
        try x.select(dim: 1, index: 1).mul_(10)
        XCTAssertEqual(try x.floats(), [1, 20, 3, 4, 50, 6])
        try x.transpose(0, 1).add_(Tensor([100, 200], [2]))
        XCTAssertEqual(try x.floats(), [101, 120, 103, 204, 250, 206])
        try x.sub_(x)
        XCTAssertEqual(try x.floats(), [0, 0, 0, 0, 0, 0])
        let square = try Tensor([1, 2, 3, 4], [2, 2])
        try square.add_(square.transpose(0, 1))
        XCTAssertEqual(try square.floats(), [2, 5, 5, 8])
        try square.copy_(Tensor([1, 2], [2]))
        XCTAssertEqual(try square.floats(), [1, 2, 1, 2])
        try square.fill_(3).div_(2).neg_().exp_()
        XCTAssertEqual(try square.floats(), [Float](repeating: Float(exp(-1.5)), count: 4))
        let shifted = try Tensor([1, 2, 3, 4], [4])
        try shifted.narrow(dim: 0, start: 1, length: 3).copy_(shifted.narrow(dim: 0, start: 0, length: 3))
        XCTAssertEqual(try shifted.floats(), [1, 1, 2, 3])
        let integers = try Tensor(integers: [1, 2], [2], .int32)
        try integers.add_(3).mul_(2).pow_(2).remainder_(50).clamp_(low: 15, high: 100)
        XCTAssertEqual(try integers.ints(), [15, 15])
    }

    func testInPlaceRefusals() throws {
        let x = try Tensor([1, 2, 3], [3])
        assertThrows(.shape, containing: "add_") { try x.add_(Tensor(zeros: [2, 3])) }
        assertThrows(.shape, containing: "mul_: shapes [3] and [2]") { try x.mul_(Tensor(zeros: [2])) }
        assertThrows(.dtype, containing: "div_: the result is float32") { try Tensor(integers: [1], [1]).div_(2) }
        assertThrows(.dtype, containing: "add_") { try Tensor(integers: [1], [1]).add_(0.5) }
        assertThrows(.argument, containing: "expand") { try x.expand([2, 3]).add_(1) }
        assertThrows(.shape, containing: "copy_: a tensor of shape [2]") { try x.copy_(Tensor(zeros: [2])) }
        final class Owner {}
        var bytes: [Float] = [1, 2]
        try bytes.withUnsafeMutableBytes { raw in
            let storage = Storage(borrowing: UnsafeRawBufferPointer(raw), owner: Owner())
            let mapped = Tensor(storage: storage, offset: 0, shape: [2], strides: [1], dtype: .float32)
            XCTAssertEqual(try mapped.add(1).floats(), [2, 3])
            assertThrows(.argument, containing: "fill_: this tensor of shape [2] lies in a file") {
                try mapped.fill_(0)
            }
        }
        XCTAssertEqual(bytes, [1, 2])
    }

    func testComparisons() throws {
        let a = try Tensor([1, 2, .nan, 4, 5, 6, 7, 8, 9, 10], [10]),
            b = try Tensor([2, 2, .nan, 3, 5, 0, 7, 8, 9, 11], [10])
        XCTAssertEqual(try a.eq(b).ints(), [0, 1, 0, 0, 1, 0, 1, 1, 1, 0])
        XCTAssertEqual(try a.ne(b).ints(), [1, 0, 1, 1, 0, 1, 0, 0, 0, 1])
        XCTAssertEqual(try a.lt(b).ints(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        XCTAssertEqual(try a.le(b).ints(), [1, 1, 0, 0, 1, 0, 1, 1, 1, 1])
        XCTAssertEqual(try a.gt(b).ints(), [0, 0, 0, 1, 0, 1, 0, 0, 0, 0])
        XCTAssertEqual(try a.ge(b).ints(), [0, 1, 0, 1, 1, 1, 1, 1, 1, 0])
        XCTAssertEqual(try a.eq(b).dtype, .bool)
        XCTAssertEqual(try Tensor([1, 2, 3, 4], [2, 2]).transpose(0, 1).gt(Tensor([2], [1])).ints(), [0, 1, 0, 1])
        XCTAssertEqual(try Tensor(integers: [.max, .max - 1], [2]).eq(Int.max).ints(), [1, 0])
        XCTAssertEqual(try Tensor(integers: [1, 2], [2]).lt(1.5).ints(), [1, 0])
        XCTAssertEqual(try a.gt(4).logicalAnd(b.lt(6)).ints(), [0, 0, 0, 0, 1, 1, 0, 0, 0, 0])
        XCTAssertEqual(try Tensor([0, 1, .nan], [3]).logicalNot().ints(), [1, 0, 0])
        XCTAssertEqual(try Tensor([0, 1, 0], [3]).logicalOr(Tensor([0, 0, 2], [3])).ints(), [0, 1, 1])
        XCTAssertEqual(try Tensor([0, 1, 3], [3]).logicalXor(Tensor([0, 0, 2], [3])).ints(), [0, 1, 0])
        XCTAssertTrue(try Tensor([1, 2], [2]).equal(Tensor(integers: [1, 2], [2])))
        XCTAssertFalse(try Tensor([1, 2], [2]).equal(Tensor([1, 2], [1, 2])))
        XCTAssertFalse(try a.equal(a))
        assertThrows(.shape, containing: "lt: shapes [2] and [3]") { try Tensor(zeros: [2]).lt(Tensor(zeros: [3])) }
    }

    func testAllClose() throws {
        let a = try Tensor([1, 1e10, .infinity], [3])
        XCTAssertTrue(try a.allClose(Tensor([1.000001, 1.000009e10, .infinity], [3])))
        XCTAssertFalse(try a.allClose(Tensor([1.0001, 1e10, .infinity], [3])))
        XCTAssertFalse(try a.allClose(Tensor([1, 1e10, -.infinity], [3])))
        XCTAssertFalse(try Tensor([1], [1]).allClose(Tensor([.infinity], [1])))
        XCTAssertFalse(try Tensor([.nan], [1]).allClose(Tensor([.nan], [1])))
        XCTAssertTrue(try Tensor([.nan], [1]).allClose(Tensor([.nan], [1]), equalNaN: true))
    }
}
