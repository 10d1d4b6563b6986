import Support

/// The central directory at the end of a zip archive, with every offset and size checked against the file.
struct ZipDirectory {
    let entries: [ZipArchive.Entry]
    /// Where the directory starts; all entries lie before it.
    let offset: Int

    init(_ bytes: UnsafeRawBufferPointer, place: String) throws {
        let end = try Self.endRecord(bytes, place: place)
        var reader = ByteReader(bytes, place: place, position: end + 4)
        let disks: UInt32 = try reader.integer("the zip end record")
        _ = try reader.integer(UInt16.self, "the zip end record")
        var count = Int(try reader.integer(UInt16.self, "the zip end record"))
        var size = Int(try reader.integer(UInt32.self, "the zip end record"))
        var offset = Int(try reader.integer(UInt32.self, "the zip end record"))
        var limit = end
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF,
            let record = try Self.zip64Record(bytes, before: end, place: place)
        {
            (count, size, offset, limit) = record
        } else if disks != 0 {
            throw OpahError(.format, "\(name: place): zip archives in several parts cannot be read")
        }
        guard offset >= 0, size >= 0, offset <= limit, size <= limit - offset, count >= 0, count <= size / 46 else {
            throw OpahError(
                .format,
                "\(name: place): the zip directory (\(count) entries, \(size) bytes at \(offset)) does not fit into "
                    + "the \(bytes.count) bytes of the file", hint: "the file is cut short or damaged; get it again")
        }
        var entries: [ZipArchive.Entry] = []
        entries.reserveCapacity(count)
        reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<(offset + size)]), place: place, position: offset)
        for _ in 0 ..< count { entries.append(try Self.entry(&reader, directory: offset)) }
        try Self.check(entries, bytes.count, place)
        self.entries = entries
        self.offset = offset
    }

    /// What deflated entries may unpack to beside 20 times the file.
    static let unpackedLimit = 256 << 20

    /// No entry may lie in another one, and together they may not unpack to far more than the file: small files that
    /// unfold to fill a machine do the one or the other.
    private static func check(_ entries: [ZipArchive.Entry], _ fileSize: Int, _ place: String) throws {
        var end = 0, last = ""
        for entry in entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
            guard entry.headerOffset >= end else {
                throw OpahError(
                    .unsafe, "\(name: place): the zip entries '\(name: last)' and '\(name: entry.name)' overlap",
                    hint: "no program writes such an archive; get the file from a source that you trust")
            }
            // The extra field of the local header, whose length is not known here, is left out.
            end = entry.headerOffset + 30 + entry.name.utf8.count + entry.compressedSize
            last = entry.name
        }
        var unpacked = 0
        // A size that deflate cannot reach is a lie, which unpacking the entry will tell.
        for entry in entries where !entry.isStored && entry.size / 1032 <= entry.compressedSize + 1 {
            unpacked += entry.size
            guard unpacked <= unpackedLimit + 20 * fileSize else {
                throw OpahError(
                    .unsafe,
                    "\(name: place): the archive of \(fileSize) bytes would unpack to more than \(unpacked) bytes",
                    hint:
                        "an archive may unpack to 20 times its size and \(unpackedLimit >> 20) MB; store it without compression"
                )
            }
        }
    }

    /// The end record lies within the last 65557 bytes: 22 bytes and a comment.
    private static func endRecord(_ bytes: UnsafeRawBufferPointer, place: String) throws -> Int {
        guard bytes.count >= 4, bytes.starts(with: [0x50, 0x4B]) else {
            throw OpahError(.format, "\(name: place): not a zip archive: \(describeContent(bytes))")
        }
        var position = bytes.count - 22
        let lowest = max(0, position - 0xFFFF)
        while position >= lowest {
            if bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian == 0x0605_4B50,
                Int(bytes.loadUnaligned(fromByteOffset: position + 20, as: UInt16.self).littleEndian)
                    <= bytes.count - position - 22
            {
                return position
            }
            position -= 1
        }
        throw OpahError(
            .format, "\(name: place): the zip archive has no directory at its end (\(bytes.count) bytes found)",
            hint: "the download or copy was broken off; get the file again and compare its size with the source's")
    }

    /// Entries, size, offset and own position of the zip64 end record, when there is one.
    private static func zip64Record(
        _ bytes: UnsafeRawBufferPointer, before end: Int, place: String
    ) throws
        -> (Int, Int, Int, Int)?
    {
        let what = "the zip64 end record"
        guard end >= 20, bytes.loadUnaligned(fromByteOffset: end - 20, as: UInt32.self).littleEndian == 0x0706_4B50
        else { return nil }
        var reader = ByteReader(bytes, place: place, position: end - 12)
        let position = Int(truncatingIfNeeded: try reader.integer(UInt64.self, what))
        guard position >= 0, position <= end - 20 - 56 else {
            throw OpahError(
                .format, "\(name: place): \(what) lies outside the file", hint: "the file is damaged; get it again")
        }
        reader.position = position
        guard try reader.integer(UInt32.self, what) == 0x0606_4B50 else {
            throw OpahError(.format, "\(name: place): \(what) is not where the archive says")
        }
        _ = try reader.take(20 + 8, what)
        let count = try reader.integer(Int64.self, what), size = try reader.integer(Int64.self, what)
        return (Int(count), Int(size), Int(try reader.integer(Int64.self, what)), position)
    }

    private static func entry(_ reader: inout ByteReader, directory: Int) throws -> ZipArchive.Entry {
        let what = "the zip directory", place = reader.place
        guard try reader.integer(UInt32.self, what) == 0x0201_4B50 else {
            throw OpahError(.format, "\(name: place): the zip directory is damaged at byte \(reader.position - 4)")
        }
        _ = try reader.integer(UInt32.self, what)   // versions
        let flags: UInt16 = try reader.integer(what), method: UInt16 = try reader.integer(what)
        _ = try reader.integer(UInt32.self, what)   // time and date
        let crc: UInt32 = try reader.integer(what)
        var compressed = UInt64(try reader.integer(UInt32.self, what)),
            size = UInt64(try reader.integer(UInt32.self, what))
        let nameLength = Int(try reader.integer(UInt16.self, what)),
            extraLength = Int(try reader.integer(UInt16.self, what))
        let commentLength = Int(try reader.integer(UInt16.self, what))
        _ = try reader.take(8, what)   // disk, attributes
        var offset = UInt64(try reader.integer(UInt32.self, what))
        let name = try reader.text(nameLength, what)
        var extra = ByteReader(try reader.take(extraLength, what), place: place)
        _ = try reader.take(commentLength, what)
        while extra.remaining >= 4 {
            let id: UInt16 = try extra.integer(what), length = Int(try extra.integer(UInt16.self, what))
            var field = ByteReader(
                try extra.take(length, "an extra field of the zip entry '\(name: name)'"), place: place)
            guard id == 1 else { continue }
            // Zip64: only the numbers that did not fit, in this order.
            if size == 0xFFFF_FFFF { size = try field.integer(what) }
            if compressed == 0xFFFF_FFFF { compressed = try field.integer(what) }
            if offset == 0xFFFF_FFFF { offset = try field.integer(what) }
        }
        guard flags & 1 == 0 else {
            throw OpahError(.format, "\(name: place): the zip entry '\(name: name)' is encrypted")
        }
        guard method == 0 || method == 8 else {
            throw OpahError(
                .format,
                "\(name: place): the zip entry '\(name: name)' is compressed by method \(method); only deflate is read")
        }
        guard offset <= UInt64(directory), compressed <= UInt64(directory) - offset, size < UInt64(1) << 48,
            method == 8 || size == compressed
        else {
            throw OpahError(
                .format,
                "\(name: place): the zip entry '\(name: name)' (\(size) bytes at \(offset)) does not fit into the file",
                hint: "the file is cut short or damaged; get it again")
        }
        return ZipArchive.Entry(
            name: name, compressedSize: Int(compressed), size: Int(size), crc: crc, isStored: method == 0,
            headerOffset: Int(offset))
    }
}
