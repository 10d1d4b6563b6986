import Support
import Tensors

/// A weight matrix [rows, columns] in the form in which generation reads it from memory: once per step,
/// row by row, whatever the number of streams. One step is bound by these bytes and by little else.
final class StreamedMatrix: @unchecked Sendable {
    enum Form { case float32, bfloat16, int8 }

    let rows: Int, columns: Int
    let form: Form
    private let bytes: UnsafeRawPointer
    /// int8: what each row is multiplied by.
    private let scales: UnsafePointer<Float>?
    private let owners: [Storage]

    /// Looks at a contiguous float32 or bfloat16 tensor [rows, columns] without copying it; float16, and
    /// anything that is not contiguous, is copied into float32.
    init(_ weight: Tensor) throws {
        (rows, columns) = (weight.shape[0], weight.shape[1])
        let plain = weight.isContiguous && (weight.dtype == .float32 || weight.dtype == .bfloat16)
            ? weight : try weight.detach().to(.float32).contiguous()
        form = plain.dtype == .bfloat16 ? .bfloat16 : .float32
        bytes = UnsafeRawPointer(plain.storage.pointer) + plain.offset * plain.dtype.size
        scales = nil
        owners = [plain.storage]
    }

    /// A copy with one byte per weight: q = round(w / s) with s = max |row| / 127, so that w is about q s.
    init(quantizing weight: Tensor) throws {
        let (rows, columns) = (weight.shape[0], weight.shape[1])
        (self.rows, self.columns, form) = (rows, columns, .int8)
        let quantized = try Storage(byteCount: rows * columns), scaling = try Storage(byteCount: rows * 4)
        nonisolated(unsafe) let q = quantized.pointer, s = scaling.pointer.assumingMemoryBound(to: Float.self)
        let source = try StreamedMatrix(weight), whole = columns & ~31
        Parallel.forRange(rows, grain: 16) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { buffer in
                let row = buffer.baseAddress!
                for r in range {
                    source.expand(r..<(r + 1), to: row)
                    var largest: Float = 0
                    for c in 0..<columns { largest = max(largest, abs(row[c])) }
                    s[r] = largest / 127 * Int8Rows.unit
                    let inverse = largest > 0 ? 127 / largest : 0
                    for c in 0..<columns { row[c] *= inverse }
                    for c in stride(from: 0, to: whole, by: 32) { Int8Rows.round(row + c, into: q + r * columns + c) }
                    for c in whole..<columns {
                        (q + r * columns + c).storeBytes(of: Int8(truncatingIfNeeded: (row[c] + 12_582_912).bitPattern), as: Int8.self)
                    }
                }
            }
        }
        bytes = UnsafeRawPointer(q)
        scales = UnsafePointer(s)
        owners = [quantized, scaling]
    }

    /// The least number of rows worth handing to a thread: 16 KiB of weights.
    var grain: Int { max(1, (1 << 14) / max(1, columns * bytesPerElement)) }

    private var bytesPerElement: Int {
        switch form {
        case .float32: 4
        case .bfloat16: 2
        case .int8: 1
        }
    }

    /// Vectors x[n, columns] in the order that `products` wants: themselves, or a copy in `scratch` [n, columns].
    func arranged(_ x: UnsafePointer<Float>, count n: Int, in scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        guard form == .bfloat16 else { return x }
        for i in 0..<n { BFloat16Rows.arrange(x + i * columns, columns, into: scratch + i * columns) }
        return UnsafePointer(scratch)
    }

    /// y[i * stride + row] = the product of a row and the i-th of n arranged vectors, for the rows of a range.
    func products(_ range: Range<Int>, _ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>, stride: Int) {
        switch form {
        case .float32: products(Float32Rows.self, range, x, n, y, stride)
        case .bfloat16: products(BFloat16Rows.self, range, x, n, y, stride)
        case .int8: products(Int8Rows.self, range, x, n, y, stride)
        }
    }

    /// Eight rows at a time stay in the first caches while all vectors pass, three by three.
    private func products<F: RowFormat>(_: F.Type, _ range: Range<Int>, _ x: UnsafePointer<Float>, _ n: Int,
                                        _ y: UnsafeMutablePointer<Float>, _ stride: Int) {
        let columns = columns, rowBytes = columns &* F.bytesPerElement
        if n == 1 {
            var row = range.lowerBound
            while row < range.upperBound {
                y[row] = F.products(bytes + row &* rowBytes, x, stride: columns, count: 1, columns: columns).0 * scale(row)
                row &+= 1
            }
            return
        }
        var first = range.lowerBound
        while first < range.upperBound {
            let end = min(first &+ 8, range.upperBound)
            var i = 0
            while i < n {
                let left = n &- i, vectors = x + i &* columns, out = y + i &* stride
                var row = first
                if left == 1 {
                    while row < end {
                        out[row] = F.products(bytes + row &* rowBytes, vectors, stride: columns, count: 1, columns: columns).0 * scale(row)
                        row &+= 1
                    }
                    i &+= 1
                } else if left == 2 || left == 4 {
                    while row < end {
                        let sums = F.products(bytes + row &* rowBytes, vectors, stride: columns, count: 2, columns: columns)
                        out[row] = sums.0 * scale(row)
                        out[row &+ stride] = sums.1 * scale(row)
                        row &+= 1
                    }
                    i &+= 2
                } else {
                    while row < end {
                        let sums = F.products(bytes + row &* rowBytes, vectors, stride: columns, count: 3, columns: columns)
                        out[row] = sums.0 * scale(row)
                        out[row &+ stride] = sums.1 * scale(row)
                        out[row &+ 2 &* stride] = sums.2 * scale(row)
                        row &+= 1
                    }
                    i &+= 3
                }
            }
            first = end
        }
    }

    @inline(__always) private func scale(_ row: Int) -> Float { scales?[row] ?? 1 }

    /// y[n, rows] = x[n, columns] W^T, as matrix products: for prompts, where each weight serves many tokens.
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        if form == .float32 {
            let w = bytes.assumingMemoryBound(to: Float.self)
            return matrixProduct(n, rows, columns, x, lda: columns, w, ldb: columns, transposeB: true, y, ldc: rows)
        }
        let panel = min(rows, max(256, (1 << 21) / columns))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: panel * columns) { buffer in
            nonisolated(unsafe) let floats = buffer.baseAddress!
            for first in stride(from: 0, to: rows, by: panel) {
                let count = min(panel, rows - first)
                Parallel.forRange(count, grain: 16) { range in
                    self.expand(first + range.lowerBound ..< first + range.upperBound, to: floats + range.lowerBound * self.columns)
                }
                matrixProduct(n, count, columns, x, lda: columns, floats, ldb: columns, transposeB: true, y + first, ldc: rows)
            }
        }
    }

    /// The rows in float32, one after the other.
    func expand(_ range: Range<Int>, to out: UnsafeMutablePointer<Float>) {
        let start = range.lowerBound * columns, count = range.count * columns
        switch form {
        case .float32: out.update(from: bytes.assumingMemoryBound(to: Float.self) + start, count: count)
        case .bfloat16:
            for i in 0..<count {
                out[i] = BFloat16(bits: (bytes + 2 * (start + i)).loadUnaligned(as: UInt16.self)).float
            }
        case .int8:
            for (offset, row) in range.enumerated() {
                let from = bytes + row * columns, to = out + offset * columns, scale = scales![row]
                let whole = columns & ~31
                for c in stride(from: 0, to: whole, by: 32) {
                    let w = Int8Rows.block(from + c)
                    storeLanes(w.0 * scale, to + c)
                    storeLanes(w.1 * scale, to + c + 8)
                    storeLanes(w.2 * scale, to + c + 16)
                    storeLanes(w.3 * scale, to + c + 24)
                }
                for c in whole..<columns { to[c] = Int8Rows.element(from + c) * scale }
            }
        }
    }
}
