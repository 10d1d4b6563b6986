import CByteProducts
import Support
import Tensors

/// Weights of four bits: a row is l h s with l one of sixteen levels (the quantiles of a normal distribution), h a scale
/// of 32 columns in float16 and s the row's; 4.5 bits a weight in all. A vector is rounded to 8 bits, in units of its own
/// for each 32 columns, and the sums of 32 products are exact.
///
/// A weight that is normally distributed is missed by a twelfth of the standard deviation, a vector's element by a
/// hundredth: eleven times coarser than int8, for little more than half the bytes.
struct NibbleRows: QuantizedRows, @unchecked Sendable {
    let rows: Int, columns: Int
    private let padded: Int
    private let weights: UnsafePointer<UInt8>
    private let scales: UnsafePointer<Float>
    private let owners: [Storage]

    private static let block = Int(CNIBBLE_BLOCK), group = Int(CNIBBLE_GROUP)

    private static func rowBytes(_ columns: Int) -> Int { columns / group * 18 }
    private static func vectorBytes(_ columns: Int) -> Int { columns / group * 40 }

    /// Bytes of a matrix in this form.
    static func byteCount(_ rows: Int, _ columns: Int) -> Int { rows * (rowBytes(width(columns)) + 4) }

    private static func width(_ columns: Int) -> Int {
        (columns + Int(CNIBBLE_STEP) - 1) / Int(CNIBBLE_STEP) * Int(CNIBBLE_STEP)
    }

    init(_ source: StreamedMatrix) throws {
        let (rows, columns) = (source.rows, source.columns), padded = Self.width(columns),
            rowBytes = Self.rowBytes(padded)
        (self.rows, self.columns, self.padded) = (rows, columns, padded)
        let quantized = try Storage(byteCount: rows * rowBytes), scaling = try Storage(byteCount: rows * 4)
        nonisolated(unsafe) let q = quantized.pointer.assumingMemoryBound(to: UInt8.self),
            s = scaling.pointer.assumingMemoryBound(to: Float.self)
        let levels = NibbleLevels()
        Parallel.forRange(rows, grain: 16) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: padded) { buffer in
                let row = buffer.baseAddress!
                row.update(repeating: 0, count: padded)
                for r in range {
                    source.expand(r ..< (r + 1), to: row)
                    var largest: Float = 0
                    for c in 0 ..< columns { largest = max(largest, abs(row[c])) }
                    // The largest group's scale is 1 or little more.
                    s[r] = largest / Float(NibbleLevels.largest)
                    Self.write(row, padded, by: s[r], levels, to: q + r * rowBytes)
                }
            }
        }
        (weights, scales, owners) = (UnsafePointer(q), UnsafePointer(s), [quantized, scaling])
    }

    private static func write(
        _ row: UnsafePointer<Float>, _ padded: Int, by scale: Float, _ levels: NibbleLevels,
        to out: UnsafeMutablePointer<UInt8>
    ) {
        for start in stride(from: 0, to: padded, by: block) {
            let width = min(padded - start, block), to = out + rowBytes(start), nibbles = to + width / group * 2
            for g in 0 ..< width / group {
                let x = row + start + g * group, chosen = levels.scale(of: x, group, below: scale)
                UnsafeMutableRawPointer(to).storeBytes(
                    of: chosen.bitPattern.littleEndian, toByteOffset: 2 * g, as: UInt16.self)
                let unit = Float(chosen) * scale, inverse = unit > 0 ? 1 / unit : 0, shift = g % 2 * 4
                for c in 0 ..< group {
                    let place = g / 2 * group + c, number = levels.number(x[c] * inverse)
                    nibbles[place] = shift == 0 ? number : nibbles[place] | number << 4
                }
            }
        }
    }

    var byteCount: Int { Self.byteCount(rows, columns) }
    /// The kernels go through the blocks of a row themselves.
    var blocks: Int { 1 }
    var vectorWidth: Int { Self.vectorBytes(padded) / 4 }

    func round(_ x: UnsafePointer<Float>, count n: Int, into out: UnsafeMutablePointer<Float>) {
        for i in 0 ..< n {
            let to = UnsafeMutableRawPointer(out + i * vectorWidth).assumingMemoryBound(to: UInt8.self)
            cnibble_round(x + i * columns, Int64(columns), Int64(padded), to)
        }
    }

    static var mostVectors: Int { 3 }

    @inline(__always)
    func tile(
        _ rows: Range<Int>, _ block: Int, _ x: UnsafePointer<Float>, _ count: Int,
        into y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        let row = rows.lowerBound, rowBytes = Self.rowBytes(padded)
        var tile = cnibble_tile(
            weights: weights + row &* rowBytes, row_bytes: Int64(rowBytes), rows: Int32(rows.count),
            vectors: UnsafeRawPointer(x).assumingMemoryBound(to: UInt8.self),
            vector_bytes: Int64(Self.vectorBytes(padded)), count: Int32(count), columns: Int64(padded),
            scales: scales + row, out: y + row, out_stride: Int64(stride))
        cnibble_products(&tile)
    }

    @inline(__always)
    func single(_ row: Int, _ x: UnsafePointer<Float>) -> Float {
        let vector = UnsafeRawPointer(x).assumingMemoryBound(to: UInt8.self)
        return cnibble_product(weights + row &* Self.rowBytes(padded), vector, Int64(padded)) * scales[row]
    }
}

/// The sixteen levels, and which of them is nearest.
struct NibbleLevels: Sendable {
    static let largest = 63
    private let levels: [Float]
    /// The nearest level's number for each whole number from -64 to 63, plus 64.
    private let nearest: [UInt8]

    init() {
        let levels = (0 ..< 16).map { Int(cnibble_level($0)) }
        self.levels = levels.map(Float.init)
        nearest = (-64 ... 63).map { x in
            UInt8(levels.indices.min { abs(levels[$0] - x) < abs(levels[$1] - x) }!)
        }
    }

    /// Of a number in units of a group's scale.
    @inline(__always)
    func number(_ x: Float) -> UInt8 { nearest[Int(max(-64, min(63, x)).rounded(.toNearestOrEven)) + 64] }

    /// The scale, in units of the row's, by which a group is missed least: one that the largest element reaches, or a
    /// little less or more.
    func scale(of x: UnsafePointer<Float>, _ count: Int, below row: Float) -> Float16 {
        var largest: Float = 0
        for c in 0 ..< count { largest = max(largest, abs(x[c])) }
        guard largest > 0, row > 0 else { return 0 }
        var best: (scale: Float16, error: Float) = (0, .infinity)
        for part: Float in [0.8, 0.85, 0.9, 0.95, 1, 1.05] {
            let scale = Float16(largest * part / Float(Self.largest) / row), unit = Float(scale) * row
            guard unit > 0 else { continue }
            let inverse = 1 / unit
            var error: Float = 0
            for c in 0 ..< count {
                let miss = x[c] - levels[Int(number(x[c] * inverse))] * unit
                error += miss * miss
            }
            if error < best.error { best = (scale, error) }
        }
        return best.scale
    }
}
