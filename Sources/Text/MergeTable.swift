/// What a pair of neighbours becomes, and how early.
struct Merge {
    var rank: Int32
    var id: Int32
}

/// From a pair of token ids to its merge: open addressing, half full at most.
struct MergeTable: Sendable {
    private var keys: [UInt64]
    private var merges: [(rank: Int32, id: Int32)]
    private static let free = UInt64.max   // no pair of ids, which are positive Int32
    private let multiplier = UInt64.random(in: .min ... .max) | 1   // so that no file can plan collisions
    private let shift: UInt64

    init(capacity: Int = 0) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = [UInt64](repeating: Self.free, count: size)
        shift = UInt64(64 - size.trailingZeroBitCount)
        merges = [(Int32, Int32)](repeating: (0, 0), count: size)
    }

    /// A pair that comes again takes the later merge. At most `capacity` pairs may be inserted.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
        let slot = slot(of: key(left, right))
        keys[slot] = key(left, right)
        merges[slot] = (merge.rank, merge.id)
    }

    subscript(left: Int32, right: Int32) -> Merge? {
        let key = key(left, right)
        let slot = slot(of: key)
        return keys[slot] == key ? Merge(rank: merges[slot].rank, id: merges[slot].id) : nil
    }

    private func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private func slot(of key: UInt64) -> Int {
        let mask = keys.count - 1
        var slot = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
        while keys[slot] != Self.free, keys[slot] != key { slot = (slot + 1) & mask }
        return slot
    }
}

/// Possible merges of one word, the lowest rank first and the leftmost of equals: a binary heap.
struct MergeQueue {
    struct Entry {
        var rank: Int32
        var position: Int32
        var id: Int32

        func precedes(_ other: Entry) -> Bool {
            rank != other.rank ? rank < other.rank : position < other.position
        }
    }

    private var heap: [Entry] = []

    mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Entry? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return first
    }
}
