import Audio

/// Ogg files whose pages have the right checksums.
public enum OggPages {
    /// The file with the checksum of each page put right.
    public static func mended(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes, position = 0
        while position + 27 <= bytes.count {
            let lacing = bytes[(position + 27)...].prefix(Int(bytes[position + 26]))
            let end = position + 27 + lacing.count + lacing.reduce(0) { $0 + Int($1) }
            guard bytes[position...].starts(with: "OggS".utf8), end <= bytes.count else {
                position += 1
                continue
            }
            seal(&bytes, position ..< end)
            position = end
        }
        return bytes
    }

    private static func seal(_ bytes: inout [UInt8], _ page: Range<Int>) {
        let sum = bytes.withUnsafeBufferPointer { OggChecksum.of(UnsafeBufferPointer(rebasing: $0[page])) }
        for i in 0 ..< 4 { bytes[page.lowerBound + 22 + i] = UInt8(truncatingIfNeeded: sum >> (8 * i)) }
    }

    /// A stream with codebooks of 2^23 - 1 entries each, a dozen bytes: a program that made them would take as many
    /// megabytes for each.
    public static func unfolding(codebooks: Int) -> [UInt8] {
        let start = Array("\u{1}vorbis".utf8) + [0, 0, 0, 0, 1, 0x40, 0x1F, 0, 0] + zeros(12) + [0xB8, 1]
        let comments = Array("\u{3}vorbis".utf8) + zeros(8) + [1], entries = 1 << 23 - 1
        // How many less one; then of each: its sign, dimensions, entries, that they are in order, the first length less
        // one, how many have it, no values.
        var fields = [(codebooks - 1, 8)], bits: [Bool] = []
        for _ in 0 ..< codebooks {
            fields += [(0x564342, 24), (1, 16), (entries, 24), (1, 1), (22, 5), (entries, 23), (0, 4)]
        }
        for (value, count) in fields { bits += (0 ..< count).map { value >> $0 & 1 == 1 } }
        let books = stride(from: 0, to: bits.count, by: 8).map { first in
            bits[first...].prefix(8).reversed().reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        let setup = Array("\u{5}vorbis".utf8) + books
        return mended(page(0, start, flags: 2) + page(1, comments) + page(2, setup) + page(3, [0], flags: 4))
    }

    private static func page(_ number: UInt8, _ packet: [UInt8], flags: UInt8 = 0) -> [UInt8] {
        Array("OggS".utf8) + [0, flags] + zeros(8) + [1, 0, 0, 0, number, 0, 0, 0] + zeros(4)
            + [UInt8(packet.count / 255 + 1)] + [UInt8](repeating: 255, count: packet.count / 255)
            + [UInt8(packet.count % 255)] + packet
    }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
