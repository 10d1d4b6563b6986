import CByteProducts
import Tensors

/// Products of many vectors with weights of eight bits, as prompts have them: where the processor has instructions for
/// products of bytes, vectors are rounded to 8 bits too, in units of their own for each 64 columns, and meet the weights in
/// panels of 32 rows.
///
/// A panel's block of columns is laid out once and meets all vectors, twelve at a time; a few panels take turns
/// while these twelve are in the first cache. What becomes of a vector does not depend on the others
/// (docs/notes/byte-products.md).
extension ByteRows {
    func multiply(_ x: UnsafePointer<Float>, count n: Int, into y: UnsafeMutablePointer<Float>) {
        guard cbyte_has_panels() != 0 else {
            return withRounded(x, count: n) { multiplyInTiles($0, count: n, into: y) }
        }
        let vectorBytes = vectorBytes
        withUnsafeTemporaryAllocation(byteCount: n * vectorBytes, alignment: 64) { buffer in
            nonisolated(unsafe) let rounded = buffer.baseAddress!, x = x
            Parallel.forRange(n, grain: 8) { range in
                for i in range {
                    let vector = rounded + i * vectorBytes, units = vector + rowBytes
                    cbyte_round_groups(
                        x + i * columns, Int64(columns), Int64(rowBytes), vector.assumingMemoryBound(to: Int8.self),
                        units.assumingMemoryBound(to: Float.self),
                        (units + 4 * groups).assumingMemoryBound(to: Int32.self))
                }
            }
            multiplyInPanels(UnsafeRawPointer(rounded), count: n, into: y)
        }
    }

    private var groups: Int { (rowBytes + Int(CBYTE_GROUP) - 1) / Int(CBYTE_GROUP) }
    /// A rounded vector's numbers, its groups' units, and their offsets; a whole number of lines and one more, so that neighbours
    /// do not fall on the same places of a cache.
    private var vectorBytes: Int { ((rowBytes + 8 * groups + 63) / 64 | 1) * 64 }

    private func multiplyInPanels(_ rounded: UnsafeRawPointer, count n: Int, into y: UnsafeMutablePointer<Float>) {
        let tall = Int(CBYTE_PANEL_ROWS), wide = Int(CBYTE_PANEL_VECTORS), block = Int(CBYTE_BLOCK)
        let groupsOfBlock = block / Int(CBYTE_GROUP), panelBytes = tall * block
        let vectorBytes = vectorBytes, groups = groups, panels = (rows + tall - 1) / tall,
            group = max(1, min(4, panels / (2 * Parallel.threadCount)))
        nonisolated(unsafe) let x = rounded, y = y
        Parallel.forRange((panels + group - 1) / group, grain: 1) { turns in
            withUnsafeTemporaryAllocation(byteCount: group * panelBytes, alignment: 64) { buffer in
                let laidOut = buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
                for turn in turns {
                    let mine = turn * group ..< min((turn + 1) * group, panels)
                    for start in stride(from: 0, to: rowBytes, by: block) {
                        let columns = min(block, rowBytes - start), isLast = start + columns == rowBytes
                        func row(_ panel: Int) -> Int { panel * tall }
                        func height(_ panel: Int) -> Int { min(tall, rows - row(panel)) }
                        func place(_ panel: Int) -> UnsafeMutablePointer<UInt8> {
                            laidOut + (panel - mine.lowerBound) * panelBytes
                        }
                        for panel in mine {
                            cbyte_pack_panel(
                                weights + row(panel) * rowBytes + start, Int64(rowBytes), Int32(height(panel)),
                                Int64(columns), place(panel))
                        }
                        for first in stride(from: 0, to: n, by: wide) {
                            let vectors = x + first * vectorBytes,
                                units = vectors + (rowBytes + 4 * (start / block * groupsOfBlock))
                            for panel in mine {
                                var tile = cbyte_panel_tile(
                                    rows: Int32(height(panel)), count: Int32(min(wide, n - first)),
                                    columns: Int64(columns),
                                    vectors: vectors.assumingMemoryBound(to: Int8.self) + start,
                                    vector_stride: Int64(vectorBytes), units: units.assumingMemoryBound(to: Float.self),
                                    offsets: (units + 4 * groups).assumingMemoryBound(to: Int32.self),
                                    group_stride: Int64(vectorBytes / 4), scales: isLast ? scales + row(panel) : nil,
                                    is_first: start == 0 ? 1 : 0, out: y + first * rows + row(panel),
                                    out_stride: Int64(rows))
                                cbyte_panel_products(&tile, place(panel))
                            }
                        }
                    }
                }
            }
        }
    }
}
