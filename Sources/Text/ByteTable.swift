/// A set of byte strings, each with the number of its arrival: the vocabulary's keys, and the words
/// that were met before. (A Swift `String` would not do: it takes é and e + ́  for the same key.)
///
/// All bytes lie in one array. The hash is seeded, so no file can be made to collide on purpose.
struct ByteTable: Sendable {
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private var slots: [Int32]   // entry number, or -1
    private let seed = UInt64.random(in: .min ... .max)

    init(capacity: Int = 16) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
    }

    var count: Int { ends.count }

    func bytes(_ entry: Int) -> ArraySlice<UInt8> { arena[(entry == 0 ? 0 : ends[entry - 1]) ..< ends[entry]] }

    func find(_ key: UnsafeBufferPointer<UInt8>) -> Int? {
        let entry = slots[slot(of: key)]
        return entry < 0 ? nil : Int(entry)
    }

    func find(_ key: some Collection<UInt8>) -> Int? {
        key.withContiguousStorageIfAvailable { find($0) } ?? Array(key).withUnsafeBufferPointer { find($0) }
    }

    /// The entry of the key, and whether it is new.
    mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> (entry: Int, isNew: Bool) {
        if (count + 1) * 2 > slots.count { grow() }
        let slot = slot(of: key)
        if slots[slot] >= 0 { return (Int(slots[slot]), false) }
        slots[slot] = Int32(count)
        arena.append(contentsOf: key)
        ends.append(arena.count)
        return (count - 1, true)
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for entry in 0 ..< count {
            let slot: Int = bytes(entry).withUnsafeBufferPointer { self.slot(of: $0) }
            slots[slot] = Int32(entry)
        }
    }

    /// The slot that holds the key, or the free one where it belongs.
    private func slot(of key: UnsafeBufferPointer<UInt8>) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash(key)) & mask
        while slots[slot] >= 0, !bytes(Int(slots[slot])).elementsEqual(key) { slot = (slot + 1) & mask }
        return slot
    }

    /// Folds eight bytes at a time with a 64 x 64 -> 128 bit product.
    private func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let product = a.multipliedFullWidth(by: b)
            return product.high ^ product.low
        }
        var state = seed ^ UInt64(key.count)
        var position = 0
        let raw = UnsafeRawBufferPointer(key)
        while position + 8 <= raw.count {
            state = mix(state ^ raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), 0x9E37_79B9_7F4A_7C15)
            position += 8
        }
        var tail: UInt64 = 0
        for byte in raw[position...] { tail = tail << 8 | UInt64(byte) }
        return mix(state ^ tail, 0xD6E8_FEB8_6659_FD93 ^ seed)
    }
}
