import CByteProducts
import TestSupport
import XCTest

/// The C kernels of 8-bit weights: every engine that this processor has, against sums of whole numbers.
final class ByteProductsTests: XCTestCase {
    private var random = SeededRandom(7)

    override func tearDown() {
        for engine: Int32 in [2, 1, 0] where cbyte_use_engine(engine) == 0 { return }
    }

    private func engines() -> [Int32] { [Int32(0), 1, 2].filter { cbyte_use_engine($0) == 0 } }

    func testTheBestEngineIsUsed() {
        let used = cbyte_engine()
        XCTAssertEqual(used, engines().last)
        XCTAssertEqual(cbyte_use_engine(3), -1)
        XCTAssertEqual(cbyte_use_engine(-1), -1)
    }

    func testProductsAreExact() {
        // Rows of extremes: the largest sums that there can be.
        for width in [32, 64, 96, 480, Int(CBYTE_BLOCK)] {
            for extreme in [false, true] {
                let weights = (0 ..< 4 * width).map { _ in
                    extreme ? Int8(127) : Int8.random(in: -127 ... 127, using: &random)
                }
                let vectors = (0 ..< 4 * width).map { _ in
                    extreme ? Int16(-32767) : Int16.random(in: -32767 ... 32767, using: &random)
                }
                let expected = (0 ..< 4).map { v in
                    (0 ..< 4).map { r in
                        (0 ..< width).reduce(0) { $0 + Int(weights[r * width + $1]) * Int(vectors[v * width + $1]) }
                    }
                }
                for engine in engines() {
                    for rows in 1 ... 4 {
                        for count in 1 ... Int(cbyte_vectors()) {
                            // Results stand six apart; those beside them stay as they are.
                            for isFirst in [true, false] {
                                var out = [Float](repeating: 0.5, count: 24)
                                let units: [Float] = [1, 9, 0.25, 9, 2, 9, 4], scales: [Float] = [3, 0.5, 1, 2]
                                out.withUnsafeMutableBufferPointer { to in
                                    var tile = cbyte_tile(
                                        weights: weights, row_bytes: Int64(width), rows: Int32(rows), vectors: vectors,
                                        vector_stride: Int64(width),
                                        count: Int32(count), columns: Int64(width), units: units, unit_stride: 2,
                                        scales: isFirst ? nil : scales, is_first: isFirst ? 1 : 0,
                                        out: to.baseAddress! + 1, out_stride: 6)
                                    cbyte_products(&tile)
                                }
                                var wanted = [Float](repeating: 0.5, count: 24)
                                for v in 0 ..< count {
                                    for r in 0 ..< rows {
                                        let part = Float(expected[v][r]) * units[2 * v]
                                        wanted[1 + 6 * v + r] = isFirst ? part : (0.5 + part) * scales[r]
                                    }
                                }
                                XCTAssertEqual(
                                    out, wanted, "engine \(engine), \(width) columns, \(rows) rows, \(count) vectors")
                            }
                        }
                    }
                    XCTAssertEqual(
                        Int(cbyte_product(weights, vectors, Int64(width))), expected[0][0],
                        "engine \(engine), \(width) columns")
                }
            }
        }
    }

    /// Of 32 rows side by side, and fewer; for all numbers of vectors; not a bit differs.
    func testPanelsGiveWhatTilesGive() throws {
        try XCTSkipIf(cbyte_has_panels() == 0, "this processor has no AVX512-VNNI")
        for width in [32, 96, Int(CBYTE_BLOCK)] {
            let weights = (0 ..< 32 * width).map { _ in Int8.random(in: -127 ... 127, using: &random) }
            let vectors = (0 ..< 12 * width).map { _ in Int16.random(in: -32767 ... 32767, using: &random) }
            let units = (0 ..< 12).map { _ in Float.random(in: 0 ... 1, using: &random) }
            let scales = (0 ..< 32).map { _ in Float.random(in: 0 ... 1, using: &random) }
            for rows in [1, 4, 15, 16, 17, 32] {
                let panel = UnsafeMutableRawPointer.allocate(byteCount: 64 * width, alignment: 64)
                    .bindMemory(to: Int16.self, capacity: 32 * width)
                defer { panel.deallocate() }
                cbyte_pack_panel(weights, Int64(width), Int32(rows), Int64(width), panel)
                for count in 1 ... 12 {
                    for isFirst in [true, false] {
                        // Results stand 33 apart; what is beside them stays as it is.
                        var out = [Float](repeating: 0.5, count: 12 * 33), wanted = out
                        func tile(
                            _ row: Int, _ rows: Int, _ vector: Int, _ count: Int,
                            _ body: (inout cbyte_tile) -> Void,
                            _ to: inout [Float]
                        ) {
                            weights.withUnsafeBufferPointer { w in
                                vectors.withUnsafeBufferPointer { x in
                                    scales.withUnsafeBufferPointer { s in
                                        units.withUnsafeBufferPointer { u in
                                            to.withUnsafeMutableBufferPointer { to in
                                                let place = to.baseAddress! + vector * 33 + row
                                                var tile = cbyte_tile(
                                                    weights: w.baseAddress! + row * width, row_bytes: Int64(width),
                                                    rows: Int32(rows), vectors: x.baseAddress! + vector * width,
                                                    vector_stride: Int64(width), count: Int32(count),
                                                    columns: Int64(width), units: u.baseAddress! + vector,
                                                    unit_stride: 1, scales: isFirst ? nil : s.baseAddress! + row,
                                                    is_first: isFirst ? 1 : 0, out: place, out_stride: 33)
                                                body(&tile)
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        tile(0, rows, 0, count, { tile in cbyte_panel_products(&tile, panel) }, &out)
                        for v in 0 ..< count {
                            for row in stride(from: 0, to: rows, by: 4) {
                                tile(row, min(4, rows - row), v, 1, { tile in cbyte_products(&tile) }, &wanted)
                            }
                        }
                        XCTAssertEqual(
                            out.map(\.bitPattern), wanted.map(\.bitPattern),
                            "\(width) columns, \(rows) rows, \(count) vectors")
                    }
                }
            }
        }
    }

    func testVectorsAreRounded() {
        for count in [1, 7, 16, 100, 500, 512] {
            let x = (0 ..< count).map { _ in Float.random(in: -1_000_000 ... 1_000_000, using: &random) / 3000 }
            let largest = x.map(abs).max()!, padded = (count + 31) / 32 * 32
            for engine in engines() {
                var out = [Int16](repeating: 99, count: padded)
                let unit = cbyte_round(x, Int64(count), Int64(padded), &out)
                XCTAssertEqual(unit, largest / 32767, "engine \(engine)")
                for i in 0 ..< count {
                    XCTAssertEqual(
                        Float(out[i]) * unit, x[i], accuracy: unit * 0.51, "engine \(engine), element \(i) of \(count)")
                }
                XCTAssertEqual(out[count...].map(Int.init), [Int](repeating: 0, count: padded - count))
            }
        }
    }

    func testWhatIsNotFiniteShows() {
        for engine in engines() {
            var out = [Int16](repeating: 1, count: 64)
            XCTAssertEqual(cbyte_round([Float](repeating: 0, count: 50), 50, 64, &out), 0, "engine \(engine)")
            XCTAssertEqual(out, [Int16](repeating: 0, count: 64))
            for place in [0, 17, 49] {
                var x = [Float](repeating: 1, count: 50)
                x[place] = .infinity
                XCTAssertEqual(cbyte_round(x, 50, 64, &out), .infinity, "engine \(engine), place \(place)")
                x[place] = .nan
                XCTAssertTrue(cbyte_round(x, 50, 64, &out).isNaN, "engine \(engine), place \(place)")
            }
        }
    }
}
