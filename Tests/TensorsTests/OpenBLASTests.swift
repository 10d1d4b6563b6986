import Glibc
import SystemShim
import Tensors
import XCTest

/// Which kernels of OpenBLAS multiply float32 matrices.
final class OpenBLASTests: XCTestCase {
    func testWhatTheLibraryTakesForAnOldProcessorIsPutRight() {
        XCTAssertEqual(OpenBLAS.fitting(chosen: "Prescott", level: 5), "Cooperlake")
        XCTAssertEqual(OpenBLAS.fitting(chosen: "Prescott", level: 4), "SkylakeX")
        XCTAssertEqual(OpenBLAS.fitting(chosen: "Nehalem", level: 3), "Haswell")
        XCTAssertNil(OpenBLAS.fitting(chosen: "Prescott", level: 0), "it may be one")
        for name in ["Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids"] {
            XCTAssertNil(OpenBLAS.fitting(chosen: name, level: 5), "the library knows best: \(name)")
        }
    }

    /// On a processor with AVX2, products are computed with it, whatever its model number is.
    func testThisProcessorHasFittingKernels() throws {
        try XCTSkipIf(getenv("OPENBLAS_CORETYPE") != nil, "chosen by hand")
        let chosen = MatrixLibrary.description, level = system_vector_level()
        XCTAssertNil(OpenBLAS.fitting(chosen: OpenBLAS.kernels, level: level), chosen)
        XCTAssertTrue(chosen.contains(OpenBLAS.kernels), chosen)
        XCTAssertNil(getenv("OPENBLAS_CORETYPE"), "programs that are started from here choose for themselves")
    }

    /// Products of every orientation and of sizes on both sides of the kernels' tiles, against sums in float64.
    func testProductsOfTheChosenKernels() throws {
        var noise = Noise(11)
        for (m, n, k) in [(1, 1, 1), (1, 70, 33), (70, 1, 129), (15, 17, 16), (49, 65, 257), (130, 200, 513)] {
            let a = try noise.tensor([m, k]).floats(), b = try noise.tensor([k, n]).floats()
            let start = try noise.tensor([m, n]).floats()
            for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
                let left = transposeA ? flipped(a, m, k) : a, right = transposeB ? flipped(b, k, n) : b
                var c = start
                matrixProduct(
                    m, n, k, alpha: 0.5, left, lda: transposeA ? m : k, transposeA: transposeA,
                    right, ldb: transposeB ? k : n, transposeB: transposeB, beta: 2, &c, ldc: n)
                for i in 0 ..< m {
                    for j in 0 ..< n {
                        var sum = 0.0
                        for p in 0 ..< k { sum += Double(a[i * k + p]) * Double(b[p * n + j]) }
                        XCTAssertEqual(
                            Double(c[i * n + j]), 0.5 * sum + 2 * Double(start[i * n + j]),
                            accuracy: 1e-6 * Double(k).squareRoot() + 1e-6,
                            "\(m) \(n) \(k) \(transposeA) \(transposeB) at \(i) \(j), \(OpenBLAS.kernels)")
                    }
                }
            }
        }
    }

    private func flipped(_ x: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        (0 ..< rows * columns).map { x[$0 % rows * columns + $0 / rows] }
    }
}
