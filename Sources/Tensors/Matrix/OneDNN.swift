import COneDNN
import Glibc
import Support
import SystemShim

/// oneDNN's products of bfloat16 matrices: it makes its code for the processor that it finds (AVX512-BF16, AMX). Opened
/// when it is first asked for, on a processor that has such instructions.
package enum OneDNN {
    package struct State: Sendable {
        package var isOpen: Bool
        package var description: String
    }

    /// As it is on this machine. `OPAH_ONEDNN=off` does without.
    package static let state: State = {
        if getenv("OPAH_ONEDNN").map({ String(cString: $0) }) == "off" {
            return State(isOpen: false, description: "not used: OPAH_ONEDNN is off")
        }
        guard system_vector_level() >= 5 else {
            return State(
                isOpen: false,
                description: "not used: this processor has no instructions for bfloat16 products (AVX512-BF16)")
        }
        return open()
    }()

    /// Whether bfloat16 products are computed by it.
    package static var isUsed: Bool { state.isOpen }

    /// The same library under the names of its releases, newest first.
    private static let names = ["libdnnl.so.3", "libdnnl.so.2"]

    /// Opens the library, whether or not the processor has the instructions: with AVX-512 alone its products are right,
    /// and slow.
    package static func open() -> State {
        var problems: [String] = []
        for name in names {
            var problem = [CChar](repeating: 0, count: 512)
            guard conednn_open(name, &problem, problem.count) == 0 else {
                problems.append(String(cString: problem))
                continue
            }
            switch trial() {
            case .right: return State(isOpen: true, description: "oneDNN (\(name))")
            case .refused:
                return State(
                    isOpen: false, description: "not used: \(name) has no bfloat16 products for this processor")
            case .wrong:
                return State(isOpen: false, description: "not used: \(name) gives wrong bfloat16 products here")
            }
        }
        return State(
            isOpen: false,
            description:
                "not used: oneDNN is not installed (sudo apt install libdnnl2): \(problems.joined(separator: "; "))")
    }

    private static let asStored = CChar(UInt8(ascii: "N")), transposed = CChar(UInt8(ascii: "T"))

    private enum Trial { case right, wrong, refused }

    /// Products of whole numbers, which have one right result in every order of summing, in each orientation.
    private static func trial() -> Trial {
        let m = 7, n = 37, k = 65
        let a = (0 ..< m * k).map { Float(($0 * 7) % 17 - 8) }, b = (0 ..< n * k).map { Float(($0 * 5) % 13 - 6) }
        let halfA = a.map { BFloat16($0).bits }, halfB = b.map { BFloat16($0).bits }
        for (transposeA, transposeB) in [(false, false), (false, true), (true, false)] {
            var c = [Float](repeating: 1, count: m * n)
            let status = conednn_product(
                transposeA ? transposed : asStored, transposeB ? transposed : asStored,
                Int64(m), Int64(n), Int64(k), 1, halfA, Int64(transposeA ? m : k),
                halfB, Int64(transposeB ? k : n), 1, &c, Int64(n))
            guard status == 0 else { return .refused }
            for i in 0 ..< m {
                for j in 0 ..< n {
                    var sum: Float = 1
                    for p in 0 ..< k {
                        sum += a[transposeA ? p * m + i : i * k + p] * b[transposeB ? j * k + p : p * n + j]
                    }
                    if c[i * n + j] != sum { return .wrong }
                }
            }
        }
        return .right
    }

    /// C[m, n] = alpha op(A) op(B) + beta C, spread over our threads as float32 products are. A row's sums do not
    /// depend on how many rows there are, nor a column's on the columns.
    package static func product(
        _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1,
        _ a: Rounding.Bits, lda: Int, transposeA: Bool = false,
        _ b: Rounding.Bits, ldb: Int, transposeB: Bool = false,
        beta: Float = 0, _ c: UnsafeMutablePointer<Float>, ldc: Int
    ) throws {
        let failed = Failure()
        forEachPiece(of: m, by: n, depth: k) { rows, columns in
            let left = Factor(
                a.start + rows.lowerBound * (transposeA ? 1 : lda), stride: lda, isContiguous: !transposeA)
            let right = Factor(
                b.start + columns.lowerBound * (transposeB ? ldb : 1), stride: ldb, isContiguous: transposeB)
            let status = piece(
                rows.count, columns.count, k, alpha, left, right, beta, c + rows.lowerBound * ldc + columns.lowerBound,
                ldc)
            if status != 0 { failed.status = status }
        }
        guard failed.status == 0 else {
            throw OpahError(
                failed.status == 1 ? .memory : .data,
                "oneDNN refuses a product of [\(m), \(k)] and [\(k), \(n)] with status \(failed.status)",
                hint: "OPAH_ONEDNN=off does without it")
        }
    }

    /// A factor's vectors of k numbers: rows of A, columns of B.
    private struct Factor {
        let start: UnsafePointer<UInt16>, stride: Int
        /// Whether a vector's numbers lie one after the other.
        let isContiguous: Bool

        init(_ start: UnsafePointer<UInt16>, stride: Int, isContiguous: Bool) {
            (self.start, self.stride, self.isContiguous) = (start, stride, isContiguous)
        }

        /// The first vector twice.
        func doubled(_ k: Int, in copy: UnsafeMutablePointer<UInt16>) -> Factor {
            for p in 0 ..< k {
                copy[p] = start[isContiguous ? p : p * stride]
                copy[k + p] = copy[p]
            }
            return Factor(copy, stride: k, isContiguous: true)
        }
    }

    /// On this thread. A single row or column is computed as two alike: the library sums those in another order, and a
    /// clip's numbers must not depend on what is in the batch with it.
    private static func piece(
        _ m: Int, _ n: Int, _ k: Int, _ alpha: Float, _ a: Factor, _ b: Factor, _ beta: Float,
        _ c: UnsafeMutablePointer<Float>, _ ldc: Int
    ) -> Int32 {
        guard m == 1 || n == 1 else {
            return conednn_product(
                a.isContiguous ? asStored : transposed, b.isContiguous ? transposed : asStored,
                Int64(m), Int64(n), Int64(k), alpha, a.start, Int64(a.stride),
                b.start, Int64(b.stride), beta, c, Int64(ldc))
        }
        let height = max(m, 2), width = max(n, 2)
        return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 4 * k) { copies in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: height * width) { result in
                let to = result.baseAddress!
                for i in 0 ..< height {
                    for j in 0 ..< width { to[i * width + j] = beta == 0 ? 0 : c[min(i, m - 1) * ldc + min(j, n - 1)] }
                }
                let left = m == 1 ? a.doubled(k, in: copies.baseAddress!) : a
                let right = n == 1 ? b.doubled(k, in: copies.baseAddress! + 2 * k) : b
                let status = piece(height, width, k, alpha, left, right, beta, to, width)
                for i in 0 ..< m { for j in 0 ..< n { c[i * ldc + j] = to[i * width + j] } }
                return status
            }
        }
    }

    /// Whichever piece fails last; all that is asked is whether one did.
    private final class Failure: @unchecked Sendable { var status: Int32 = 0 }
}
