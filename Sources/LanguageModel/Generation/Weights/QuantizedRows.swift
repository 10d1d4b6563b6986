import Support
import Tensors

/// Rows of weights of a few bits each, and how they meet vectors that are rounded for them: in blocks of columns, up to
/// four rows and a few vectors at a time (`tile`), or one row after the other as they come from memory (`single`).
///
/// A vector's product with a row is the same to the last bit by either way, whatever the company: samples must not
/// depend on how many there are.
protocol QuantizedRows: Sendable {
    var rows: Int { get }
    var columns: Int { get }
    /// Bytes that the rows and their scales take.
    var byteCount: Int { get }
    /// Blocks of columns, the last of which may be narrower.
    var blocks: Int { get }
    /// Vectors that pass together at most.
    static var mostVectors: Int { get }
    /// Floats that a rounded vector takes.
    var vectorWidth: Int { get }

    /// Rounds n vectors x[n, columns] into out[n, vectorWidth].
    func round(_ x: UnsafePointer<Float>, count n: Int, into out: UnsafeMutablePointer<Float>)

    /// Up to four rows and `mostVectors` rounded vectors x, in one block of columns; the blocks of a row follow each other, the
    /// last one's call makes y[v * stride + row] whole.
    func tile(
        _ rows: Range<Int>, _ block: Int, _ x: UnsafePointer<Float>, _ count: Int, into y: UnsafeMutablePointer<Float>,
        _ stride: Int)

    /// The product of a row and a rounded vector, front to back.
    func single(_ row: Int, _ x: UnsafePointer<Float>) -> Float

    /// y[i * stride + row] = the product of a row and the i-th of n rounded vectors, for the rows of a range.
    func products(
        _ range: Range<Int>, _ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>, stride: Int)

    /// y[n, rows] = x[n, columns] W^T, for prompts: what `products` gives, shared by all threads.
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>)
}

/// `products` and `multiply` are asked for once for many rows; each kind has its own copy of them, with `tile` and
/// `single` inside.
extension QuantizedRows {
    @inline(__always)
    func products(
        _ range: Range<Int>, _ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>, stride: Int
    ) {
        if n == 1 {
            for row in range { y[row] = single(row, x) }
            return
        }
        var row = range.lowerBound
        while row < range.upperBound {
            let end = min(row &+ 4, range.upperBound)
            var i = 0
            while i < n {
                let count = Self.group(n &- i)
                for b in 0 ..< blocks {
                    tile(row ..< end, b, x + i &* vectorWidth, count, into: y + i &* stride, stride)
                }
                i &+= count
            }
            row = end
        }
    }

    /// How many vectors pass together when so many are left: as many as can, but never one at the end.
    @inline(__always)
    private static func group(_ left: Int) -> Int {
        let most = mostVectors
        return left == most + 1 ? (left + 1) / 2 : min(left, most)
    }

    /// Vectors whose blocks stay in a core's second cache while all rows pass (96 KiB), in whole passes; and rows whose blocks
    /// stay in its first while these vectors do.
    private var together: Int {
        let most = Self.mostVectors
        return max(most, (96 << 10) * blocks / (4 * vectorWidth) / most * most)
    }
    private static var tallest: Int { 16 }

    @inline(__always)
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        withRounded(x, count: n) { multiplyInTiles($0, count: n, into: y) }
    }

    /// Rounds n vectors for what `body` does with them.
    @inline(__always)
    func withRounded(_ x: UnsafePointer<Float>, count n: Int, _ body: (UnsafePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: n * vectorWidth) { buffer in
            nonisolated(unsafe) let rounded = buffer.baseAddress!, x = x
            Parallel.forRange(n, grain: 8) { range in
                round(
                    x + range.lowerBound * columns, count: range.count, into: rounded + range.lowerBound * vectorWidth)
            }
            body(rounded)
        }
    }

    /// y[n, rows] from n rounded vectors.
    @inline(__always)
    func multiplyInTiles(_ rounded: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        let together = together
        nonisolated(unsafe) let rounded = rounded, y = y
        Parallel.forRange(rows, grain: 32) { range in
            for first in stride(from: 0, to: n, by: together) {
                panel(
                    range, rounded + first * vectorWidth, count: min(together, n - first), into: y + first * rows)
            }
        }
    }

    @inline(__always)
    private func panel(
        _ range: Range<Int>, _ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>
    ) {
        for b in 0 ..< blocks {
            var first = range.lowerBound
            while first < range.upperBound {
                let last = min(first &+ Self.tallest, range.upperBound)
                var i = 0
                while i < n {
                    let count = Self.group(n &- i)
                    var row = first
                    while row < last {
                        let end = min(row &+ 4, last)
                        tile(row ..< end, b, x + i &* vectorWidth, count, into: y + i &* rows, rows)
                        row = end
                    }
                    i &+= count
                }
                first = last
            }
        }
    }
}
