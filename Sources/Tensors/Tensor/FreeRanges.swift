/// A free list of ranges of addresses, with neighbours coalesced; best fit.
package struct FreeRanges {
    package struct Range: Equatable, Sendable {
        package let start: UInt, size: Int
        var end: UInt { start + UInt(size) }

        package init(start: UInt, size: Int) { (self.start, self.size) = (start, size) }
    }

    /// By address.
    package private(set) var ranges: [Range] = []
    package private(set) var bytes = 0

    package init() {}

    /// Takes the beginning of the smallest range that has room for `size` bytes.
    package mutating func take(_ size: Int) -> UInt? {
        var best: Int?
        for (i, range) in ranges.enumerated() where range.size >= size {
            if best.map({ range.size < ranges[$0].size }) ?? true { best = i }
        }
        guard let best else { return nil }
        let range = ranges[best]
        bytes -= size
        if range.size == size {
            ranges.remove(at: best)
        } else {
            ranges[best] = Range(start: range.start + UInt(size), size: range.size - size)
        }
        return range.start
    }

    package mutating func give(_ range: Range) {
        bytes += range.size
        let place = ranges.firstIndex { $0.start > range.start } ?? ranges.count
        var joined = range, replaced = place ..< place
        if place < ranges.count, range.end == ranges[place].start {
            joined = Range(start: joined.start, size: joined.size + ranges[place].size)
            replaced = place ..< place + 1
        }
        if place > 0, ranges[place - 1].end == range.start {
            joined = Range(start: ranges[place - 1].start, size: ranges[place - 1].size + joined.size)
            replaced = place - 1 ..< replaced.upperBound
        }
        ranges.replaceSubrange(replaced, with: [joined])
    }

    /// Takes out as much as is more than `limit` bytes, from the ends of the largest ranges, and a little more where a
    /// border of `unit` bytes is near.
    package mutating func drop(downTo limit: Int, unit: Int) -> [Range] {
        var dropped: [Range] = []
        while bytes > max(limit, 0), let i = ranges.indices.max(by: { ranges[$0].size < ranges[$1].size }) {
            let range = ranges[i], excess = min(bytes - max(limit, 0), range.size)
            var kept = (range.end - UInt(excess)) / UInt(unit) * UInt(unit)
            if kept <= range.start { kept = range.start }
            let size = Int(range.end - kept)
            dropped.append(Range(start: kept, size: size))
            bytes -= size
            if kept == range.start {
                ranges.remove(at: i)
            } else {
                ranges[i] = Range(start: range.start, size: Int(kept - range.start))
            }
        }
        return dropped
    }
}
