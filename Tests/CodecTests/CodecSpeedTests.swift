import Codec
import Foundation
import Tensors
import TestSupport
import XCTest

/// Times of a codec of true size (random weights) against the rate of matrix products in the same run,
/// in processor seconds summed over threads, so that other programs disturb little.
final class CodecSpeedTests: XCTestCase {
    func testTenSecondsOfAudio() throws {
        try XCTSkipUnless(ProcessInfo.processInfo.environment["OPAH_BENCH"] != nil, "set OPAH_BENCH=1 to measure")
        let n = 1536
        let a = try Tensor(ones: [n, n]), b = try Tensor(ones: [n, n]), c = try Tensor(zeros: [n, n])
        let product = seconds { matrixProduct(n, n, n, a.pointer(), lda: n, b.pointer(), ldb: n, c.pointer(), ldc: n) }
        let rate = 2 * Double(n * n * n) / product.processor
        report("matrix product \(n)", product, 2e-9 * Double(n * n * n))

        let start = clock()
        let codec = try Codec.random(seed: 1)
        print("SPEED random weights", Double(clock() - start) / Double(CLOCKS_PER_SEC))
        try withTemporaryFolder { folder in
            try codec.save(folder + "/x.pth")
            report("load", try seconds { _ = try Codec.load(checkpoint: folder + "/x.pth") }, 0)
        }
        let clip = (0 ..< 441_000).map { (i: Int) -> Float in
            let low = sin(Double(i) * 0.05) * 0.3, noise = sin(Double(i * i % 1_000_003)) * 0.1
            return Float(low + noise)
        }
        let codes = try codec.encode(clip)
        let encoding = try seconds { _ = try codec.encode(clip) },
            decoding = try seconds { _ = try codec.decode(codes) }
        report("encode", encoding, 33)
        report("decode", decoding, 540)
        // The work is about 33 GFLOP, and 540 by direct convolution.
        XCTAssertLessThan(encoding.processor, 33e9 / rate / 0.5)
        XCTAssertLessThan(decoding.processor, 540e9 / rate / 0.8)
    }

    private func report(_ what: String, _ time: (processor: Double, wall: Double), _ gigaflop: Double) {
        print(
            String(
                format: "SPEED %@: %.3f s on %d threads, %.3f processor s, %.0f GFLOP/s per processor", what, time.wall,
                Parallel.threadCount, time.processor, gigaflop / time.processor))
    }

    /// The best of a few runs.
    private func seconds(_ body: () throws -> Void) rethrows -> (processor: Double, wall: Double) {
        var best = (processor: Double.infinity, wall: Double.infinity)
        for _ in 0 ..< 4 {
            let wall = DispatchTime.now().uptimeNanoseconds, processor = clock()
            try body()
            best.processor = min(best.processor, Double(clock() - processor) / Double(CLOCKS_PER_SEC))
            best.wall = min(best.wall, Double(DispatchTime.now().uptimeNanoseconds - wall) / 1e9)
        }
        return best
    }
}
