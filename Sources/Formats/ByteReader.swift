import Support

/// Walks over bytes of a file without ever leaving them: every read is checked, and a read past the
/// end says which part of the file it wanted.
struct ByteReader {
    let bytes: UnsafeRawBufferPointer
    /// The file, for error messages.
    let place: String
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer, place: String, position: Int = 0) {
        (self.bytes, self.place, self.position) = (bytes, place, position)
    }

    var remaining: Int { bytes.count - position }

    /// The next `count` bytes, without copying.
    mutating func take(_ count: Int, _ what: @autoclosure () -> String) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            throw OpahError(
                .format,
                "\(name: place): the file ends inside \(what()): at byte \(position) it wants "
                    + "\(count) more bytes, and \(remaining) are left",
                hint: "the file is cut short or damaged; get it again")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position ..< position + count])
    }

    /// The next little-endian integer.
    mutating func integer<T: FixedWidthInteger>(_: T.Type, _ what: @autoclosure () -> String) throws -> T {
        T(littleEndian: try take(MemoryLayout<T>.size, what()).loadUnaligned(as: T.self))
    }

    mutating func integer<T: FixedWidthInteger>(_ what: @autoclosure () -> String) throws -> T {
        try integer(T.self, what())
    }

    mutating func text(_ count: Int, _ what: @autoclosure () -> String) throws -> String {
        String(decoding: try take(count, what()), as: UTF8.self)
    }
}

extension FixedWidthInteger {
    /// The bytes of this number, lowest first.
    var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
