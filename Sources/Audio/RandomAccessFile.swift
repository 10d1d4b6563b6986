import Glibc
import Support

/// A regular file of which single places are read, by a descriptor: the length of its path no longer matters.
final class RandomAccessFile {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        (descriptor, size) = try RegularFile.open(path)
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes from `offset`; fewer at the end of the file.
    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let wanted = min(count, size - offset)
        return try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
            filled = try read(into: UnsafeMutableRawPointer(buffer.baseAddress!), count: wanted, at: offset)
        }
    }

    /// The same into memory of the caller's.
    /// - Returns: how many bytes there were.
    func read(into target: UnsafeMutableRawPointer, count: Int, at offset: Int) throws -> Int {
        var done = 0
        while done < count {
            let got = pread(descriptor, target + done, count - done, offset + done)
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw OpahError.system(path, errno: errno, doing: "read")
            }
            done += got
        }
        return done
    }
}

/// A window that slides over a file, for whoever walks through it in small steps.
struct ByteWindow {
    private let file: RandomAccessFile
    private var start = 0
    private var bytes: [UInt8] = []
    /// Bytes kept: several MPEG frames and any Ogg page lie within.
    private static let length = 1 << 18

    var size: Int { file.size }

    init(_ file: RandomAccessFile) { self.file = file }

    /// `count` bytes from `offset`, fewer at the end of the file. `count` is small against the window.
    mutating func slice(_ offset: Int, _ count: Int) throws -> ArraySlice<UInt8> {
        guard offset >= 0, offset < file.size else { return [] }
        let end = min(offset + count, file.size)
        if offset < start || end > start + bytes.count {
            bytes = try file.bytes(at: offset, count: max(Self.length, count))
            start = offset
        }
        let upper = min(end - start, bytes.count)   // the file may have shrunk
        return bytes[min(offset - start, upper) ..< upper]
    }

    /// Whether the bytes at `offset` are those of `text`.
    mutating func has(_ text: String, at offset: Int) throws -> Bool {
        try slice(offset, text.utf8.count).elementsEqual(text.utf8)
    }

    /// The first place from `offset` on, before `limit`, that holds `byte`.
    mutating func first(_ byte: UInt8, from offset: Int, before limit: Int) throws -> Int? {
        try scan(from: offset, before: limit) { $0.firstIndex(of: byte) }
    }

    /// The first place from `offset` on, before `limit`, that holds another byte than `byte`.
    mutating func firstOther(than byte: UInt8, from offset: Int, before limit: Int) throws -> Int? {
        try scan(from: offset, before: limit) { $0.firstIndex { $0 != byte } }
    }

    private mutating func scan(from offset: Int, before limit: Int, _ find: (ArraySlice<UInt8>) -> Int?) throws -> Int?
    {
        var offset = offset
        let limit = min(limit, file.size)
        while offset < limit {
            try Interrupt.check()
            // What is left of the window first: a new one for each step would read the file many times.
            let kept = start + bytes.count - offset
            let part = try slice(offset, min(offset >= start && kept > 0 ? kept : Self.length, limit - offset))
            if part.isEmpty { return nil }
            if let found = find(part) { return start + found }
            offset += part.count
        }
        return nil
    }
}

/// Numbers and names in the bytes of a header; offsets count from the first byte.
extension RandomAccessCollection where Element == UInt8, Index == Int {
    /// Whether the bytes at `offset` are those of `text`.
    func has(_ text: String, at offset: Int = 0) -> Bool {
        offset >= 0 && offset + text.utf8.count <= count && dropFirst(offset).starts(with: text.utf8)
    }

    func littleEndian32(at offset: Int) -> Int {
        (0 ..< 4).reduce(0) { $0 | Int(self[startIndex + offset + $1]) << (8 * $1) }
    }

    func bigEndian32(at offset: Int) -> Int {
        (0 ..< 4).reduce(0) { $0 << 8 | Int(self[startIndex + offset + $1]) }
    }
}
