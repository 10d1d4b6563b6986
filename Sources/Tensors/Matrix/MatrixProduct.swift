import COpenBLAS

/// C[m,n] = alpha * op(A) op(B) + beta * C, row-major float32, on our own threads.
///
/// OpenBLAS runs single-threaded inside each piece: its own pool would keep spinning between calls
/// and fight with the other kernels for the cores. Pieces are cut along the longer of m and n, on
/// multiples of 48 (a multiple of every micro-kernel's width), so each keeps whole tiles (`forEachPiece`).
/// `lda`, `ldb`, `ldc` are row strides in elements of the matrices as stored.
public func matrixProduct(
    _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, lda: Int, transposeA: Bool = false,
    _ b: UnsafePointer<Float>, ldb: Int, transposeB: Bool = false,
    beta: Float = 0, _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    guard m > 0, n > 0 else { return }
    _ = OpenBLAS.isReady
    func product(_ rows: Range<Int>, _ columns: Range<Int>) {
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            blasint(rows.count), blasint(columns.count), blasint(k), alpha,
            a + rows.lowerBound * (transposeA ? 1 : lda), blasint(lda),
            b + columns.lowerBound * (transposeB ? ldb : 1), blasint(ldb),
            beta, c + rows.lowerBound * ldc + columns.lowerBound, blasint(ldc))
    }
    forEachPiece(of: m, by: n, depth: k, product)
}

/// Cuts a product [m, k] x [k, n] into pieces for our threads, each a range of rows or of columns of the result.
func forEachPiece(of m: Int, by n: Int, depth k: Int, _ product: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    let threads = Parallel.threadCount
    let work = m * n * max(k, 1), tile = 48
    if threads == 1 || work < 1 << 18 { return product(0 ..< m, 0 ..< n) }
    let long = max(m, n), tiles = (long + tile - 1) / tile, pieces = min(threads, tiles)
    if pieces < 2 { return product(0 ..< m, 0 ..< n) }
    Parallel.forEach(pieces) { piece in
        let lower = min(tiles * piece / pieces * tile, long), upper = min(tiles * (piece + 1) / pieces * tile, long)
        if m >= n { product(lower ..< upper, 0 ..< n) } else { product(0 ..< m, lower ..< upper) }
    }
}

/// The same product on the calling thread alone: for kernels that are spread over the threads already.
@inline(__always)
func matrixProductHere(
    _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1,
    _ a: UnsafePointer<Float>, lda: Int, transposeA: Bool = false,
    _ b: UnsafePointer<Float>, ldb: Int, transposeB: Bool = false,
    beta: Float = 0, _ c: UnsafeMutablePointer<Float>, ldc: Int
) {
    guard m > 0, n > 0 else { return }
    _ = OpenBLAS.isReady
    cblas_sgemm(
        CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
        blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
}
