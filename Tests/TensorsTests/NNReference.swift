import Tensors
import TestSupport
import XCTest

/// Small random numbers from a counter: the same in every run.
struct Noise {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / 0x1p53 * 2 - 1
    }

    mutating func floats(_ count: Int, scale: Double = 1) -> [Float] {
        (0 ..< count).map { _ in Float(next() * scale) }
    }
    mutating func tensor(_ shape: Dims, scale: Double = 1) throws -> Tensor {
        try Tensor(floats(shape.product, scale: scale), shape)
    }
}

/// Compares an operation with a reference in Double loops: the result itself, and every gradient with central
/// differences of the reference, along a random direction of the result.
/// - Parameters:
///   - shapes: of the inputs, filled with noise of the given scales (1 by default).
///   - frozen: inputs that require no gradient; their gradient must stay nil.
func check(
    _ name: String, _ shapes: [Dims], scales: [Double] = [], frozen: Set<Int> = [], seed: UInt64 = 1,
    tolerance: Double = 2e-5, file: StaticString = #filePath, line: UInt = #line,
    _ operation: ([Tensor]) throws -> Tensor, reference: ([[Double]]) -> [Double]
) throws {
    var noise = Noise(seed)
    let inputs = try shapes.enumerated().map { i, shape in
        try noise.tensor(shape, scale: i < scales.count ? scales[i] : 1).setRequiresGrad(!frozen.contains(i))
    }
    let result = try operation(inputs)
    var values = try inputs.map { try $0.floats().map(Double.init) }
    let expected = reference(values)
    let largest = expected.map(abs).max() ?? 0
    assertClose(
        try result.floats(), expected.map { Float($0) }, abs: Float(tolerance * max(largest, 1e-3)), name, file: file,
        line: line)

    let weights = noise.floats(result.count)
    try Autograd.backward(result, seed: try Tensor(weights, result.shape))
    func loss() -> Double { zip(reference(values), weights).reduce(0) { $0 + $1.0 * Double($1.1) } }
    for (i, input) in inputs.enumerated() {
        if frozen.contains(i) {
            XCTAssertNil(input.grad, "\(name): gradient of frozen input \(i)", file: file, line: line)
            continue
        }
        guard let gradient = input.grad else {
            XCTFail("\(name): no gradient of input \(i)", file: file, line: line)
            continue
        }
        XCTAssertEqual(gradient.shape, input.shape, "\(name): shape of gradient \(i)", file: file, line: line)
        let found = try gradient.floats(), scale = Double(found.map(abs).max() ?? 0)
        XCTAssertGreaterThan(scale, 0, "\(name): gradient \(i) is all zero", file: file, line: line)
        // Every element of small inputs, a spread of some sixty of large ones.
        for element in stride(from: 0, to: input.count, by: max(1, input.count / 61)) {
            let kept = values[i][element], h = 1e-4
            values[i][element] = kept + h
            let above = loss()
            values[i][element] = kept - h
            let below = loss()
            values[i][element] = kept
            let wanted = (above - below) / (2 * h)
            XCTAssertEqual(
                Double(found[element]), wanted, accuracy: tolerance * 5 * max(scale, 1e-3),
                "\(name): gradient \(i)[\(element)]", file: file, line: line)
        }
    }
}

/// Runs `body` with each number of threads and fails unless every number of the results has the same bits.
/// (Column-wise pieces of an OpenBLAS product differ in the last place from the whole, so operations that
/// contain large products promise equal bits for equal numbers of threads only.)
func assertSameBits(
    _ name: String, threads counts: [Int] = [1, 2, 3], file: StaticString = #filePath, line: UInt = #line,
    _ body: () throws -> [Tensor]
) throws {
    let before = Parallel.threadCount
    defer { Parallel.setThreadCount(before) }
    var first: [[UInt32]]?
    for threads in counts {
        Parallel.setThreadCount(threads)
        let bits = try body().map { try $0.floats().map(\.bitPattern) }
        for (i, (a, b)) in zip(first ?? bits, bits).enumerated() where a != b {
            let worst = zip(a, b).map { abs(Float(bitPattern: $0) - Float(bitPattern: $1)) }.max()!
            XCTFail("\(name) with \(threads) threads: result \(i) differs by up to \(worst)", file: file, line: line)
        }
        first = bits
    }
}

/// What a mask multiplies `rows` x `columns` elements by: 0 or 1 / (1 - p).
func factors(_ mask: DropoutMask?, _ rows: Int, _ columns: Int) throws -> [Double] {
    guard let mask else { return [Double](repeating: 1, count: rows * columns) }
    return try NN.dropout(try Tensor([Float](repeating: 1, count: rows * columns), [rows, columns]), mask).floats().map(
        Double.init)
}

/// x [n, k] times w [m, k] transposed.
func timesTransposed(_ x: [Double], _ w: [Double], _ n: Int, _ m: Int, _ k: Int) -> [Double] {
    var y = [Double](repeating: 0, count: n * m)
    for i in 0 ..< n { for j in 0 ..< m { for c in 0 ..< k { y[i * m + j] += x[i * k + c] * w[j * k + c] } } }
    return y
}

extension Tensor {
    /// The same numbers rounded to a half type, without history.
    func rounded(to dtype: DType) throws -> Tensor { try detach().to(dtype) }

    /// A half tensor's numbers in float32.
    func widened() throws -> Tensor { try detach().to(.float32) }
}
