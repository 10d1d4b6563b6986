import Codec
import Foundation
import Tensors
import XCTest

final class CodecSpeed: XCTestCase {
    func testSpeed() throws {
        func time(_ what: String, _ n: Int = 5, _ body: () throws -> Void) rethrows {
            var best = Double.infinity
            for _ in 0..<n { let t = clock(); try body(); best = min(best, Double(clock() - t) / 1e6) }
            print("SPEED", what, best)
        }
        let n = 2048
        let a = try Tensor(ones: [n, n]), b = try Tensor(ones: [n, n]), c = try Tensor(ones: [n, n])
        time("sgemm 17.18 GFLOP") { matrixProduct(n, n, n, a.pointer(), lda: n, b.pointer(), ldb: n, c.pointer(), ldc: n) }
        var codec: Codec!
        try time("random", 1) { codec = try Codec.random(seed: 1) }
        let samples = (0..<441000).map { (i: Int) -> Float in let a = sin(Double(i) * 0.05) * 0.3, b = sin(Double(i * i % 1000003)) * 0.1; return Float(a + b) }
        var codes: Tensor!
        try time("encode 10 s") { codes = try codec.encode(samples) }
        print(codes.shape, Set((0..<codes.count).map { codes.pointer(Int32.self)[$0] }).count)
        var wave: [Float] = []
        try time("decode 10 s", 3) { wave = try codec.decode(codes) }
        print(wave.count, wave[1000..<1010], wave.map { $0 * $0 }.reduce(0, +) / Float(wave.count))
    }
}
