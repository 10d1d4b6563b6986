/// One page of an Ogg stream (RFC 3533), told from its header.
struct OggPage {
    let begins: Bool, ends: Bool   // a stream
    let granule: Int   // samples up to the end of the last packet that ends on it; -1 where none does
    let serial: Int   // of its stream
    let number: Int   // in its stream
    let headerBytes: Int
    let length: Int   // bytes

    /// Bytes of the longest page.
    static let mostBytes = 27 + 255 + 255 * 255

    /// The page whose header begins at `offset`; nil when none does.
    init?(_ window: inout ByteWindow, at offset: Int) throws {
        let head = try window.slice(offset, 27 + 255)
        guard head.count >= 27, head.has("OggS"), head[head.startIndex + 4] == 0 else { return nil }
        let flags = head[head.startIndex + 5]
        (begins, ends) = (flags & 2 != 0, flags & 4 != 0)
        let (low, high) = (head.littleEndian32(at: 6), head.littleEndian32(at: 10))
        // Lengths beyond 2^50 samples are no length.
        granule = high < 1 << 18 ? high << 32 | low : -1
        (serial, number) = (head.littleEndian32(at: 14), head.littleEndian32(at: 18))
        let segments = head.dropFirst(27).prefix(Int(head[head.startIndex + 26]))
        headerBytes = 27 + segments.count
        length = headerBytes + segments.reduce(0) { $0 + Int($1) }
    }

    /// Whether all of it is there and as it was written: its checksum fits.
    func isWhole(_ window: inout ByteWindow, at offset: Int, before end: Int) throws -> Bool {
        guard offset + length <= end else { return false }
        let bytes = try window.slice(offset, length)
        guard bytes.count == length else { return false }
        return bytes.withUnsafeBufferPointer { Int(OggChecksum.of($0)) } == bytes.littleEndian32(at: 22)
    }
}

/// The checksum of a page: polynomial 0x04C11DB7, highest bit first.
package enum OggChecksum {
    /// Of all its bytes; the checksum's own, 22..<26, count as zeros.
    package static func of(_ page: UnsafeBufferPointer<UInt8>) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var sum: UInt32 = 0
            for i in page.indices {
                let byte = 22 ..< 26 ~= i ? 0 : page[i]
                sum = sum << 8 ^ table[Int(UInt8(truncatingIfNeeded: sum >> 24) ^ byte)]
            }
            return sum
        }
    }

    /// The step for each byte.
    private static let table: [UInt32] = (0 ..< 256).map { byte in
        (0 ..< 8).reduce(UInt32(byte) << 24) { sum, _ in sum << 1 ^ (sum >> 31 == 1 ? 0x04C1_1DB7 : 0) }
    }
}

/// What the first page of a stream says of its sound.
struct OggSound {
    let rate: Int   // of the granules, Hz
    var skipped = 0   // granules at the start that are not given out

    /// Nil when `packet` does not begin a stream of sound.
    init?(_ packet: ArraySlice<UInt8>) {
        if packet.has("\u{1}vorbis"), packet.count >= 16 {
            rate = packet.littleEndian32(at: 12)
        } else if packet.has("OpusHead"), packet.count >= 12 {
            rate = 48000
            skipped = Int(packet[packet.startIndex + 10]) | Int(packet[packet.startIndex + 11]) << 8
        } else if packet.has("\u{7F}FLAC"), packet.count >= 31 {
            rate = packet.bigEndian32(at: 27) >> 12
        } else if packet.has("Speex   "), packet.count >= 40 {
            rate = packet.littleEndian32(at: 36)
        } else {
            return nil
        }
        guard rate > 0 else { return nil }
    }
}
