import CZlib
import Support

/// A zip archive mapped into memory: `.npz` files and torch checkpoints.
///
/// The central directory is read and checked at once; entries are looked at (stored) or inflated
/// (deflated) when asked for. Zip64 and data descriptors are understood; encryption is not.
public final class ZipArchive {
    public struct Entry: Sendable {
        public let name: String
        /// Bytes in the archive and after unpacking.
        public let compressedSize: Int, size: Int
        public let crc: UInt32
        /// Stored as it is; otherwise deflated.
        public let isStored: Bool
        let headerOffset: Int
    }

    public let file: MappedFile
    public var path: String { file.path }
    /// In the order of the central directory.
    public let entries: [Entry]
    private let positions: [String: Int]
    private let directoryOffset: Int

    public convenience init(_ path: String) throws { try self.init(MappedFile(path)) }

    public init(_ file: MappedFile) throws {
        self.file = file
        let directory = try ZipDirectory(file.bytes, place: file.path)
        directoryOffset = directory.offset
        entries = directory.entries
        var positions: [String: Int] = [:]
        for (i, entry) in entries.enumerated() {
            guard positions.updateValue(i, forKey: entry.name) == nil else {
                throw OpahError(.format, "\(name: file.path): the archive has two entries called '\(name: entry.name)'")
            }
        }
        self.positions = positions
    }

    public func entry(_ name: String) -> Entry? { positions[name].map { entries[$0] } }

    /// Where the bytes of an entry lie in the file; they are inside it.
    public func range(of entry: Entry) throws -> Range<Int> {
        var reader = ByteReader(
            UnsafeRawBufferPointer(rebasing: file.bytes[..<directoryOffset]), place: path,
            position: entry.headerOffset)
        let what = "the zip entry '\(name: entry.name)'"
        guard try reader.integer(UInt32.self, what) == 0x0403_4B50 else {
            throw OpahError(.format, "\(name: path): \(what) does not begin where the directory says")
        }
        _ = try reader.take(22, what)
        let nameLength = Int(try reader.integer(UInt16.self, what)),
            extraLength = Int(try reader.integer(UInt16.self, what))
        guard try reader.text(nameLength, what) == entry.name else {
            throw OpahError(.format, "\(name: path): \(what) has another name in its own header")
        }
        _ = try reader.take(extraLength, what)
        let start = reader.position
        _ = try reader.take(entry.compressedSize, what)
        return start ..< start + entry.compressedSize
    }

    /// The bytes of a stored entry, still in the mapped file: keep `file` alive while using them.
    public func mapped(_ entry: Entry) throws -> UnsafeRawBufferPointer {
        guard entry.isStored else {
            throw OpahError(
                .format, "\(name: path): the entry '\(name: entry.name)' is compressed and cannot be mapped")
        }
        return UnsafeRawBufferPointer(rebasing: file.bytes[try range(of: entry)])
    }

    /// Hands the unpacked bytes of an entry to `body`, after checking them against their CRC.
    public func withBytes<R>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try withExtendedLifetime(file) {
            if entry.isStored {
                let bytes = try mapped(entry)
                try verify(bytes, entry)
                return try body(bytes)
            }
            let packed = UnsafeRawBufferPointer(rebasing: file.bytes[try range(of: entry)])
            let bytes = try inflate(packed, to: entry.size, place: "\(name: path): the entry '\(name: entry.name)'")
            return try bytes.withUnsafeBytes {
                try verify($0, entry)
                return try body($0)
            }
        }
    }

    /// Checks one entry's bytes against its CRC (a pass over them; weights are not checked on loading).
    public func verify(_ entry: Entry) throws { try withBytes(of: entry) { _ in } }

    private func verify(_ bytes: UnsafeRawBufferPointer, _ entry: Entry) throws {
        guard crc32(of: bytes) == entry.crc else {
            throw OpahError(
                .format, "\(name: path): the bytes of '\(name: entry.name)' do not fit their checksum",
                hint: "the file is damaged; get it again")
        }
    }
}

/// zlib's CRC-32 of these bytes, continuing from `seed`.
func crc32(of bytes: UnsafeRawBufferPointer, from seed: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return seed }
    return UInt32(truncatingIfNeeded: crc32_z(UInt(seed), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

/// Unpacks raw deflate data of exactly `size` bytes. Memory grows with what really comes out, so that a
/// size that lies costs nothing.
func inflate(_ packed: UnsafeRawBufferPointer, to size: Int, place: String) throws -> [UInt8] {
    func damaged(_ why: String) -> OpahError {
        OpahError(.format, "\(name: place) cannot be unpacked: \(why)", hint: "the file is damaged; get it again")
    }
    // Deflate cannot shrink to less than 1/1032.
    guard size <= packed.count.multipliedReportingOverflow(by: 1032).partialValue &+ 1032 else {
        throw damaged("\(packed.count) bytes cannot hold the \(size) that they claim")
    }
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw damaged("zlib did not start")
    }
    defer { inflateEnd(&stream) }
    var result: [UInt8] = [], consumed = 0
    result.reserveCapacity(min(size, max(packed.count * 4, 1 << 12)))
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        try Interrupt.check()
        let given = min(packed.count - consumed, 1 << 30)
        stream.next_in = packed.baseAddress.map {
            UnsafeMutablePointer(mutating: ($0 + consumed).assumingMemoryBound(to: UInt8.self))
        }
        stream.avail_in = UInt32(given)
        let (status, produced) = block.withUnsafeMutableBufferPointer { out in
            stream.next_out = out.baseAddress
            stream.avail_out = UInt32(out.count)
            return (CZlib.inflate(&stream, Z_NO_FLUSH), out.count - Int(stream.avail_out))
        }
        consumed += given - Int(stream.avail_in)
        guard result.count + produced <= size else {
            throw damaged("it holds more than the \(size) bytes that it claims")
        }
        result.append(contentsOf: block[..<produced])
        if status == Z_STREAM_END { break }
        guard status == Z_OK, produced > 0 || consumed < packed.count else {
            throw damaged(stream.msg.map { String(cString: $0) } ?? "it ends too early")
        }
    }
    guard result.count == size else { throw damaged("it holds \(result.count) bytes and claims \(size)") }
    return result
}
