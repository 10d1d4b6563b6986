import CRowProducts
import Tensors

/// A weight matrix [taps * depth, columns] in the order in which the kernel reads it: panels of 16
/// columns, in each panel one row of 16 after the other.
final class PackedMatrix: @unchecked Sendable {
    let taps: Int, depth: Int, columns: Int
    let panelCount: Int
    private let values: UnsafeMutablePointer<SIMD8<Float>>
    private let bias: UnsafeMutablePointer<SIMD8<Float>>

    /// `weight(tap, input, column)` and `bias(column)` give the elements.
    init(taps: Int = 1, depth: Int, columns: Int, weight: (Int, Int, Int) -> Float, bias biasAt: (Int) -> Float) {
        (self.taps, self.depth, self.columns) = (taps, depth, columns)
        panelCount = (columns + 15) / 16
        let rows = taps * depth
        func allocate(_ count: Int) -> UnsafeMutablePointer<SIMD8<Float>> {
            let pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 32, alignment: 64)
                .bindMemory(to: SIMD8<Float>.self, capacity: max(count, 1))
            pointer.initialize(repeating: .zero, count: max(count, 1))
            return pointer
        }
        values = allocate(panelCount * rows * 2)
        bias = allocate(panelCount * 2)
        for column in 0 ..< columns {
            let panel = column / 16, half = column % 16 / 8, lane = column % 8
            bias[panel * 2 + half][lane] = biasAt(column)
            let target = UnsafeMutablePointer<Float>(OpaquePointer(values + (panel * rows * 2 + half))) + lane
            for tap in 0 ..< taps {
                for i in 0 ..< depth { target[(tap * depth + i) * 16] = weight(tap, i, column) }
            }
        }
    }

    deinit {
        UnsafeMutableRawPointer(values).deallocate()
        UnsafeMutableRawPointer(bias).deallocate()
    }

    @inline(__always)
    func panel(_ index: Int) -> UnsafePointer<SIMD8<Float>> { UnsafePointer(values + index * taps * depth * 2) }

    /// The biases of its 16 columns, and of the panels that follow.
    @inline(__always)
    func biases(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(OpaquePointer(bias + index * 2)) }

    @inline(__always)
    func bias(_ index: Int) -> (SIMD8<Float>, SIMD8<Float>) { (bias[index * 2], bias[index * 2 + 1]) }
}

/// What becomes of 16 columns of one row of a product while they are still in registers.
protocol RowEpilogue {
    func store(row: Int, column: Int, _ a: SIMD8<Float>, _ b: SIMD8<Float>)
    /// `count` columns from memory, a multiple of 16: asked for where there are the vectors of AVX-512.
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int)
    /// Where values are stored as they are, and how far it is from row to row; nil where anything else is done.
    var plain: (target: UnsafeMutablePointer<Float>, stride: Int)? { get }
}

extension RowEpilogue {
    @inline(__always)
    func store(row: Int, column: Int, _ values: UnsafePointer<Float>, count: Int) {
        for c in Swift.stride(from: 0, to: count, by: 16) {
            store(row: row, column: column + c, load(values + c), load(values + c + 8))
        }
    }

    @inline(__always)
    var plain: (target: UnsafeMutablePointer<Float>, stride: Int)? { nil }
}

/// out[row, :] = bias + sum over taps of input[row * stride + tap * tapStride ...] * matrix, for some
/// rows and some panels of 16 columns.
///
/// Each element is one chain of multiply-and-adds in the order tap, depth, wherever it lies: results
/// do not depend on how the rows were divided into stretches, tasks or tiles.
@inline(__always)
func rowProduct<E: RowEpilogue>(
    _ rows: Range<Int>, _ input: UnsafePointer<Float>, stride: Int, tapStride: Int,
    _ matrix: PackedMatrix, panels: Range<Int>, _ epilogue: E
) {
    if crow_is_used() != 0 {
        return wideRowProduct(rows, input, stride: stride, tapStride: tapStride, matrix, panels: panels, epilogue)
    }
    let taps = matrix.taps, depth = matrix.depth
    for panel in panels {
        let weights = matrix.panel(panel), (bias0, bias1) = matrix.bias(panel), column = panel * 16
        var row = rows.lowerBound
        while row < rows.upperBound {
            // Rows beyond the end repeat the last one, and are not stored.
            let last = min(rows.upperBound - row, 6) - 1
            let a0 = input + row * stride
            let a1 = a0 + min(1, last) * stride, a2 = a0 + min(2, last) * stride
            let a3 = a0 + min(3, last) * stride, a4 = a0 + min(4, last) * stride, a5 = a0 + last * stride
            var c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1, c20 = bias0, c21 = bias1
            var c30 = bias0, c31 = bias1, c40 = bias0, c41 = bias1, c50 = bias0, c51 = bias1
            var w = weights
            for tap in 0 ..< taps {
                let offset = tap * tapStride
                for i in offset ..< (offset + depth) {
                    let w0 = w[0], w1 = w[1]
                    w += 2
                    let x0 = SIMD8<Float>(repeating: a0[i])
                    c00.addProduct(x0, w0); c01.addProduct(x0, w1)
                    let x1 = SIMD8<Float>(repeating: a1[i])
                    c10.addProduct(x1, w0); c11.addProduct(x1, w1)
                    let x2 = SIMD8<Float>(repeating: a2[i])
                    c20.addProduct(x2, w0); c21.addProduct(x2, w1)
                    let x3 = SIMD8<Float>(repeating: a3[i])
                    c30.addProduct(x3, w0); c31.addProduct(x3, w1)
                    let x4 = SIMD8<Float>(repeating: a4[i])
                    c40.addProduct(x4, w0); c41.addProduct(x4, w1)
                    let x5 = SIMD8<Float>(repeating: a5[i])
                    c50.addProduct(x5, w0); c51.addProduct(x5, w1)
                }
            }
            epilogue.store(row: row, column: column, c00, c01)
            if last >= 1 { epilogue.store(row: row + 1, column: column, c10, c11) }
            if last >= 2 { epilogue.store(row: row + 2, column: column, c20, c21) }
            if last >= 3 { epilogue.store(row: row + 3, column: column, c30, c31) }
            if last >= 4 { epilogue.store(row: row + 4, column: column, c40, c41) }
            if last >= 5 { epilogue.store(row: row + 5, column: column, c50, c51) }
            row += 6
        }
    }
}

/// Divides a product over the threads: by rows, and by panels too when there are few rows.
@inline(__always)
func parallelRowProduct<E: RowEpilogue>(
    _ rows: Range<Int>, _ input: UnsafePointer<Float>, stride: Int, tapStride: Int,
    _ matrix: PackedMatrix, _ epilogue: E
) {
    guard !rows.isEmpty else { return }
    let blocks = RowBlocks(rows.count, longest: 96)
    let wanted = Parallel.threadCount == 1 ? 1 : Parallel.threadCount * 4
    let parts = blocks.count >= wanted ? 1 : min(matrix.panelCount, (wanted + blocks.count - 1) / max(blocks.count, 1))
    Parallel.forEach(blocks.count * parts) { task in
        let part = task % parts, block = blocks[task / parts]
        rowProduct(
            rows.lowerBound + block.lowerBound ..< rows.lowerBound + block.upperBound, input, stride: stride,
            tapStride: tapStride, matrix,
            panels: matrix.panelCount * part / parts ..< matrix.panelCount * (part + 1) / parts, epilogue)
    }
}

/// 0..<rows in equal blocks of whole tiles, of which the thread with most rows has as few as possible.
struct RowBlocks {
    let rows: Int, length: Int, count: Int

    init(_ rows: Int, longest: Int) {
        self.rows = rows
        let threads = Parallel.threadCount, tile = crow_is_used() != 0 ? Int(CROW_ROWS) : 6
        func count(_ length: Int) -> Int { (rows + length - 1) / length }
        func most(_ length: Int) -> Int { (count(length) + threads - 1) / threads * length }
        var best = tile
        for length in stride(from: tile, through: max(longest, tile), by: tile) where most(length) <= most(best) {
            best = length
        }
        (length, self.count) = (best, count(best))
    }

    subscript(i: Int) -> Range<Int> { i * length ..< min((i + 1) * length, rows) }
}
