/// Where the samples of a Sony Wave64 file end. Its chunks are padded to 8 bytes, and libsndfile takes the padding, and
/// chunks behind it, for sound.
struct Wave64Header {
    private let range: Range<Int>
    private let end: Int   // of the samples

    /// More chunks than any program writes.
    private static let maxChunks = 4096

    /// Nil when there is nothing behind the samples, or no `data` chunk.
    init?(_ file: RandomAccessFile, _ range: Range<Int>) throws {
        // "riff" and its size, "wave": 16 + 8 + 16 bytes.
        var window = ByteWindow(file), offset = range.lowerBound + 40
        for _ in 0 ..< Self.maxChunks {
            let chunk = try window.slice(offset, 24)
            guard chunk.count == 24, chunk.littleEndian32(at: 20) < 1 << 24 else { return nil }
            // With the name's 16 bytes and its own 8.
            let size = chunk.littleEndian32(at: 20) << 32 | chunk.littleEndian32(at: 16)
            guard size >= 24, size < range.upperBound - offset else { return nil }
            if chunk.has("data") {
                // A writer that did not know the size left none.
                guard size > 24 else { return nil }
                (self.range, end) = (range, offset + size)
                return
            }
            offset += (size + 7) & ~7
        }
        return nil
    }

    /// What libsndfile is to see.
    var pieces: [FileView.Piece] {
        let (start, size) = (range.lowerBound, end - range.lowerBound)
        return [
            .range(start ..< start + 16), .bytes((0 ..< 8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }),
            .range(start + 24 ..< end)
        ]
    }
}
