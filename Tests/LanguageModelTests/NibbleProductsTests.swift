import CByteProducts
import XCTest

/// The C kernels of 4-bit weights: every engine that this processor has gives the same bits, near the same sum in
/// float64.
final class NibbleProductsTests: XCTestCase {
    private var random = FixedRandom(state: 11)

    override func tearDown() {
        for engine: Int32 in [2, 1, 0] where cbyte_use_engine(engine) == 0 { return }
    }

    private func engines() -> [Int32] { [Int32(0), 1, 2].filter { cbyte_use_engine($0) == 0 } }

    /// A row's block of random numbers, and its weights.
    private func row(_ width: Int, _ scale: (Int) -> Float16) -> (bytes: [UInt8], weights: [Double]) {
        let groups = width / 32
        var bytes = (0 ..< groups).flatMap { g in
            withUnsafeBytes(of: scale(g).bitPattern.littleEndian) { [UInt8]($0) }
        }
        bytes += (0 ..< width / 2).map { _ in UInt8(random.next(in: 0 ... 255)) }
        let weights = (0 ..< width).map { c in
            let pair = bytes[2 * groups + c / 64 * 32 + c % 32]
            return Double(scale(c / 32)) * Double(cnibble_level(Int32(c % 64 < 32 ? pair & 15 : pair >> 4)))
        }
        return (bytes, weights)
    }

    /// What a rounded vector's block stands for.
    private func values(_ block: [UInt8], _ width: Int) -> [Double] {
        (0 ..< width).map { c in
            let unit = block.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: width + c / 32 * 4, as: Float.self) }
            return Double(Int8(bitPattern: block[c])) * Double(unit)
        }
    }

    func testLevels() {
        let levels = (0 ..< 16).map { cnibble_level($0) }
        XCTAssertEqual(levels, levels.sorted())
        XCTAssertEqual([levels.first, levels[7], levels.last], [-63, 0, 63])
    }

    func testEveryEngineGivesTheSameBits() {
        for width in [64, 128, 192, 320, 448, Int(CNIBBLE_BLOCK)] {
            // Scales down to the smallest halves, and none.
            let scales: [Float16] = [1, 0.37, 0, 6e-8, 3e-5, 0.99]
            let rows = (0 ..< 3).map { r in row(width) { scales[($0 + r) % scales.count] } }
            let vectors = (0 ..< 3).map { v in
                var block = [UInt8](repeating: 0, count: width / 32 * 40)
                let x = (0 ..< width - 3).map { _ in
                    Float(random.next(in: -10_000 ... 10_000)) * (random.next(in: 0 ... 30) == 0 ? 1 : 0.01)
                }
                cnibble_round(x, Int64(width - 3), Int64(width), &block)
                return block
            }
            let weights = rows.flatMap(\.bytes), together = vectors.flatMap { $0 }, factors: [Float] = [2, 0.5, 3]
            var first: [Float]?
            for engine in engines() {
                for count in 1 ... 3 {
                    for isWhole in [true, false] {
                        var out = [Float](repeating: 0.25, count: 12)
                        out.withUnsafeMutableBufferPointer { to in
                            var tile = cnibble_tile(
                                weights: weights, row_bytes: Int64(rows[0].bytes.count), rows: 3, vectors: together,
                                vector_bytes: Int64(vectors[0].count), count: Int32(count), columns: Int64(width),
                                scales: isWhole ? factors : nil, is_first: isWhole ? 1 : 0, out: to.baseAddress!,
                                out_stride: 4)
                            cnibble_products(&tile)
                        }
                        for v in 0 ..< 3 {
                            for r in 0 ..< 3 {
                                let found = out[4 * v + r]
                                guard v < count else { XCTAssertEqual(found, 0.25); continue }
                                let x = values(vectors[v], width), terms = zip(rows[r].weights, x).map { $0 * $1 }
                                let size = terms.reduce(0) { $0 + abs($1) }
                                // A correction may be as large as all its group.
                                let wanted = terms.reduce(0, +), slack = 2e-5 * size + 1e-9
                                XCTAssertEqual(
                                    Double(found), isWhole ? wanted * Double(factors[r]) : 0.25 + wanted,
                                    accuracy: slack * 3 + (isWhole ? 0 : 1e-7 * abs(wanted)),
                                    "engine \(engine), \(width) columns, row \(r), vector \(v) of \(count)")
                            }
                            XCTAssertEqual(out[4 * v + 3], 0.25, "beyond the rows")
                        }
                        guard isWhole, count == 3 else { continue }
                        first = first ?? out
                        XCTAssertEqual(
                            out.map(\.bitPattern), first!.map(\.bitPattern), "engine \(engine), \(width) columns")
                    }
                    if count == 1 {
                        for r in 0 ..< 3 {
                            let single = cnibble_product(rows[r].bytes, vectors[0], Int64(width))
                            var out: Float = 0
                            var tile = cnibble_tile(
                                weights: rows[r].bytes, row_bytes: 0, rows: 1, vectors: vectors[0], vector_bytes: 0,
                                count: 1, columns: Int64(width), scales: nil, is_first: 1, out: &out, out_stride: 0)
                            cnibble_products(&tile)
                            XCTAssertEqual(single.bitPattern, out.bitPattern, "engine \(engine), row \(r) alone")
                        }
                    }
                }
            }
        }
    }

    func testVectorsAreRounded() {
        for count in [1, 31, 32, 50, 64, 200] {
            let x = (0 ..< count).map { _ in Float(random.next(in: -1_000_000 ... 1_000_000)) / 3000 }
            let padded = (count + 63) / 64 * 64
            var blocks: [[UInt8]] = []
            for engine in engines() {
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
        for engine in engines() {
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
