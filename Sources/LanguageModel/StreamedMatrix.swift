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
        nonisolated(unsafe) let q = quantized.pointer.assumingMemoryBound(to: Int8.self)
        nonisolated(unsafe) let s = scaling.pointer.assumingMemoryBound(to: Float.self)
        let source = try StreamedMatrix(weight)
        Parallel.forRange(rows, grain: 16) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
                for r in range {
                    source.expand(r..<(r + 1), to: row.baseAddress!)
                    var largest: Float = 0
                    for value in row { largest = max(largest, abs(value)) }
                    s[r] = largest / 127
                    let inverse = largest > 0 ? 127 / largest : 0
                    // Adding 1.5 * 2^23 rounds half to even and leaves the whole number in the low bits.
                    for c in 0..<columns {
                        q[r * columns + c] = Int8(truncatingIfNeeded: (row[c] * inverse + 12_582_912).bitPattern)
                    }
                }
            }
        }
        bytes = UnsafeRawPointer(quantized.pointer)
        scales = UnsafePointer(s)
        owners = [quantized, scaling]
    }

    /// Up to so many vectors at once go through the streaming kernel; more become a matrix product, for which the
    /// weights must be expanded.
    static let mostStreamed = 16

    /// y[n, rows] = x[n, columns] W^T
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        guard n <= Self.mostStreamed else { return multiplyPanels(x, count: n, into: y) }
        switch form {
        case .float32: stream(Float32Rows.self, x, n, y)
        case .bfloat16: stream(BFloat16Rows.self, x, n, y)
        case .int8: stream(Int8Rows.self, x, n, y)
        }
    }

    private func stream<F: RowFormat>(_: F.Type, _ x: UnsafePointer<Float>, _ n: Int, _ y: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: n * columns) { buffer in
            let arranged = buffer.baseAddress!
            for i in 0..<n { F.arrange(x + i * columns, columns, into: arranged + i * columns) }
            nonisolated(unsafe) let input = UnsafePointer(arranged), output = y
            let columns = columns, rows = rows, rowBytes = columns * F.bytesPerElement
            // Pieces of 32 KiB at least: below that, waking a thread costs more than it saves.
            Parallel.forRange(rows, grain: max(1, (1 << 15) / max(rowBytes, 1))) { range in
                for row in range {
                    let weights = self.bytes + row &* rowBytes, scale = self.scales?[row] ?? 1
                    for i in 0..<n { output[i &* rows &+ row] = F.dot(weights, input + i &* columns, columns) * scale }
                }
            }
        }
    }

    /// Rows expanded to float32, a panel at a time, for the matrix product.
    private func multiplyPanels(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
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
            let q = bytes.assumingMemoryBound(to: Int8.self)
            for (offset, row) in range.enumerated() {
                let scale = scales![row]
                for c in 0..<columns { out[offset * columns + c] = Float(q[row * columns + c]) * scale }
            }
        }
    }
}
