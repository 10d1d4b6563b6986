import CByteProducts
import Tensors

/// Products of many vectors with weights of eight bits, as prompts have them, in panels of 32 rows.
///
/// A panel's block of columns is unpacked to 16 bits once and meets all vectors, twelve at a time; a few panels take turns
/// while these twelve are in the first cache. Each sum is whole before it is rounded, so results are those of
/// `products`, bit for bit (docs/notes/byte-products.md).
extension ByteRows {
    /// From so many vectors on unpacking takes little beside the products.
    static let fewestForPanels = 24

    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        withRounded(x, count: n) { rounded in
            if n >= Self.fewestForPanels, cbyte_has_panels() != 0 {
                multiplyInPanels(rounded, count: n, into: y)
            } else {
                multiplyInTiles(rounded, count: n, into: y)
            }
        }
    }

    private func multiplyInPanels(_ rounded: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        let tall = Int(CBYTE_PANEL_ROWS), wide = Int(CBYTE_PANEL_VECTORS), panelBytes = tall * Int(CBYTE_BLOCK) * 2
        let panels = (rows + tall - 1) / tall, group = max(1, min(4, panels / (2 * Parallel.threadCount)))
        nonisolated(unsafe) let x = rounded, y = y
        Parallel.forRange((panels + group - 1) / group, grain: 1) { groups in
            withUnsafeTemporaryAllocation(byteCount: group * panelBytes, alignment: 64) { buffer in
                for g in groups {
                    let mine = g * group ..< min((g + 1) * group, panels)
                    func rowsOf(_ panel: Int) -> Range<Int> { panel * tall ..< min((panel + 1) * tall, rows) }
                    func unpacked(_ panel: Int) -> UnsafeMutablePointer<Int16> {
                        (buffer.baseAddress! + (panel - mine.lowerBound) * panelBytes).assumingMemoryBound(
                            to: Int16.self)
                    }
                    for b in 0 ..< blocks {
                        for panel in mine {
                            let from = factors(rowsOf(panel), b, x, 1, into: y, rows)
                            cbyte_pack_panel(from.weights, from.row_bytes, from.rows, from.columns, unpacked(panel))
                        }
                        for first in stride(from: 0, to: n, by: wide) {
                            for panel in mine {
                                var tile = factors(
                                    rowsOf(panel), b, x + first * vectorWidth, min(wide, n - first),
                                    into: y + first * rows, rows)
                                cbyte_panel_products(&tile, unpacked(panel))
                            }
                        }
                    }
                }
            }
        }
    }
}
