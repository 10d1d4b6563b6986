import Support

/// What an index says of one clip.
struct ClipRecord: Equatable {
    /// The sentence in its shard, in bytes.
    var offset: Int, length: Int
    var facts: ClipFacts
}

/// The records of an index, 32 bytes a clip, little-endian:
///
///     offset u64, length u32, frames u32, id u64, largest code u32, codebooks u16, texts u16
///
/// They are numbers of a file that anybody may have written: whoever uses one checks it.
enum ClipRecords: Sendable {
    static let size = 32
    case mapped(MappedFile, start: Int, count: Int)
    case memory([UInt8])

    var count: Int {
        switch self {
        case .mapped(_, _, let count): count
        case .memory(let bytes): bytes.count / Self.size
        }
    }

    subscript(place: Int) -> ClipRecord {
        precondition(place >= 0 && place < count)
        switch self {
        case .mapped(let file, let start, _): return file.withBytes { Self.record($0, at: start + place * Self.size) }
        case .memory(let bytes): return bytes.withUnsafeBytes { Self.record($0, at: place * Self.size) }
        }
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch self {
        case .mapped(let file, let start, let count):
            try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start ..< start + count * Self.size])) }
        case .memory(let bytes): try bytes.withUnsafeBytes(body)
        }
    }

    private static func record(_ bytes: UnsafeRawBufferPointer, at start: Int) -> ClipRecord {
        func number<T: FixedWidthInteger>(_ offset: Int, _: T.Type) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: start + offset, as: T.self))
        }
        return ClipRecord(
            offset: Int(clamping: number(0, UInt64.self)), length: Int(number(8, UInt32.self)),
            facts: ClipFacts(
                id: number(16, UInt64.self), frames: Int(number(12, UInt32.self)),
                codebooks: Int(number(28, UInt16.self)),
                largestCode: Int(number(24, UInt32.self)), texts: Int(number(30, UInt16.self))))
    }

    /// Writes a record to its 32 bytes.
    /// - Returns: false when a number is too large for its place.
    static func write(_ record: ClipRecord, to bytes: UnsafeMutableRawBufferPointer) -> Bool {
        let facts = record.facts
        guard let offset = UInt64(exactly: record.offset), let length = UInt32(exactly: record.length),
            let frames = UInt32(exactly: facts.frames), let code = UInt32(exactly: facts.largestCode),
            let codebooks = UInt16(exactly: facts.codebooks), let texts = UInt16(exactly: facts.texts)
        else { return false }
        func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
            bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
        put(offset, 0)
        put(length, 8)
        put(frames, 12)
        put(facts.id, 16)
        put(code, 24)
        put(codebooks, 28)
        put(texts, 30)
        return true
    }
}
