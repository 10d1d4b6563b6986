import CRowProducts
import Tensors

/// A dilated causal convolution of 3 to 12 taps by minimal filtering in two levels, with 0.3 to 0.6 of
/// the products of the sums written out.
///
/// First level: taps in groups of four, outputs in tiles of four, seven products each (`SevenPoints`).
/// Tiles and groups are a filter of one to three taps again, one step being a tile: second level, two
/// tiles from three products instead of four (points 0, 1, infinity) or four instead of six (0, 1, -1,
/// infinity). With dilation d, every d-th row makes a sequence of its own.
///
/// A block of `blockRows` rows has one unit per sequence. All products of a block with one point's
/// matrix are one matrix product over the units.
final class FastConvolution: @unchecked Sendable {
    /// Rows per block: tiles of four rows, one or two of them, per sequence.
    let blockRows: Int
    /// Rows of the past that it reads.
    let lead: Int
    /// Rows that a unit becomes: one tile, or two.
    private let tileRows: Int
    private let channels: Int, dilation: Int, groups: Int
    /// One [in, out] matrix per point, second level outermost.
    private let matrices: [PackedMatrix]
    private let bias: Rows

    static func suits(channels: Int, kernel: Int) -> Bool { channels >= 32 && (3 ... 12).contains(kernel) }

    /// `filters` [channels, channels, kernel].
    init(_ filters: [Float], bias biasValues: [Float], channels: Int, kernel: Int, dilation: Int) {
        (self.channels, self.dilation) = (channels, dilation)
        let groups = (kernel + 3) / 4, missing = groups * 4 - kernel
        self.groups = groups
        tileRows = groups == 1 ? 4 : 8
        blockRows = tileRows * dilation
        lead = (groups * 4 - 1) * dilation
        bias = Rows(channels: channels, capacity: 1)
        for c in 0 ..< channels { bias.row(0)[c] = biasValues[c] }

        // All points' values of one pair of channels after the other: [in, out, point].
        let points = Self.points(groups)
        var values = [Float](repeating: 0, count: channels * channels * points)
        values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values
            filters.withUnsafeBufferPointer { filters in
                nonisolated(unsafe) let filters = filters
                Parallel.forRange(channels) { range in
                    for o in range {
                        for i in 0 ..< channels {
                            let taps = (0 ..< groups * 4).map { k in
                                k < missing ? 0 : Double(filters[(o * channels + i) * kernel + k - missing])
                            }
                            let all = Self.secondLevel(
                                (0 ..< groups).map { g in
                                    SevenPoints.factors(
                                        (taps[4 * g], taps[4 * g + 1], taps[4 * g + 2], taps[4 * g + 3]))
                                })
                            for p in 0 ..< points { values[(i * channels + o) * points + p] = Float(all[p]) }
                        }
                    }
                }
            }
        }
        matrices = (0 ..< points).map { p in
            PackedMatrix(depth: channels, columns: channels) { _, i, o in
                values[(i * channels + o) * points + p]
            } bias: { _ in
                0
            }
        }
    }

    private static func points(_ groups: Int) -> Int { SevenPoints.count * [1, 3, 4][groups - 1] }

    /// The groups' factors, evaluated along the groups.
    private static func secondLevel(_ g: [[Double]]) -> [Double] {
        switch g.count {
        case 1: g[0]
        case 2: g[0] + zip(g[0], g[1]).map { $0 + $1 } + g[1]
        default:
            g[0] + zip(g[0], zip(g[1], g[2])).map { ($0 + $1.0 + $1.1) / 2 }
                + zip(g[0], zip(g[1], g[2])).map { ($0 - $1.0 + $1.1) / 2 } + g[2]
        }
    }

    /// The first `blocks` blocks of the input, whose past is in place.
    @inline(__always)
    func callAsFunction<E: RowEpilogue>(_ input: Rows, from start: Int, blocks: Int, _ epilogue: E) {
        // 240 rows make 30 or 60 units: whole tiles of six for the kernel, and all points fit a second-level cache.
        let perTask = max(240 / blockRows, 1), tasks = (blocks + perTask - 1) / perTask
        let width = input.width, points = matrices.count
        Parallel.forEach(tasks) { task in
            let first = task * perTask, count = min(perTask, blocks - first), units = count * dilation,
                plane = units * width
            Scratch.with((points + 1) * plane + tileRows * width) { products in
                // A point's products take the place of the factors before them: one plane more than there are points.
                let factors = products + plane, tile = factors + points * plane
                for unit in 0 ..< units {
                    let row = (first + unit / dilation) * blockRows + unit % dilation
                    evaluate(input.row(start + row - lead), factors + unit * width, plane: plane, width: width)
                }
                for p in 0 ..< points {
                    rowProduct(
                        0 ..< units, factors + p * plane, stride: width, tapStride: 0, matrices[p],
                        panels: 0 ..< matrices[p].panelCount, StoreEpilogue(products + p * plane, stride: width))
                }
                for unit in 0 ..< units {
                    let row = (first + unit / dilation) * blockRows + unit % dilation
                    interpolate(products + unit * width, plane: plane, width: width, row: row, epilogue, by: tile)
                }
            }
        }
    }

    /// One unit: from input rows `dilation` apart to one row in every plane.
    @inline(__always)
    private func evaluate(_ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, plane: Int, width: Int) {
        let step = dilation * width, tile = 4 * step, seven = SevenPoints.count * plane
        if crow_is_used() != 0 {
            crow_evaluate(x, Int64(step), Int32(groups), Int64(width), out, Int64(plane))
            return
        }
        for c in stride(from: 0, to: width, by: 8) {
            let x = x + c, out = out + c
            let a = SevenPoints(evaluating: x, stride: step)
            if groups == 1 {
                a.store(out, stride: plane)
                continue
            }
            let b = SevenPoints(evaluating: x + tile, stride: step),
                c = SevenPoints(evaluating: x + 2 * tile, stride: step)
            if groups == 2 {
                (a - b).store(out, stride: plane)
                b.store(out + seven, stride: plane)
                (c - b).store(out + 2 * seven, stride: plane)
            } else {
                (a - c).store(out, stride: plane)
                (b + c).store(out + seven, stride: plane)
                (c - b).store(out + 2 * seven, stride: plane)
                (SevenPoints(evaluating: x + 3 * tile, stride: step) - b).store(out + 3 * seven, stride: plane)
            }
        }
    }

    /// One unit: from one row in every plane to output rows `dilation` apart; with the vectors of AVX-512 by way of
    /// `tile` [tileRows, width] in the first cache.
    @inline(__always)
    private func interpolate<E: RowEpilogue>(
        _ products: UnsafePointer<Float>, plane: Int, width: Int, row: Int, _ epilogue: E,
        by tile: UnsafeMutablePointer<Float>
    ) {
        if crow_is_used() != 0 {
            crow_interpolate(products, Int64(plane), Int32(groups), Int64(width), bias.first, tile)
            for r in 0 ..< tileRows {
                epilogue.store(row: row + r * dilation, column: 0, tile + r * width, count: width)
            }
            return
        }
        for c in stride(from: 0, to: width, by: 16) {
            let (low, lowNext) = tiles(products + c, plane: plane),
                (high, highNext) = tiles(products + c + 8, plane: plane)
            let bias = (load(self.bias.first + c), load(self.bias.first + c + 8))
            epilogue.store(tile: low.interpolated, high.interpolated, bias: bias, row: row, step: dilation, column: c)
            if groups > 1 {
                epilogue.store(
                    tile: lowNext.interpolated, highNext.interpolated, bias: bias, row: row + 4 * dilation,
                    step: dilation, column: c)
            }
        }
    }

    /// The second level undone: the points of one tile, or of two.
    @inline(__always)
    private func tiles(_ p: UnsafePointer<Float>, plane: Int) -> (SevenPoints, SevenPoints) {
        let seven = SevenPoints.count * plane
        let a = SevenPoints(p, stride: plane)
        if groups == 1 { return (a, a) }
        let b = SevenPoints(p + seven, stride: plane), c = SevenPoints(p + 2 * seven, stride: plane)
        if groups == 2 { return (a + b, b + c) }
        return (a + b + c, b - c + SevenPoints(p + 3 * seven, stride: plane))
    }
}

extension RowEpilogue {
    typealias FourRows = (SIMD8<Float>, SIMD8<Float>, SIMD8<Float>, SIMD8<Float>)

    /// 16 columns of four rows, `step` rows apart.
    @inline(__always)
    fileprivate func store(
        tile a: FourRows, _ b: FourRows, bias: (SIMD8<Float>, SIMD8<Float>), row: Int, step: Int, column: Int
    ) {
        store(row: row, column: column, a.0 + bias.0, b.0 + bias.1)
        store(row: row + step, column: column, a.1 + bias.0, b.1 + bias.1)
        store(row: row + 2 * step, column: column, a.2 + bias.0, b.2 + bias.1)
        store(row: row + 3 * step, column: column, a.3 + bias.0, b.3 + bias.1)
    }
}
