import Support
import Tensors
import XCTest

/// Compares the gradients of `function` at `inputs` with central differences in float64.
///
/// `inputs` are float64 (others are converted); all of them require gradients. The results are weighted
/// with fixed different numbers before they are summed, so that each result element counts. Every
/// element of every input is moved by `step` both ways.
/// - Parameters:
///   - tolerance: largest difference, relative to max(1, |difference quotient|).
public func checkGradients(
    _ inputs: [Tensor], step: Double = 1e-5, tolerance: Double = 1e-6, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line,
    of function: ([Tensor]) throws -> Tensor
) throws {
    let leaves = try inputs.map { try $0.detach().to(.float64).clone() }
    for leaf in leaves { try leaf.setRequiresGrad() }

    /// Different for each element, neither small nor all of one sign.
    func weights(_ shape: Dims) throws -> Tensor {
        try Tensor((0 ..< shape.product).map { i in Double(i * 37 % 19) / 8 - 1.1 }, shape, .float64)
    }
    func value() throws -> Double {
        try Autograd.withoutGradients {
            let result = try function(leaves)
            return try result.to(.float64).mul(weights(result.shape)).sum().item()
        }
    }

    let result = try function(leaves)
    XCTAssertTrue(result.requiresGrad, "\(what): the result has no gradient", file: file, line: line)
    try result.to(.float64).mul(weights(result.shape)).sum().backward()

    for (number, leaf) in leaves.enumerated() {
        guard let grad = leaf.grad else {
            XCTFail("\(what): input \(number) has no gradient", file: file, line: line)
            continue
        }
        XCTAssertEqual(grad.shape, leaf.shape, "\(what): gradient \(number)", file: file, line: line)
        XCTAssertEqual(grad.dtype, leaf.dtype, "\(what): gradient \(number)", file: file, line: line)
        let gradients = try grad.doubles(), elements = leaf.pointer(Double.self)
        for i in 0 ..< leaf.count {
            let original = elements[i]
            elements[i] = original + step
            let above = try value()
            elements[i] = original - step
            let below = try value()
            elements[i] = original
            let expected = (above - below) / (2 * step)
            // Not `difference > limit`: that would let NaN pass.
            if !(abs(gradients[i] - expected) <= tolerance * max(1, abs(expected))) {
                XCTFail(
                    "\(what): gradient of input \(number) at \(i) is \(gradients[i]), differences say \(expected)",
                    file: file, line: line)
                return
            }
        }
    }
}
