import CRowProducts
import Tensors

/// The same as `rowProduct`, with the vectors of AVX-512: tiles of 12 rows and two panels, which pass through the first
/// cache on their way to the epilogue, or go straight to their place. Bit for bit the same too, as the chains of each element are.
@inline(__always)
func wideRowProduct<E: RowEpilogue>(
    _ rows: Range<Int>, _ input: UnsafePointer<Float>, stride: Int, tapStride: Int,
    _ matrix: PackedMatrix, panels: Range<Int>, _ epilogue: E
) {
    guard !rows.isEmpty else { return }
    guard epilogue.plain == nil else {
        return wideRowProduct(
            rows, input, stride: stride, tapStride: tapStride, matrix, panels: panels, epilogue, by: nil)
    }
    withUnsafeTemporaryAllocation(byteCount: Int(CROW_ROWS * CROW_PANELS) * 64, alignment: 64) { tile in
        wideRowProduct(
            rows, input, stride: stride, tapStride: tapStride, matrix, panels: panels, epilogue,
            by: tile.baseAddress!.assumingMemoryBound(to: Float.self))
    }
}

/// - Parameter tile: where sums wait for the epilogue; nil for one that is plain. So much comes from the heap, which would
///   take a tenth of the time of small products.
@inline(__always)
private func wideRowProduct<E: RowEpilogue>(
    _ rows: Range<Int>, _ input: UnsafePointer<Float>, stride: Int, tapStride: Int,
    _ matrix: PackedMatrix, panels: Range<Int>, _ epilogue: E, by tile: UnsafeMutablePointer<Float>?
) {
    let tall = Int(CROW_ROWS), wide = Int(CROW_PANELS), tiles = (rows.count + tall - 1) / tall
    let steps = matrix.taps * matrix.depth, panelBytes = 64 * steps
    for panel in Swift.stride(from: panels.lowerBound, to: panels.upperBound, by: wide) {
        let width = min(wide, panels.upperBound - panel)
        var factors = crow_factors(
            input: input, stride: Int64(stride), taps: Int64(matrix.taps), depth: Int64(matrix.depth),
            tap_stride: Int64(tapStride), weights: UnsafePointer(OpaquePointer(matrix.panel(panel))),
            panel_stride: Int64(16 * steps), bias: matrix.biases(panel),
            row_stride: Int64(epilogue.plain?.stride ?? width * 16), sum_stride: 16, next: nil, next_step: 0)
        // The next panels come from a cache far away: each tile fetches its share of them.
        let left = min(wide, panels.upperBound - panel - width), share = panelBytes * left / tiles
        factors.next = UnsafeRawPointer(factors.weights!) + (left > 0 ? panelBytes * width : 0)
        factors.next_step = Int64(share / steps)
        for row in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: tall) {
            let height = min(tall, rows.upperBound - row)
            factors.input = input + row * stride
            if let (target, stride) = epilogue.plain {
                crow_products(&factors, Int32(height), Int32(width), target + row * stride + panel * 16)
            } else if let tile {
                crow_products(&factors, Int32(height), Int32(width), tile)
                for r in 0 ..< height {
                    epilogue.store(row: row + r, column: panel * 16, tile + r * width * 16, count: width * 16)
                }
            }
            factors.next += share
        }
    }
}
