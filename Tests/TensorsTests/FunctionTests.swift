import Support
import Tensors
import TestSupport
import XCTest

/// Functions of one operand against the C library in float64.
final class FunctionTests: XCTestCase {
    /// How many float32 steps lie between a result and the true value.
    private func steps(_ value: Float, _ exact: Double) -> Double {
        if value.isNaN || exact.isNaN { return value.isNaN && exact.isNaN ? 0 : .infinity }
        let nearest = Float(exact)
        if value == nearest { return 0 }
        if value.isInfinite || nearest.isInfinite { return .infinity }
        return abs(Double(value) - exact) / Double(max(nearest.ulp, Float.leastNonzeroMagnitude))
    }

    private func check(
        _ name: String, _ inputs: [Float], limit: Double, file: StaticString = #filePath, line: UInt = #line,
        _ function: (Tensor) throws -> Tensor, _ exact: (Double) -> Double
    ) throws {
        let results = try function(Tensor(inputs, [inputs.count])).floats()
        var worst = (0.0, Float(0), Float(0))
        for (x, y) in zip(inputs, results) {
            let distance = steps(y, exact(Double(x)))
            if distance > worst.0 { worst = (distance, x, y) }
        }
        XCTAssertLessThanOrEqual(worst.0, limit, "\(name)(\(worst.1)) = \(worst.2)", file: file, line: line)
    }

    /// Evenly spread over a range, over all magnitudes, and the awkward ones.
    private func inputs(_ low: Float, _ high: Float) -> [Float] {
        let count = 40_001
        var result = (0 ..< count).map { low + (high - low) * (Float($0) / Float(count - 1)) }
        for exponent in -140 ... 126 {
            for digit in [1, 1.3, 1.7] as [Float] {
                for value in [digit * exp2(Float(exponent)), -digit * exp2(Float(exponent))]
                where value >= low && value <= high { result.append(value) }
            }
        }
        return result + [0, -0.0]
    }

    func testExponentialAndLogarithm() throws {
        try check("exp", inputs(-103, 88.7), limit: 2, { try $0.exp() }, exp)
        try check(
            "exp", [89, 200, .infinity, -.infinity, -110, .nan, .greatestFiniteMagnitude], limit: 0, { try $0.exp() },
            exp)
        try check("log", inputs(0, .greatestFiniteMagnitude), limit: 2, { try $0.log() }, log)
        try check("log", inputs(0.5, 2), limit: 2, { try $0.log() }, log)
        try check("log", [0, -0.0, -1, -.infinity, .infinity, .nan, 1], limit: 0, { try $0.log() }, log)
    }

    func testHyperbolicAndSigmoids() throws {
        try check("tanh", inputs(-12, 12), limit: 2, { try $0.tanh() }, tanh)
        try check("tanh", [.infinity, -.infinity, .nan, 100, -100], limit: 0, { try $0.tanh() }, tanh)
        try check("sigmoid", inputs(-80, 80), limit: 3, { try $0.sigmoid() }, { 1 / (1 + exp(-$0)) })
        try check(
            "sigmoid", [.infinity, -.infinity, .nan, 1000, -1000], limit: 0, { try $0.sigmoid() },
            { 1 / (1 + exp(-$0)) })
        try check("silu", inputs(-80, 80), limit: 3, { try $0.silu() }, { $0 / (1 + exp(-$0)) })
    }

    func testGelu() throws {
        // 1 + erf cancels on the negative side: as in other implementations the error is small against |x|.
        let x = inputs(-10, 10), y = try Tensor(x, [x.count]).gelu().floats()
        for (x, y) in zip(x, y) {
            let exact = 0.5 * Double(x) * erfc(-Double(x) * 0.5.squareRoot())
            XCTAssertEqual(Double(y), exact, accuracy: 2.5e-7 * max(abs(Double(x)), 1e-30), "gelu(\(x))")
        }
        try check("gelu", inputs(0, 10), limit: 2.5, { try $0.gelu() }, { 0.5 * $0 * erfc(-$0 * 0.5.squareRoot()) })
    }

    func testCircularFunctions() throws {
        for (low, high) in [(-4, 4), (-30_000, 30_000), (-1e9, 1e9)] as [(Float, Float)] {
            let x = inputs(low, high)
            let s = try Tensor(x, [x.count]).sin().floats(), c = try Tensor(x, [x.count]).cos().floats()
            for i in x.indices {
                // Near their zeros, results are compared with the size of the function, which is 1.
                XCTAssertEqual(Double(s[i]), sin(Double(x[i])), accuracy: 1.2e-7, "sin(\(x[i]))")
                XCTAssertEqual(Double(c[i]), cos(Double(x[i])), accuracy: 1.2e-7, "cos(\(x[i]))")
            }
        }
        try check("sin", inputs(-1.5, 1.5), limit: 2, { try $0.sin() }, sin)
        XCTAssertTrue(try Tensor([.infinity, -.infinity, .nan], [3]).sin().floats().allSatisfy(\.isNaN))
        XCTAssertTrue(try Tensor([.infinity, -.infinity, .nan], [3]).cos().floats().allSatisfy(\.isNaN))
    }

    func testRoots() throws {
        try check(
            "sqrt", inputs(0, .greatestFiniteMagnitude) + [-1, .nan, .infinity, -.infinity], limit: 0.5,
            { try $0.sqrt() }, { $0.squareRoot() })
        try check(
            "rsqrt", inputs(1e-30, 1e30) + [-1, .nan, .infinity, 0], limit: 1.5, { try $0.rsqrt() },
            { 1 / $0.squareRoot() })
        try check("pow 1.7", inputs(0, 1e10), limit: 1, { try $0.pow(1.7) }, { pow($0, Double(Float(1.7))) })
    }

    func testRounding() throws {
        let x: [Float] = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6, 1e10, .infinity]
        XCTAssertEqual(try Tensor(x, [10]).round().floats(), [-2, -2, 0, 0, 2, 2, 2, -3, 1e10, .infinity])
        XCTAssertEqual(try Tensor(x, [10]).floor().floats(), [-3, -2, -1, 0, 1, 2, 2, -3, 1e10, .infinity])
        XCTAssertEqual(try Tensor(x, [10]).ceil().floats(), [-2, -1, 0, 1, 2, 3, 3, -2, 1e10, .infinity])
        XCTAssertEqual(try Tensor(x, [10]).abs().floats(), x.map(abs))
        XCTAssertEqual(try Tensor(x, [10]).neg().floats(), x.map { -$0 })
        XCTAssertEqual(try Tensor(x, [10]).relu().floats(), x.map { max($0, 0) })
    }

    func testIntegersStayOrBecomeFloats() throws {
        let x = try Tensor(integers: [-3, 0, 4], [3], .int32)
        XCTAssertEqual(try x.abs().dtype, .int32)
        XCTAssertEqual(try x.abs().ints(), [3, 0, 4])
        XCTAssertEqual(try x.neg().ints(), [3, 0, -4])
        XCTAssertEqual(try x.relu().ints(), [0, 0, 4])
        XCTAssertEqual(try x.floor().ints(), [-3, 0, 4])
        XCTAssertEqual(try x.exp().dtype, .float32)
        XCTAssertEqual(try x.abs().sqrt().floats(), [Float(3).squareRoot(), 0, 2])
    }

    func testStridedInputsAndPlaces() throws {
        for x in try ArithmeticTests.layouts(37, 61, seed: 3) {
            let plain = try x.clone()
            XCTAssertEqual(try x.exp().floats(), try plain.exp().floats())
            XCTAssertEqual(try x.to(.float64).tanh().doubles(), try plain.to(.float64).tanh().doubles())
        }
        let x = try Tensor.randn([6, 10], generator: Random(seed: 4)), expected = try x.exp().floats()
        try x.narrow(dim: 1, start: 0, length: 5).exp_()
        try x.slice(dim: 1, from: 5).transpose(0, 1).exp_()
        XCTAssertEqual(try x.floats(), expected)
        XCTAssertEqual(try Tensor(zeros: [0, 3]).exp().shape, [0, 3])
        XCTAssertEqual(try Tensor([1], []).exp().item(), exp(1), accuracy: 1e-6)
    }

    func testAnElementsResultDoesNotDependOnItsPlace() throws {
        let x = try Tensor.randn([1000], generator: Random(seed: 5)).mul(20_000), whole = try x.sin().floats()
        for start in 1 ..< 9 {
            XCTAssertEqual(
                try x.narrow(dim: 0, start: start, length: 500).sin().floats(), Array(whole[start ..< (start + 500)]))
        }
    }
}
