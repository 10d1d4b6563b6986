import Support
import Tensors
import TestSupport
import XCTest

/// The rules of recording: leaves, views, writes in place, reuse.
final class AutogradTests: XCTestCase {
    private func leaf(_ values: [Float], _ shape: Dims? = nil) throws -> Tensor {
        try Tensor(values, shape ?? [values.count]).setRequiresGrad()
    }

    func testWritesInPlaceAgainstDifferences() throws {
        let g = Random(seed: 1)
        let x = try Tensor.rand([3, 4], .float64, low: 0.5, high: 2, generator: g),
            v = try Tensor.rand([4], .float64, low: 0.5, high: 2, generator: g)
        let programs: [(String, ([Tensor]) throws -> Tensor)] = [
            (
                "whole",
                {
                    let y = try $0[0].mul(2); try y.add_(1).mul_($0[1]).exp_().div_($0[1]).sub_($0[0]).log_(); return y
                }
            ),
            (
                "used before",
                {
                    let y = try $0[0].mul(2), z = try y.add(3); try y.mul_($0[1]); return try z.mul(y)
                }
            ),
            (
                "row",
                {
                    let y = try $0[0].mul(1); try y.select(dim: 0, index: 1).mul_($0[1]); return try y.mul(y)
                }
            ),
            (
                "row, then the row itself",
                {
                    let y = try $0[0].mul(1), r = try y.select(dim: 0, index: 1); try r.mul_($0[1]);
                    return try y.sum(dim: 0).mul(r)
                }
            ),
            (
                "old view after a write to the base",
                {
                    let y = try $0[0].mul(1), r = try y.select(dim: 0, index: 1); try y.mul_($0[1]);
                    return try r.mul($0[1])
                }
            ),
            (
                "two views",
                {
                    let y = try $0[0].mul(1), a = try y.narrow(dim: 1, start: 0, length: 3),
                        b = try y.narrow(dim: 1, start: 1, length: 3)
                    try a.mul_(2); try b.add_(a.narrow(dim: 0, start: 0, length: 1));
                    return try y.mul(a.sum()).add(b.sum()).add($0[1])
                }
            ),
            (
                "view of view",
                {
                    let y = try $0[0].mul(1);
                    try y.transpose(0, 1).narrow(dim: 0, start: 1, length: 2).reshape([2, 3]).mul_(3).sin_();
                    return try y.add($0[1])
                }
            ),
            (
                "into a constant",
                {
                    let y = try Tensor(zeros: [3, 4], .float64); try y.narrow(dim: 0, start: 0, length: 1).copy_($0[1]);
                    try y.select(dim: 0, index: 2).add_($0[0].select(dim: 0, index: 0)); return try y.mul(y.sum())
                }
            ),
            (
                "view made before its base was recorded",
                {
                    let y = try Tensor(ones: [4], .float64), r = try y.narrow(dim: 0, start: 1, length: 2);
                    try y.copy_($0[1]); return try r.mul(r).add($0[0].sum())
                }
            ),
            (
                "fill and zero",
                {
                    let y = try $0[0].mul($0[1]); try y.select(dim: 1, index: 0).fill_(3);
                    try y.select(dim: 0, index: 1).zero_(); return try y.mul(y)
                }
            ),
            (
                "masked",
                {
                    let y = try $0[0].mul($0[1]); try y.maskedFill_(y.gt(1.5), 0.5); return try y.mul($0[0])
                }
            ),
            (
                "loop",
                {
                    let y = try Tensor(zeros: [3], .float64);
                    for i in 0 ..< 3 {
                        try y.select(dim: 0, index: i).copy_(
                            $0[0].select(dim: 0, index: i).dot($0[1]).add(
                                i == 0 ? Tensor(zeros: [], .float64) : y.select(dim: 0, index: i - 1).clone()))
                    }; return try y.mul(y)
                }
            ),
            (
                "copy with conversion",
                {
                    let y = try $0[0].mul(1); try y.copy_($0[1].to(.float64)); return try y.mul($0[0])
                }
            )
        ]
        for (name, program) in programs {
            try checkGradients([x, v], step: 1e-6, tolerance: 1e-5, name) { try program($0) }
        }
    }

    func testLeavesCannotBeChangedWhileRecording() throws {
        let x = try leaf([1, 2, 3])
        assertThrows(.gradient, containing: "add_: this tensor of shape [3] is a leaf") { try x.add_(1) }
        assertThrows(.gradient, containing: "fill_: this is a view of a leaf") {
            try x.narrow(dim: 0, start: 0, length: 1).fill_(1)
        }
        try Autograd.withoutGradients {
            try x.narrow(dim: 0, start: 0, length: 1).fill_(5); try x.add_(1)
        }
        XCTAssertEqual(try x.floats(), [6, 3, 4])
        XCTAssertTrue(x.requiresGrad && x.isLeaf)
        let quiet = try Autograd.withoutGradients { try x.narrow(dim: 0, start: 0, length: 2) }
        XCTAssertFalse(quiet.requiresGrad)
        assertThrows(.gradient, containing: "made inside tensor.no_grad") { try quiet.mul_(2) }
        try x.detach().mul_(2)
        XCTAssertEqual(try x.floats(), [12, 6, 8])
    }

    func testChangedValuesAreNoticed() throws {
        let x = try leaf([1, 2, 3]), y = try x.mul(2), z = try y.mul(y)
        try y.add_(1)
        assertThrows(.gradient, containing: "backward of mul: a tensor of shape [3] that it needs was changed in place")
        { try z.sum().backward() }
        let e = try x.exp()
        try e.detach().zero_()
        assertThrows(.gradient, containing: "backward of exp") { try e.sum().backward() }
        let s = try x.softmax(dim: 0)
        try s.mul_(2)
        assertThrows(.gradient, containing: "softmax") { try s.sum().backward() }
        // What nobody needs may change: the gradient of a sum does not look at its operands.
        let a = try x.mul(2), b = try a.add(x)
        try a.add_(1)
        try b.sum().backward()
        XCTAssertEqual(try x.grad!.floats(), [3, 3, 3])
    }

    func testAnOptimizerStepBetweenForwardAndBackwardIsNoticed() throws {
        let w = try leaf([2]), y = try w.mul(w)
        try Autograd.withoutGradients { try w.sub_(1) }
        assertThrows(.gradient, containing: "mul") { try y.backward() }
        try w.mul(w).backward()
        XCTAssertEqual(try w.grad!.floats(), [2])
    }

    func testGradientsAddUpAndDoNotShareMemory() throws {
        let a = try leaf([1, 2]), b = try leaf([3, 4])
        try a.add(b).sum().backward()
        try a.grad!.mul_(10)
        XCTAssertEqual(try b.grad!.floats(), [1, 1])
        try a.add(b).sum().backward()
        XCTAssertEqual(try a.grad!.floats(), [11, 11])
        XCTAssertEqual(try b.grad!.floats(), [2, 2])
        let seed = try Tensor([5, 6], [2]), c = try leaf([0, 0])
        try c.backward(seed: seed)
        try seed.zero_()
        XCTAssertEqual(try c.grad!.floats(), [5, 6])
        let d = try leaf([1, 2, 3, 4], [2, 2])
        try d.transpose(0, 1).backward(seed: Tensor([1, 2, 3, 4], [2, 2]))
        XCTAssertEqual(try d.grad!.floats(), [1, 3, 2, 4])
        XCTAssertTrue(d.grad!.isContiguous)
        let e = try leaf([1, 2])
        try Tensor.cat([e, e]).add(Tensor.stack([e, e]).reshape([-1])).sum().backward()
        XCTAssertEqual(try e.grad!.floats(), [4, 4])
        e.grad = nil
        try e.mul(e).add(e).sum().backward()
        XCTAssertEqual(try e.grad!.floats(), [3, 5])
    }

    func testUsedGraphs() throws {
        let x = try leaf([3]), y = try x.mul(x)
        try y.backward(retainGraph: true)
        try y.backward()
        XCTAssertEqual(try x.grad!.floats(), [12])
        assertThrows(.gradient, containing: "the graph of this mul has been used already") { try y.backward() }
    }

    func testWhatHasNoGradient() throws {
        let x = try leaf([1, 2])
        assertThrows(.gradient, containing: "does not depend on anything") { try Tensor([1], [1]).backward() }
        assertThrows(.gradient, containing: "a tensor of shape [2] needs a gradient to start from") {
            try x.mul(2).backward()
        }
        assertThrows(.shape, containing: "gradient of shape [3] for a tensor of shape [2]") {
            try x.mul(2).backward(seed: Tensor(zeros: [3]))
        }
        assertThrows(.gradient, containing: "a tensor of int64 has no gradient") {
            try Tensor(integers: [1], [1]).setRequiresGrad()
        }
        assertThrows(.gradient, containing: "result of an operation (mul)") { try x.mul(2).setRequiresGrad(false) }
        XCTAssertFalse(try x.detach().mul(2).requiresGrad)
        XCTAssertFalse(try Autograd.withoutGradients { try x.mul(2) }.requiresGrad)
        XCTAssertTrue(try Autograd.withoutGradients { try Autograd.withGradients { try x.mul(2) } }.requiresGrad)
        XCTAssertFalse(try x.to(.int32).requiresGrad)
        XCTAssertFalse(try x.gt(1).requiresGrad)
        XCTAssertFalse(try x.argmax().requiresGrad)
        XCTAssertTrue(try x.mul(2).requiresGrad && !x.mul(2).isLeaf)
        XCTAssertFalse(try x.setRequiresGrad(false).mul(2).requiresGrad)
    }

    func testNoGradIsPerThread() throws {
        let x = try leaf([1])
        nonisolated(unsafe) var isRecorded = false
        nonisolated(unsafe) let shared = x
        Autograd.withoutGradients {
            let done = DispatchSemaphore(value: 0)
            let thread = Thread {
                isRecorded = (try? shared.mul(2).requiresGrad) ?? false; done.signal()
            }
            thread.start()
            done.wait()
        }
        XCTAssertTrue(isRecorded)
    }

    func testHalfParametersHaveFloat32Gradients() throws {
        for dtype in [DType.bfloat16, .float16] {
            let w = try Tensor([1, 2, 3, 4], [2, 2]).to(dtype).setRequiresGrad(), x = try Tensor([1.001, 2.003], [1, 2])
            try x.matmul(w).sum().backward()
            XCTAssertEqual(w.grad!.dtype, .float32)
            XCTAssertEqual(try w.grad!.floats(), [1.001, 1.001, 2.003, 2.003])
            w.grad = nil
            try w.mul(w).tanh().mul(0).add(w).add(x.transpose(0, 1).mul(w)).sum().backward()
            XCTAssertEqual(w.grad!.dtype, .float32)
            assertClose(try w.grad!.floats(), [2.001, 2.001, 3.003, 3.003], abs: 1e-6)
            w.grad = nil
            try w.to(.float32).mul(1.001).sum().backward()
            XCTAssertEqual(try w.grad!.floats(), [1.001, 1.001, 1.001, 1.001])
            w.grad = nil
            try w.indexSelect(dim: 0, Tensor(integers: [1, 1], [2])).sum(dim: 0).softmax(dim: 0).sum().backward()
            XCTAssertEqual(w.grad!.dtype, .float32)
        }
        let a = try leaf([1]), b = try Tensor([1], [1]).to(.float64).setRequiresGrad()
        try a.mul(b).sum().backward()
        XCTAssertEqual([a.grad!.dtype, b.grad!.dtype], [.float32, .float64])
    }

    func testLongChainsAreFreedWithoutRecursion() throws {
        let x = try leaf([1])
        var y = try x.mul(1)
        for _ in 0 ..< 200_000 { y = try y.add(1) }
        try y.backward()
        XCTAssertEqual(try x.grad!.floats(), [1])
        var z = try x.mul(1)
        for _ in 0 ..< 200_000 { z = try z.mul(1.0).view([1]) }
        XCTAssertTrue(z.requiresGrad)   // dropped here without a backward pass
    }

    func testGraphsAreFreed() throws {
        let x = try leaf([Float](repeating: 1, count: 1000)), before = Memory.live
        for _ in 0 ..< 3 {
            let buffer = try Tensor(zeros: [2, 1000])
            let first = try buffer.select(dim: 0, index: 0)
            try first.copy_(x.exp())
            let product = try first.mul(x).tanh()
            try buffer.select(dim: 0, index: 1).copy_(product)   // the buffer now follows from a view of itself
            try buffer.exp_().add_(product)
            XCTAssertTrue(buffer.requiresGrad)
        }
        XCTAssertEqual(Memory.live, before, "without a backward pass")
        try x.exp().mul(x).softmax(dim: 0).sum().backward()
        x.grad = nil
        XCTAssertEqual(Memory.live, before, "after a backward pass")
    }

    func testBackwardKeepsTheFirstGradientWithoutCopying() throws {
        let x = try leaf([Float](repeating: 1, count: 1 << 20))
        let y = try x.mul(2).sum()
        Memory.resetPeak()
        let before = Memory.live
        try y.backward()
        // The product's gradient is the leaf's; the sum's is one number, expanded.
        XCTAssertLessThan(Memory.peak - before, 5 << 20)
    }

    func testOperationsOfOthersCanRecordThemselves() throws {
        func twice(_ x: Tensor) throws -> Tensor {
            let result = try Autograd.withoutGradients { try x.mul(2) }
            Autograd.record(result, "twice", [x]) { [try $0.mul(2)] }
            return result
        }
        let x = try leaf([1, 2])
        try twice(twice(x)).sum().backward()
        XCTAssertEqual(try x.grad!.floats(), [4, 4])
        let wrong = x.detach()
        Autograd.record(wrong, "wrong", [x]) { _ in [try Tensor(zeros: [3])] }
        assertThrows(.gradient, containing: "backward of wrong: gradient of shape [3] for a tensor of shape [2]") {
            try wrong.sum().backward()
        }
    }
}
