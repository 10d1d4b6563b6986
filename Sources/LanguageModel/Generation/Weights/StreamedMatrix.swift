import Support
import Tensors

/// A weight matrix [rows, columns] in the form in which generation reads it from memory: once per step,
/// row by row, whatever the number of streams. One step is bound by these bytes and by little else.
final class StreamedMatrix: @unchecked Sendable {
    /// Forms that are made, and not as the checkpoint has them.
    enum Quantization { case int8, int4 }

    private enum Form {
        /// As they lie in a tensor, row by row.
        case float32(Elements), bfloat16(Elements)
        case quantized(any QuantizedRows)
    }

    private struct Elements {
        let bytes: UnsafeRawPointer
        let owner: Storage
    }

    let rows: Int, columns: Int
    private let form: Form

    /// Looks at a contiguous float32 or bfloat16 tensor [rows, columns] without copying it; float16, and
    /// anything that is not contiguous, is copied into float32.
    init(_ weight: Tensor) throws {
        (rows, columns) = (weight.shape[0], weight.shape[1])
        let plain =
            weight.isContiguous && (weight.dtype == .float32 || weight.dtype == .bfloat16)
            ? weight : try weight.detach().to(.float32).contiguous()
        let elements = Elements(
            bytes: UnsafeRawPointer(plain.storage.pointer) + plain.offset * plain.dtype.size, owner: plain.storage)
        form = plain.dtype == .bfloat16 ? .bfloat16(elements) : .float32(elements)
    }

    /// A copy with a byte per weight, or half of one.
    init(_ weight: Tensor, quantized: Quantization) throws {
        let source = try StreamedMatrix(weight)
        (rows, columns) = (source.rows, source.columns)
        form =
            switch quantized {
            case .int8: .quantized(try ByteRows(source))
            case .int4: .quantized(try NibbleRows(source))
            }
    }

    /// The least number of rows worth handing to a thread: 16 KiB of weights.
    var grain: Int { max(1, (1 << 14) / max(1, rowBytes)) }

    private var rowBytes: Int {
        switch form {
        case .float32: columns * 4
        case .bfloat16: columns * 2
        case .quantized(let own): own.byteCount / max(rows, 1)
        }
    }

    /// Floats that an arranged vector takes.
    var vectorWidth: Int { if case .quantized(let own) = form { own.vectorWidth } else { columns } }

    /// Vectors x[n, columns] as `products` wants them: themselves, or a copy in `scratch` [n, vectorWidth].
    func arranged(
        _ x: UnsafePointer<Float>, count n: Int, in scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        switch form {
        case .float32: return x
        case .bfloat16: for i in 0 ..< n { BFloat16Rows.arrange(x + i * columns, columns, into: scratch + i * columns) }
        case .quantized(let own): own.round(x, count: n, into: scratch)
        }
        return UnsafePointer(scratch)
    }

    /// y[i * stride + row] = the product of a row and the i-th of n arranged vectors, for the rows of a range.
    func products(
        _ range: Range<Int>, _ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>, stride: Int
    ) {
        switch form {
        case .float32(let own): products(Float32Rows.self, own.bytes, range, x, n, y, stride)
        case .bfloat16(let own): products(BFloat16Rows.self, own.bytes, range, x, n, y, stride)
        case .quantized(let own): own.products(range, x, count: n, into: y, stride: stride)
        }
    }

    /// Eight rows at a time stay in the first caches while all vectors pass, three by three.
    private func products<F: RowFormat>(
        _: F.Type, _ bytes: UnsafeRawPointer, _ range: Range<Int>, _ x: UnsafePointer<Float>, _ n: Int,
        _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        let columns = columns, rowBytes = columns &* F.bytesPerElement
        if n == 1 {
            var row = range.lowerBound
            while row < range.upperBound {
                y[row] = F.products(bytes + row &* rowBytes, x, stride: columns, count: 1, columns: columns).0
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
                        out[row] =
                            F.products(bytes + row &* rowBytes, vectors, stride: columns, count: 1, columns: columns).0
                        row &+= 1
                    }
                    i &+= 1
                } else if left == 2 || left == 4 {
                    while row < end {
                        let sums = F.products(
                            bytes + row &* rowBytes, vectors, stride: columns, count: 2, columns: columns)
                        out[row] = sums.0
                        out[row &+ stride] = sums.1
                        row &+= 1
                    }
                    i &+= 2
                } else {
                    while row < end {
                        let sums = F.products(
                            bytes + row &* rowBytes, vectors, stride: columns, count: 3, columns: columns)
                        out[row] = sums.0
                        out[row &+ stride] = sums.1
                        out[row &+ 2 &* stride] = sums.2
                        row &+= 1
                    }
                    i &+= 3
                }
            }
            first = end
        }
    }

    /// y[n, rows] = x[n, columns] W^T, as matrix products: for prompts, where each weight serves many tokens.
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        let elements: Elements, isHalf: Bool
        switch form {
        case .quantized(let own): return own.multiply(x, count: n, into: y)
        case .float32(let own): (elements, isHalf) = (own, false)
        case .bfloat16(let own): (elements, isHalf) = (own, true)
        }
        if PackedProduct.isWorthwhile(rows: n, columns: rows, depth: columns) {
            let matrix = PackedProduct.Matrix(elements.bytes, isHalf: isHalf, stride: columns, isTransposed: true)
            let product: Void? = try? PackedProduct.product(
                n, rows, columns, x, stride: columns, matrix, to: y, stride: rows)
            if product != nil { return }   // else there is no memory for the packed factors
        }
        guard isHalf else {
            let w = elements.bytes.assumingMemoryBound(to: Float.self)
            return matrixProduct(n, rows, columns, x, lda: columns, w, ldb: columns, transposeB: true, y, ldc: rows)
        }
        let panel = min(rows, max(256, (1 << 21) / columns))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: panel * columns) { buffer in
            nonisolated(unsafe) let floats = buffer.baseAddress!
            for first in stride(from: 0, to: rows, by: panel) {
                let count = min(panel, rows - first)
                Parallel.forRange(count, grain: 16) { range in
                    self.expand(
                        first + range.lowerBound ..< first + range.upperBound,
                        to: floats + range.lowerBound * self.columns)
                }
                matrixProduct(
                    n, count, columns, x, lda: columns, floats, ldb: columns, transposeB: true, y + first, ldc: rows)
            }
        }
    }

    /// The rows in float32, one after the other; not of what is quantized, which nobody reads back.
    func expand(_ range: Range<Int>, to out: UnsafeMutablePointer<Float>) {
        let start = range.lowerBound * columns, count = range.count * columns
        switch form {
        case .float32(let own): out.update(from: own.bytes.assumingMemoryBound(to: Float.self) + start, count: count)
        case .bfloat16(let own):
            for i in 0 ..< count {
                out[i] = BFloat16(bits: (own.bytes + 2 * (start + i)).loadUnaligned(as: UInt16.self)).float
            }
        case .quantized: preconditionFailure("quantized rows are multiplied, not read back")
        }
    }
}
