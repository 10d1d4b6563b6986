/// How much the codebooks of a Vorbis stream unfold to, told from its third packet without unfolding them.
///
/// A codebook of 2^23 entries takes a dozen bytes where all its codewords are of one length, and a packet may have 256.
enum VorbisCodebooks {
    /// Values of all codebooks together that are read. Encoders write 60 000 for two channels and 90 000 for six.
    static let mostValues = 1 << 19

    /// Entries times dimensions, summed over the codebooks, or at least more than `mostValues`; nil when the packet
    /// does not hold codebooks (Vorbis I, 3.2.1).
    static func valueCount(_ packet: [UInt8]) -> Int? {
        var bits = Bits(packet, from: 7), sum = 0
        guard let books = bits.next(8) else { return nil }
        for _ in 0 ... books {
            guard bits.next(24) == 0x564342, let dimensions = bits.next(16), let entries = bits.next(24),
                let isOrdered = bits.next(1)
            else { return nil }
            sum += entries * dimensions
            if max(sum, entries) > mostValues { return max(sum, entries) }
            guard isOrdered == 1 ? bits.skipOrderedLengths(entries) : bits.skipLengths(entries),
                bits.skipValues(entries, dimensions)
            else { return nil }
        }
        return sum
    }

    /// Numbers of some bits, the lowest bit of a byte first (Vorbis I, 2).
    private struct Bits {
        private let bytes: [UInt8]
        private var position: Int

        init(_ bytes: [UInt8], from first: Int) { (self.bytes, position) = (bytes, first * 8) }

        private var left: Int { bytes.count * 8 - position }

        /// - Parameter count: up to 24.
        mutating func next(_ count: Int) -> Int? {
            guard count <= left else { return nil }
            var value = 0
            for i in 0 ..< 4 where position / 8 + i < bytes.count { value |= Int(bytes[position / 8 + i]) << (8 * i) }
            value = value >> (position % 8) & ((1 << count) - 1)
            position += count
            return value
        }

        mutating func skip(_ count: Int) -> Bool {
            guard count <= left else { return false }
            position += count
            return true
        }

        /// Passes over the codewords' lengths, one for each entry that is used.
        mutating func skipLengths(_ entries: Int) -> Bool {
            guard let isSparse = next(1) else { return false }
            if isSparse == 0 { return skip(5 * entries) }
            for _ in 0 ..< entries {
                guard let isUsed = next(1), isUsed == 0 || skip(5) else { return false }
            }
            return true
        }

        /// The same where lengths grow: how many there are of each.
        mutating func skipOrderedLengths(_ entries: Int) -> Bool {
            guard var length = next(5) else { return false }
            var entry = 0
            while entry < entries {
                let left = entries - entry
                // Codewords have 32 bits at most.
                guard length < 32, let count = next(Int.bitWidth - left.leadingZeroBitCount), count <= left else {
                    return false
                }
                (entry, length) = (entry + count, length + 1)
            }
            return true
        }

        /// Passes over the values that entries stand for: of a lattice, or each its own.
        mutating func skipValues(_ entries: Int, _ dimensions: Int) -> Bool {
            guard let form = next(4), form <= 2 else { return false }
            if form == 0 { return true }
            guard skip(64), let width = next(4), skip(1) else { return false }
            let count = form == 1 ? Self.side(entries, dimensions) : entries * dimensions
            return skip(count * (width + 1))
        }

        /// The greatest whole number whose power of `dimensions` is at most `entries`.
        private static func side(_ entries: Int, _ dimensions: Int) -> Int {
            guard dimensions > 0, entries > 0 else { return 0 }
            func fits(_ side: Int) -> Bool {
                var power = 1
                for _ in 0 ..< dimensions {
                    power *= side
                    if power > entries { return false }
                    if side == 1 { break }
                }
                return true
            }
            var side = 1
            while fits(side + 1) { side += 1 }
            return side
        }
    }
}
