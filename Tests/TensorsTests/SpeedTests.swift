import Foundation
import Tensors
import XCTest

/// Times, printed: `OPAH_BENCH=1 swift test -c release --filter SpeedTests`.
final class SpeedTests: XCTestCase {
    override func setUpWithError() throws {
        try XCTSkipUnless(ProcessInfo.processInfo.environment["OPAH_BENCH"] != nil, "set OPAH_BENCH=1 to measure")
    }

    /// Time of this thread alone: other programs do not count.
    private func ownTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The shortest of several runs, in seconds.
    private func best(_ runs: Int = 15, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0 ..< runs {
            let start = DispatchTime.now().uptimeNanoseconds
            try body()
            best = min(best, Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9)
        }
        return best
    }

    func testSmall() throws {
        let a = try Tensor([1, 2, 3, 4], [4]), b = try Tensor([1, 2, 3, 4], [4]), n = 200_000
        func report(_ name: String, _ body: () throws -> Void) rethrows {
            var time = Double.infinity
            for _ in 0 ..< 5 {
                let start = ownTime()
                for _ in 0 ..< n { try body() }
                time = min(time, ownTime() - start)
            }
            print("small \(name): \(Int(time / Double(n) * 1e9)) ns")
        }
        try report("add") { _ = try a.add(b) }
        try report("add number") { _ = try a.add(2.0) }
        try report("add_") { try a.add_(b) }
        try report("exp") { _ = try a.exp() }
        try report("sum") { _ = try a.sum() }
        try report("select") { _ = try a.select(dim: 0, index: 1) }
        try report("reshape") { _ = try a.reshape([2, 2]) }
        let m = try Tensor([1, 2, 3, 4], [2, 2])
        try report("matmul 2x2") { _ = try m.matmul(m) }
        let x = try Tensor([1, 2, 3, 4], [4]).setRequiresGrad()
        try report("recorded add") { _ = try x.add(b) }
        try report("x*x summed, forward and backward") {
            try x.mul(x).sum().backward(); x.grad = nil
        }
    }

    func testLarge() throws {
        let n = 10_000_000, bytes = Double(n * 4) / 1e9
        let a = try Tensor.rand([n]), b = try Tensor.rand([n]), out = try Tensor.rand([n])
        func report(_ name: String, _ traffic: Double, _ body: () throws -> Void) rethrows {
            let time = try best(15, body)
            print("10M \(name): \(String(format: "%.2f ms, %.1f GB/s", time * 1e3, traffic * bytes / time))")
        }
        report("memcpy on one thread", 2) { memcpy(out.storage.pointer, a.storage.pointer, n * 4) }
        try report("copy_", 2) { try out.copy_(a) }
        try report("add", 3) { _ = try a.add(b) }
        try report("add_", 3) { try a.add_(b) }
        try report("mul number", 2) { _ = try a.mul(2.0) }
        try report("exp", 2) { _ = try a.exp() }
        try report("log", 2) { _ = try a.log() }
        try report("tanh", 2) { _ = try a.tanh() }
        try report("gelu", 2) { _ = try a.gelu() }
        try report("sin", 2) { _ = try a.sin() }
        try report("sqrt", 2) { _ = try a.sqrt() }
        try report("sum", 1) { _ = try a.sum() }
        try report("max", 1) { _ = try a.max() }
        let rows = try a.reshape([10_000, 1000])
        try report("sum of rows", 1) { _ = try rows.sum(dim: 1) }
        try report("sum of columns", 1) { _ = try rows.sum(dim: 0) }
        try report("softmax of rows", 2) { _ = try rows.softmax(dim: 1) }
        try report("add a row", 2) { _ = try rows.add(b.narrow(dim: 0, start: 0, length: 1000)) }
        try report("transpose", 2) { _ = try rows.transpose(0, 1).contiguous() }
        try report("permute [100,100,1000] 0 2 1", 2) {
            _ = try a.reshape([100, 100, 1000]).permute([1, 0, 2]).contiguous()
        }
        try report("gt", 1.25) { _ = try a.gt(0.5) }
        try report("to bfloat16", 1.5) { _ = try a.to(.bfloat16) }
        let half = try a.to(.bfloat16)
        try report("from bfloat16", 1.5) { _ = try half.to(.float32) }
        try report("to float16", 1.5) { _ = try a.to(.float16) }
        try report("randn", 1) { _ = try Tensor.randn([n]) }
        try report("sort rows of 1000 (1M)", 0.1) { _ = try rows.narrow(dim: 0, start: 0, length: 1000).sort() }
        let logits = try a.narrow(dim: 0, start: 0, length: 32_000)
        try report("topk 50 of 32000", 0) { _ = try logits.topk(50) }
        let p = try Tensor.rand([1024, 1024]), q = try Tensor.rand([1024, 1024])
        let time = try best(15) { _ = try p.matmul(q) }
        print("matmul 1024: \(Int(2 * pow(1024, 3) / time / 1e9)) GFLOP/s")
    }
}
