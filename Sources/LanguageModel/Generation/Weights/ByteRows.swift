import CByteProducts
import Support
import Tensors

/// Weights of eight bits: a row is q s with whole q from -127 to 127, a vector is rounded
/// to 16 bits, in units of its own for each 512 columns, and the sum of the products is exact in 32 bits.
///
/// The vector's rounding is far finer than the weights', and the sums of whole numbers do not depend on who adds them
/// up: samples are the same in whatever company. Fewer instructions for a line of memory let the processor have more
/// lines under way. Prompts, which are bound by arithmetic, have a way of their own where the processor has the
/// instructions (`BytePanels`; docs/notes/byte-products.md).
struct ByteRows: QuantizedRows, @unchecked Sendable {
    let rows: Int, columns: Int
    /// Bytes from a row to the next; zeros fill up the last step.
    let rowBytes: Int
    let weights: UnsafePointer<Int8>
    /// What each row is multiplied by.
    let scales: UnsafePointer<Float>
    private let owners: [Storage]

    private static let block = Int(CBYTE_BLOCK)

    /// q = round(w / s) with s = max |row| / 127.
    init(_ source: StreamedMatrix) throws {
        let (rows, columns) = (source.rows, source.columns), step = Int(CBYTE_STEP)
        let rowBytes = (columns + step - 1) / step * step
        (self.rows, self.columns, self.rowBytes) = (rows, columns, rowBytes)
        let quantized = try Storage(byteCount: rows * rowBytes), scaling = try Storage(byteCount: rows * 4)
        nonisolated(unsafe) let q = quantized.pointer.assumingMemoryBound(to: Int8.self),
            s = scaling.pointer.assumingMemoryBound(to: Float.self)
        Parallel.forRange(rows, grain: 16) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { buffer in
                let row = buffer.baseAddress!
                for r in range {
                    source.expand(r ..< (r + 1), to: row)
                    var largest: Float = 0
                    for c in 0 ..< columns { largest = max(largest, abs(row[c])) }
                    s[r] = largest / 127
                    let inverse = largest > 0 ? 127 / largest : 0, to = q + r * rowBytes
                    // Adding 1.5 * 2^23 rounds half to even and leaves the whole number in the low bits.
                    for c in 0 ..< columns {
                        to[c] = Int8(truncatingIfNeeded: (row[c] * inverse + 12_582_912).bitPattern)
                    }
                    for c in columns ..< rowBytes { to[c] = 0 }
                }
            }
        }
        (weights, scales, owners) = (UnsafePointer(q), UnsafePointer(s), [quantized, scaling])
    }

    var byteCount: Int { rows * (rowBytes + 4) }

    // MARK: Vectors

    var blocks: Int { (rowBytes + Self.block - 1) / Self.block }
    /// Floats that a rounded vector takes: `rowBytes` numbers of 16 bits, then a unit for each block.
    var vectorWidth: Int { rowBytes / 2 + blocks }

    func round(_ x: UnsafePointer<Float>, count n: Int, into out: UnsafeMutablePointer<Float>) {
        for i in 0 ..< n {
            let from = x + i * columns, to = out + i * vectorWidth, units = to + rowBytes / 2
            let values = UnsafeMutableRawPointer(to).assumingMemoryBound(to: Int16.self)
            for b in 0 ..< blocks {
                let start = b * Self.block
                units[b] = cbyte_round(
                    from + start, Int64(min(columns - start, Self.block)), Int64(width(ofBlock: b)), values + start)
            }
        }
    }

    private func width(ofBlock b: Int) -> Int { min(rowBytes - b * Self.block, Self.block) }

    // MARK: Products

    static var mostVectors: Int { Int(cbyte_vectors()) }

    @inline(__always)
    func tile(
        _ rows: Range<Int>, _ b: Int, _ x: UnsafePointer<Float>, _ count: Int, into y: UnsafeMutablePointer<Float>,
        _ stride: Int
    ) {
        let row = rows.lowerBound, start = b &* Self.block
        var tile = cbyte_tile(
            weights: weights + (row &* rowBytes &+ start), row_bytes: Int64(rowBytes), rows: Int32(rows.count),
            vectors: UnsafeRawPointer(x).assumingMemoryBound(to: Int16.self) + start,
            vector_stride: Int64(2 &* vectorWidth),
            count: Int32(count), columns: Int64(width(ofBlock: b)),
            units: x + (rowBytes / 2 &+ b), unit_stride: Int64(vectorWidth),
            scales: b == blocks &- 1 ? scales + row : nil, is_first: b == 0 ? 1 : 0, out: y + row,
            out_stride: Int64(stride))
        cbyte_products(&tile)
    }

    func single(_ row: Int, _ x: UnsafePointer<Float>) -> Float {
        let values = UnsafeRawPointer(x).assumingMemoryBound(to: Int16.self), units = x + rowBytes / 2, blocks = blocks
        let from = weights + row &* rowBytes
        var sum = Float(cbyte_product(from, values, Int64(width(ofBlock: 0)))) * units[0]
        var b = 1
        while b < blocks {
            sum +=
                Float(cbyte_product(from + b &* Self.block, values + b &* Self.block, Int64(width(ofBlock: b))))
                * units[b]
            b &+= 1
        }
        return sum * scales[row]
    }
}

extension LanguageModel.WeightForm {
    /// Whose instructions multiply weights of eight bits on this processor.
    public static var int8Engine: String { ["plain C", "AVX2", "AVX512-VNNI"][Int(cbyte_engine())] }
}
