import CRowProducts
import Support

/// Float32 products of rows with a stored matrix, by kernels of our own in the vectors of AVX-512.
///
/// OpenBLAS packs both factors into the order in which its kernel reads them, and a half-stored matrix has to be
/// expanded to float32 for it first. Here a panel of 32 columns is expanded and packed in one step, into the second
/// cache, where all rows are multiplied with it. Each element is a sum of chains of `chain` fused multiply-and-adds,
/// whatever the number of rows, columns or threads: results do not depend on these.
package enum PackedProduct {
    /// Whether this processor has the kernels, they are used (`crow_use`), and packing a matrix costs little beside
    /// multiplying so many rows with it.
    package static func isWorthwhile(rows: Int, columns: Int, depth: Int) -> Bool {
        crow_is_used() != 0 && rows >= 48 && columns >= wide && depth >= 16
    }

    /// A panel of this depth has 128 KiB.
    private static let depthStep = 1024
    /// Longer chains round more.
    private static let chain = 512
    private static let tall = Int(CROW_ROWS), wide = 32
    /// Panels that a thread packs at a time: rows that lie far off are fetched once for all of them.
    private static let panelsAtATime = 2

    /// A matrix as it is stored.
    package struct Matrix {
        fileprivate let start: UnsafeRawPointer, isHalf: Bool, stride: Int, isTransposed: Bool

        /// - Parameters:
        ///   - start: of float32 elements, or when it `isHalf`, of the bits of bfloat16 ones.
        ///   - stride: elements from one of its rows to the next.
        ///   - isTransposed: its rows are the columns of the product, as those of a weight [out, in] in y = x W^T.
        package init(_ start: UnsafeRawPointer, isHalf: Bool, stride: Int, isTransposed: Bool) {
            (self.start, self.isHalf, self.stride, self.isTransposed) = (start, isHalf, stride, isTransposed)
        }

        /// Where the element at a depth and column of the product lies.
        fileprivate func place(_ depth: Int, _ column: Int) -> UnsafeRawPointer {
            let index = isTransposed ? column * stride + depth : depth * stride + column
            return start + index * (isHalf ? 2 : 4)
        }
    }

    /// y[n, columns] = x[n, depth] W, or that added to y.
    /// - Throws: kind `memory` when there is none for the packed factors: 8 MiB for the rows, a quarter of one for a thread.
    package static func product(
        _ n: Int, _ columns: Int, _ depth: Int, _ x: UnsafePointer<Float>, stride: Int, _ matrix: Matrix,
        adds: Bool = false, to y: UnsafeMutablePointer<Float>, stride yStride: Int
    ) throws {
        // As many rows at a time as are packed into 8 MiB.
        let step = min(depth, depthStep), most = max(1, (1 << 21) / (step * tall)) * tall
        let packed = try Storage(byteCount: min(most, n + tall - 1) * step * 4)
        let panels = try Storage(byteCount: Parallel.threadCount * panelsAtATime * wide * step * 4)
        let rows = packed.pointer.assumingMemoryBound(to: Float.self)
        for first in Swift.stride(from: 0, to: n, by: most) {
            let part = Part(
                rows: min(most, n - first), columns: columns, depth: depth, x: x + first * stride, stride: stride,
                matrix: matrix, adds: adds, y: y + first * yStride, yStride: yStride)
            Parallel.team { member in
                let size = panelsAtATime * wide * step
                part.multiply(
                    member, packed: rows,
                    panels: panels.pointer.assumingMemoryBound(to: Float.self) + member.index * size)
            }
        }
    }

    /// Rows that are packed together.
    private struct Part {
        let rows: Int, columns: Int, depth: Int
        let x: UnsafePointer<Float>, stride: Int
        let matrix: Matrix, adds: Bool
        let y: UnsafeMutablePointer<Float>, yStride: Int

        /// - Parameters:
        ///   - packed: [groups of `tall` rows][depthStep][tall], of all members.
        ///   - panels: [panelsAtATime][depthStep][wide], of this one.
        func multiply(_ member: TeamMember, packed: UnsafeMutablePointer<Float>, panels: UnsafeMutablePointer<Float>) {
            let groups = (rows + tall - 1) / tall, width = wide * panelsAtATime
            for start in Swift.stride(from: 0, to: depth, by: depthStep) {
                let count = min(depthStep, depth - start)
                member.share(groups, grain: 1) { range in
                    for group in range {
                        crow_pack_rows(
                            x + group * tall * stride + start, Int64(stride), Int32(min(tall, rows - group * tall)),
                            Int64(count), packed + group * tall * count)
                    }
                }
                member.wait()
                member.share((columns + width - 1) / width, grain: 1) { range in
                    for block in range {
                        multiply(block * width, start: start, count: count, groups: groups, packed, panels)
                    }
                }
                member.wait()
            }
        }

        /// All rows with the panels from a column on, between two depths.
        private func multiply(
            _ column: Int, start: Int, count: Int, groups: Int, _ packed: UnsafePointer<Float>,
            _ panels: UnsafeMutablePointer<Float>
        ) {
            let last = min(column + wide * panelsAtATime, columns)
            for first in Swift.stride(from: column, to: last, by: wide) {
                crow_pack_panel(
                    matrix.place(start, first), matrix.isHalf ? 1 : 0, matrix.isTransposed ? 1 : 0,
                    Int64(matrix.stride), Int32(min(wide, last - first)), Int64(count),
                    panels + (first - column) * count)
            }
            for group in 0 ..< groups {
                let own = packed + group * tall * count
                for first in Swift.stride(from: column, to: last, by: wide) {
                    // Behind the last panel, the next group of rows.
                    let ahead = first + wide < last ? 0 : tall * count
                    for from in Swift.stride(from: 0, to: count, by: chain) {
                        let rows = own + tall * from
                        crow_packed_product(
                            rows, Int32(min(tall, self.rows - group * tall)),
                            panels + (first - column) * count + wide * from, Int32(min(wide, last - first)),
                            Int64(min(chain, count - from)), adds || start + from > 0 ? 1 : 0,
                            y + group * tall * yStride + first, Int64(yStride), rows + ahead)
                    }
                }
            }
        }
    }
}
