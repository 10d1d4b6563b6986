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
                for engine in engines() where cbyte_use_engine(engine) == 0 {
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

    /// Of 32 rows side by side, and fewer; for all numbers of vectors; to the last bit.
    func testPanels() throws {
        try XCTSkipIf(cbyte_has_panels() == 0, "this processor has no AVX512-VNNI")
        let group = Int(CBYTE_GROUP)
        for (width, isExtreme) in [(32, false), (96, false), (group, true), (480, false), (Int(CBYTE_BLOCK), true)] {
            let groups = (width + group - 1) / group
            let weights = (0 ..< 32 * width).map { _ in isExtreme ? 127 : Int8.random(in: -127 ... 127, using: &random)
            }
            let vectors = (0 ..< 12 * width).map { i in
                isExtreme ? (i < width ? -127 : 127) : Int8.random(in: -127 ... 127, using: &random)
            }
            func columns(_ g: Int) -> Range<Int> { g * group ..< min((g + 1) * group, width) }
            let offsets = (0 ..< 12 * groups).map { i in
                Int32(-128 * columns(i % groups).reduce(0) { $0 + Int(vectors[i / groups * width + $1]) })
            }
            let units = (0 ..< 12 * groups).map { _ in Float.random(in: 0 ... 1, using: &random) }
            let scales = (0 ..< 32).map { _ in Float.random(in: 0 ... 1, using: &random) }
            for rows in [1, 4, 15, 16, 17, 32] {
                let panel = UnsafeMutableRawPointer.allocate(byteCount: 32 * width, alignment: 64)
                    .bindMemory(to: UInt8.self, capacity: 32 * width)
                defer { panel.deallocate() }
                cbyte_pack_panel(weights, Int64(width), Int32(rows), Int64(width), panel)
                for (count, isFirst) in (1 ... 12).flatMap({ [($0, true), ($0, false)] }) {
                    // Results stand 33 apart; what is beside them stays as it is.
                    var out = [Float](repeating: 0.5, count: 12 * 33), wanted = out
                    out.withUnsafeMutableBufferPointer { to in
                        var tile = cbyte_panel_tile(
                            rows: Int32(rows), count: Int32(count), columns: Int64(width), vectors: vectors,
                            vector_stride: Int64(width), units: units, offsets: offsets, group_stride: Int64(groups),
                            scales: isFirst ? nil : scales, is_first: isFirst ? 1 : 0, out: to.baseAddress!,
                            out_stride: 33)
                        cbyte_panel_products(&tile, panel)
                    }
                    for (v, row) in (0 ..< count).flatMap({ v in (0 ..< rows).map { (v, $0) } }) {
                        var total: Float = 0.5
                        for g in 0 ..< groups {
                            let sum = columns(g).reduce(0) {
                                $0 + Int(weights[row * width + $1]) * Int(vectors[v * width + $1])
                            }
                            let part = Float(sum) * units[v * groups + g]
                            total = isFirst && g == 0 ? part : total + part
                        }
                        wanted[v * 33 + row] = isFirst ? total : total * scales[row]
                    }
                    XCTAssertEqual(
                        out.map(\.bitPattern), wanted.map(\.bitPattern),
                        "\(width) columns, \(rows) rows, \(count) vectors")
                }
            }
        }
    }

    func testGroupsAreRounded() throws {
        try XCTSkipIf(cbyte_has_panels() == 0, "this processor has no AVX512-VNNI")
        let group = Int(CBYTE_GROUP)
        for count in [1, 7, 16, 33, 64, 100, 500] {
            let padded = (count + 31) / 32 * 32, groups = (padded + group - 1) / group
            for wrong: Float? in [nil, .nan, .infinity] {
                var x = (0 ..< count).map { _ in Float.random(in: -300 ... 300, using: &random) }
                if let wrong { x[count - 1] = wrong }
                var numbers = [Int8](repeating: 99, count: padded), units = [Float](repeating: 9, count: groups),
                    offsets = [Int32](repeating: 9, count: groups)
                cbyte_round_groups(x, Int64(count), Int64(padded), &numbers, &units, &offsets)
                for g in 0 ..< groups {
                    let inside = g * group ..< min((g + 1) * group, padded)
                    XCTAssertEqual(offsets[g], Int32(-128 * inside.reduce(0) { $0 + Int(numbers[$1]) }))
                    XCTAssertFalse(inside.contains { numbers[$0] == -128 })
                    let values = inside.filter { $0 < count }.map { x[$0] }
                    if !values.allSatisfy(\.isFinite) {
                        XCTAssertFalse(units[g].isFinite, "\(count), group \(g)")
                        continue
                    }
                    let largest = values.map(abs).max() ?? 0, inverse = largest > 0 ? 127 / largest : 0
                    XCTAssertEqual(units[g], largest / 127)
                    for c in inside {
                        let wanted = c < count ? (x[c] * inverse).rounded(.toNearestOrEven) : 0
                        XCTAssertEqual(numbers[c], Int8(wanted), "\(count), element \(c)")
                    }
                }
            }
        }
    }

    func testVectorsAreRounded() {
        for count in [1, 7, 16, 100, 500, 512] {
            let x = (0 ..< count).map { _ in Float.random(in: -1_000_000 ... 1_000_000, using: &random) / 3000 }
            let largest = x.map(abs).max()!, padded = (count + 31) / 32 * 32
            for engine in engines() where cbyte_use_engine(engine) == 0 {
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
        for engine in engines() where cbyte_use_engine(engine) == 0 {
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
