import CByteProducts
import TestSupport
import XCTest

/// The C kernels of 4-bit weights: every engine that this processor has gives the same bits, near the same sum in
/// float64.
final class NibbleProductsTests: XCTestCase {
    private var random = SeededRandom(11)

    override func tearDown() {
        for engine: Int32 in [2, 1, 0] where cbyte_use_engine(engine) == 0 { return }
    }

    private func engines() -> [Int32] { [Int32(0), 1, 2].filter { cbyte_use_engine($0) == 0 } }

    private static let block = Int(CNIBBLE_BLOCK)

    /// The blocks of `width` columns: first column and columns of each.
    private func blocks(_ width: Int) -> [(start: Int, width: Int)] {
        stride(from: 0, to: width, by: Self.block).map { ($0, min(width - $0, Self.block)) }
    }

    /// A row of random numbers, and its weights.
    private func row(_ width: Int, _ scale: (Int) -> Float16) -> (bytes: [UInt8], weights: [Double]) {
        var bytes: [UInt8] = [], weights: [Double] = []
        for (start, width) in blocks(width) {
            let groups = width / 32, scales = (0 ..< groups).map { scale(start / 32 + $0) }
            var block = scales.flatMap { scale in withUnsafeBytes(of: scale.bitPattern.littleEndian) { [UInt8]($0) } }
            block += (0 ..< width / 2).map { _ in UInt8.random(in: 0 ... 255, using: &random) }
            weights += (0 ..< width).map { c in
                let pair = block[2 * groups + c / 64 * 32 + c % 32]
                return Double(scales[c / 32]) * Double(cnibble_level(Int32(c % 64 < 32 ? pair & 15 : pair >> 4)))
            }
            bytes += block
        }
        return (bytes, weights)
    }

    /// What a rounded vector stands for.
    private func values(_ vector: [UInt8], _ width: Int) -> [Double] {
        blocks(width).flatMap { start, width in
            let at = start / 32 * 40
            return (0 ..< width).map { c in
                let unit = vector.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: at + width + c / 32 * 4, as: Float.self)
                }
                return Double(Int8(bitPattern: vector[at + c])) * Double(unit)
            }
        }
    }

    func testLevels() {
        let levels = (0 ..< 16).map { cnibble_level($0) }
        XCTAssertEqual(levels, levels.sorted())
        XCTAssertEqual([levels.first, levels[7], levels.last], [-63, 0, 63])
    }

    func testEveryEngineGivesTheSameBits() {
        for width in [64, 128, 192, 320, 448, Self.block, Self.block + 64, 2 * Self.block, 3 * Self.block + 256] {
            // Scales down to the smallest halves, and none.
            let scales: [Float16] = [1, 0.37, 0, 6e-8, 3e-5, 0.99]
            let rows = (0 ..< 3).map { r in row(width) { scales[($0 + r) % scales.count] } }
            let vectors = (0 ..< 3).map { _ in
                var vector = [UInt8](repeating: 0, count: width / 32 * 40)
                let x = (0 ..< width - 3).map { _ in
                    Float.random(in: -10_000 ... 10_000, using: &random)
                        * (Int.random(in: 0 ... 30, using: &random) == 0 ? 1 : 0.01)
                }
                cnibble_round(x, Int64(width - 3), Int64(width), &vector)
                return vector
            }
            let weights = rows.flatMap(\.bytes), together = vectors.flatMap { $0 }, factors: [Float] = [2, 0.5, 3]
            var first: [Float]?
            for engine in engines() where cbyte_use_engine(engine) == 0 {
                for count in [3, 2, 1] {
                    var out = [Float](repeating: 0.25, count: 12)
                    out.withUnsafeMutableBufferPointer { to in
                        var tile = cnibble_tile(
                            weights: weights, row_bytes: Int64(rows[0].bytes.count), rows: 3, vectors: together,
                            vector_bytes: Int64(vectors[0].count), count: Int32(count), columns: Int64(width),
                            scales: factors, out: to.baseAddress!, out_stride: 4)
                        cnibble_products(&tile)
                    }
                    first = first ?? out
                    for v in 0 ..< 3 {
                        let x = values(vectors[v], width)
                        for r in 0 ..< 3 {
                            let found = out[4 * v + r],
                                what = "engine \(engine), \(width) columns, \(r), \(v) of \(count)"
                            guard v < count else { XCTAssertEqual(found, 0.25, what); continue }
                            XCTAssertEqual(found.bitPattern, first![4 * v + r].bitPattern, what)
                            let terms = zip(rows[r].weights, x).map { $0 * $1 }, size = terms.reduce(0) { $0 + abs($1) }
                            // A correction may be as large as all its group.
                            XCTAssertEqual(
                                Double(found), terms.reduce(0, +) * Double(factors[r]), accuracy: 6e-5 * size + 1e-9,
                                what)
                        }
                        XCTAssertEqual(out[4 * v + 3], 0.25, "beyond the rows")
                    }
                }
                for r in 0 ..< 3 {
                    let single = cnibble_product(rows[r].bytes, vectors[0], Int64(width)) * factors[r]
                    XCTAssertEqual(single.bitPattern, first![r].bitPattern, "engine \(engine), row \(r) alone")
                }
            }
        }
    }

    func testVectorsAreRounded() {
        for count in [1, 31, 32, 50, 64, 200, 520, 1200] {
            let x = (0 ..< count).map { _ in Float.random(in: -1_000_000 ... 1_000_000, using: &random) / 3000 }
            let padded = (count + 63) / 64 * 64
            var blocks: [[UInt8]] = []
            for engine in engines() where cbyte_use_engine(engine) == 0 {
                var block = [UInt8](repeating: 77, count: padded / 32 * 40)
                cnibble_round(x, Int64(count), Int64(padded), &block)
                blocks.append(block)
                let found = values(block, padded)
                for c in 0 ..< padded {
                    let group = x[min(c / 32 * 32, count) ..< min(c / 32 * 32 + 32, count)]
                    XCTAssertEqual(
                        found[c], c < count ? Double(x[c]) : 0,
                        accuracy: Double(group.map(abs).max() ?? 0) / 127 * 0.51,
                        "engine \(engine), element \(c) of \(count)")
                }
            }
            XCTAssertEqual(Set(blocks).count, 1, "\(count) numbers")
        }
    }

    func testWhatIsNotFiniteShows() {
        let (bytes, _) = row(64) { _ in 1 }
        for engine in engines() where cbyte_use_engine(engine) == 0 {
            for wrong: Float in [.nan, .infinity, -.infinity] {
                for place in [0, 17, 40] {
                    var x = [Float](repeating: 1, count: 50), block = [UInt8](repeating: 0, count: 80)
                    x[place] = wrong
                    cnibble_round(x, 50, 64, &block)
                    XCTAssertFalse(cnibble_product(bytes, block, 64).isFinite, "engine \(engine), \(wrong) at \(place)")
                }
            }
        }
    }
}
