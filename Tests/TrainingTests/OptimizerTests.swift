import Foundation
import Support
import Tensors
import TestSupport
import Training
import XCTest

final class OptimizerTests: XCTestCase {
    func testSchedules() throws {
        let all = try XCTUnwrap(Vectors.json("lora/schedules.json") as? [String: [[String: Any]]])
        for (kind, cases) in all {
            for value in cases {
                let total = value["num_training_steps"] as? Int
                let warmup = try LearningRateSchedule.warmupSteps(
                    XCTUnwrap(value["num_warmup_steps"] as? Double), of: total)
                let schedule: LearningRateSchedule =
                    kind == "constant_with_warmup"
                    ? .constant(warmup: warmup)
                    : .cosine(
                        warmup: warmup, total: try XCTUnwrap(total),
                        cycles: try XCTUnwrap(value["num_cycles"] as? Double),
                        floor: try XCTUnwrap(value["final_lr_ratio"] as? Double))
                let factors = try XCTUnwrap(value["factors"] as? [Double])
                // The cosine schedules are listed at every third step.
                let stride = kind == "constant_with_warmup" ? 1 : 3
                for (i, factor) in factors.enumerated() {
                    XCTAssertEqual(
                        schedule.factor(i * stride), factor, accuracy: 1e-12 * max(1, abs(factor)),
                        "\(kind) \(schedule) step \(i * stride)")
                }
            }
        }
        assertThrows(.config) { try LearningRateSchedule.warmupSteps(0.1, of: nil) }
        assertThrows(.config) { try LearningRateSchedule.warmupSteps(-1, of: 10) }
        assertThrows(.config) { try LearningRateSchedule.warmupSteps(.nan, of: 10) }
    }

    /// Three steps of two numbers, worked out in Double from the formula.
    func testAdamW() throws {
        let parameter = try Tensor([0.5, -2] as [Float], [2]), still = try Tensor([1] as [Float], [1])
        var settings = AdamW.Settings()
        settings.learningRate = 0.1
        settings.weightDecay = 0.01
        settings.epsilon = 1e-8
        let optimizer = try AdamW([("w", parameter), ("still", still)], settings)
        var p = [0.5, -2.0], m = [0.0, 0.0], v = [0.0, 0.0]
        for (step, gradient) in [[0.3, -1.0], [-0.2, 4.0], [0, 0.25]].enumerated() {
            parameter.grad = try Tensor(gradient.map(Float.init), [2])
            optimizer.learningRate = step == 2 ? 0.05 : 0.1
            try optimizer.step()
            for i in 0 ..< 2 {
                p[i] -= optimizer.learningRate * 0.01 * p[i]
                m[i] = 0.9 * m[i] + 0.1 * gradient[i]
                v[i] = 0.95 * v[i] + 0.05 * gradient[i] * gradient[i]
                let mean = m[i] / (1 - pow(0.9, Double(step + 1))), square = v[i] / (1 - pow(0.95, Double(step + 1)))
                p[i] -= optimizer.learningRate * mean / (square.squareRoot() + 1e-8)
            }
            assertClose(try parameter.floats(), p.map(Float.init), abs: 1e-6, "step \(step + 1)")
        }
        XCTAssertEqual(try still.floats(), [1])
        XCTAssertEqual(optimizer.steps, [3, 0])
        optimizer.zeroGradients()
        XCTAssertNil(parameter.grad)
        XCTAssertEqual(optimizer.state.map(\.name), ["w"])
    }

    func testStateContinues() throws {
        func run(_ tensor: Tensor, _ optimizer: AdamW, _ steps: Range<Int>) throws {
            for step in steps {
                tensor.grad = try Tensor((0 ..< 1000).map { Float(sin(Double($0 * 7 + step * 31))) }, [1000])
                try optimizer.step()
            }
        }
        let whole = try Tensor(ones: [1000]), first = try Tensor(ones: [1000])
        try run(whole, AdamW([("w", whole)]), 0 ..< 10)
        let half = try AdamW([("w", first)])
        try run(first, half, 0 ..< 5)
        let second = try first.clone(), resumed = try AdamW([("w", second)])
        try resumed.restore(half.state)
        try run(second, resumed, 5 ..< 10)
        XCTAssertEqual(try second.floats(), try whole.floats())
        // The copy is its own: the first optimizer goes on without disturbing the second.
        try run(first, half, 5 ..< 10)
        XCTAssertEqual(try first.floats(), try whole.floats())
        assertThrows(.checkpoint, containing: "w of shape [1000]") {
            try AdamW([("w", Tensor(ones: [3]))]).restore(half.state)
        }
    }

    func testParametersMustBeFloat32() throws {
        assertThrows(.dtype, containing: "w is bfloat16") { try AdamW([("w", Tensor(zeros: [2], .bfloat16))]) }
        assertThrows(.dtype, containing: "not contiguous") { try AdamW([("w", Tensor(zeros: [2, 3]).transpose(0, 1))]) }
    }

    func testClipping() throws {
        func pair() throws -> [Tensor] {
            let a = try Tensor(zeros: [2]), b = try Tensor(zeros: [1]), none = try Tensor(zeros: [5])
            a.grad = try Tensor([3, 0] as [Float], [2])
            b.grad = try Tensor([-4] as [Float], [1])
            return [a, none, b]
        }
        let small = try pair()
        XCTAssertEqual(try clipGradientNorm(small, 10), 5)
        XCTAssertEqual(try small[0].grad?.floats(), [3, 0])
        let large = try pair()
        XCTAssertEqual(try clipGradientNorm(large, 1), 5)
        let scale = Float(1 / (5 + 1e-6))
        assertClose(
            try XCTUnwrap(large[0].grad).floats() + XCTUnwrap(large[2].grad).floats(), [3 * scale, 0, -4 * scale],
            abs: 1e-7)
        let broken = try pair()
        broken[0].grad = try Tensor([.nan, 0] as [Float], [2])
        XCTAssertTrue(try clipGradientNorm(broken, 1).isNaN)
        XCTAssertEqual(try broken[2].grad?.floats(), [-4])
        // Many blocks, an odd number of elements, a strided gradient.
        let long = try Tensor(zeros: [100_003])
        long.grad = try Tensor.full([100_003], 0.5)
        XCTAssertEqual(try clipGradientNorm([long], .infinity), (100_003.0 * 0.25).squareRoot(), accuracy: 1e-9)
        let turned = try Tensor(zeros: [2, 3])
        turned.grad = try Tensor([1, 2, 3, 4, 5, 6] as [Float], [3, 2]).transpose(0, 1)
        XCTAssertEqual(try clipGradientNorm([turned], 100), 91.0.squareRoot(), accuracy: 1e-9)
    }
}
