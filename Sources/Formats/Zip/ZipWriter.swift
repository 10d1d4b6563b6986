import Support

/// Writes a zip archive of stored entries, each starting at a multiple of 64 bytes so that it can be
/// mapped: the layout of torch checkpoints.
///
/// Entries are streamed; the archive appears under its name when `finish()` is called. No times are
/// written, so that the same entries always give the same bytes.
public final class ZipWriter {
    private let file: AtomicFile
    private let alwaysZip64: Bool
    private var directory: [UInt8] = []
    private var count = 0
    private static let alignment = 64
    private static let limit = 0xFFFF_FFFF

    /// - Parameter zip64: writes 64-bit sizes even where 32 bits would do.
    public init(_ path: String, zip64: Bool = false) throws {
        file = try AtomicFile(path)
        alwaysZip64 = zip64
    }

    public func add(_ name: String, _ bytes: [UInt8]) throws {
        try add(name, size: bytes.count) { write in try bytes.withUnsafeBytes { try write($0) } }
    }

    /// Adds an entry of exactly `size` bytes, which `produce` hands over in as many pieces as it likes.
    public func add(
        _ name: String, size: Int,
        _ produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let offset = file.bytesWritten
        let wide = alwaysZip64 || size >= Self.limit || offset >= Self.limit
        // The sizes are known, the checksum is not: bit 3 says that it follows the data. Bit 11: UTF-8.
        let common =
            UInt16(wide ? 45 : 20).littleEndianBytes + UInt16(0x0808).littleEndianBytes
            + UInt16(0).littleEndianBytes + [0, 0, 0x21, 0]   // stored; 1980-01-01
        var extra: [UInt8] =
            wide
            ? UInt16(1).littleEndianBytes + UInt16(16).littleEndianBytes
                + UInt64(size).littleEndianBytes + UInt64(size).littleEndianBytes : []
        let start = offset + 30 + name.utf8.count + extra.count + 4
        let padding = (Self.alignment - start % Self.alignment) % Self.alignment
        extra +=
            Array("FB".utf8) + UInt16(padding).littleEndianBytes + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        let shortSize = UInt32(wide ? Self.limit : size).littleEndianBytes
        try file.write(
            [0x50, 0x4B, 3, 4] + common + [0, 0, 0, 0] + shortSize + shortSize
                + UInt16(name.utf8.count).littleEndianBytes + UInt16(extra.count).littleEndianBytes)
        try file.write(name)
        try file.write(extra)

        var crc: UInt32 = 0, written = 0
        try produce { piece in
            crc = crc32(of: piece, from: crc)
            written += piece.count
            try self.file.write(piece)
        }
        guard written == size else {
            throw OpahError(
                .argument, "\(name: file.path): the entry '\(name: name)' has \(written) bytes, \(size) were announced")
        }
        let longSize = wide ? UInt64(size).littleEndianBytes : UInt32(size).littleEndianBytes
        try file.write([0x50, 0x4B, 7, 8] + crc.littleEndianBytes + longSize + longSize)

        let wideOffset =
            wide
            ? UInt16(1).littleEndianBytes + UInt16(24).littleEndianBytes + UInt64(size).littleEndianBytes
                + UInt64(size).littleEndianBytes + UInt64(offset).littleEndianBytes : []
        directory += [0x50, 0x4B, 1, 2, wide ? 45 : 20, 0] + common + crc.littleEndianBytes + shortSize + shortSize
        directory += UInt16(name.utf8.count).littleEndianBytes + UInt16(wideOffset.count).littleEndianBytes
        directory += [UInt8](repeating: 0, count: 10) + UInt32(wide ? Self.limit : offset).littleEndianBytes
        directory += Array(name.utf8) + wideOffset
        count += 1
    }

    /// Writes the directory, syncs, and gives the file its name.
    public func finish() throws {
        let offset = file.bytesWritten
        try file.write(directory)
        let wide = alwaysZip64 || offset >= Self.limit || directory.count >= Self.limit || count >= 0xFFFF
        if wide {
            let record = file.bytesWritten
            try file.write(
                [0x50, 0x4B, 6, 6] + UInt64(44).littleEndianBytes + [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
                    + UInt64(count).littleEndianBytes + UInt64(count).littleEndianBytes
                    + UInt64(directory.count).littleEndianBytes + UInt64(offset).littleEndianBytes)
            try file.write(
                [0x50, 0x4B, 6, 7, 0, 0, 0, 0] + UInt64(record).littleEndianBytes + UInt32(1).littleEndianBytes)
        }
        let shortCount = UInt16(wide ? 0xFFFF : count).littleEndianBytes
        try file.write(
            [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + shortCount + shortCount
                + UInt32(wide ? Self.limit : directory.count).littleEndianBytes
                + UInt32(wide ? Self.limit : offset).littleEndianBytes + [0, 0])
        try file.commit()
    }
}
