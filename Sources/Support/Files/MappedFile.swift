import Glibc
import SystemShim

/// A file mapped read-only into memory: nothing is read before it is touched, nothing is copied.
/// The mapping is private, so a writer of this process can never change the file. A small file is read at once: mapping
/// and unmapping ten thousand of them by several threads takes longer.
public final class MappedFile: @unchecked Sendable {
    public let path: String
    /// Valid while this object lives: keep it, or use `withBytes`.
    public let bytes: UnsafeRawBufferPointer
    private let entry: Int32   // in the table of mapped files
    private let isMapped: Bool

    /// Files of at most so many bytes are read.
    private static let smallFile = 65536

    public init(_ path: String) throws {
        self.path = path
        let (descriptor, size) = try RegularFile.open(path)
        defer { close(descriptor) }
        isMapped = size > Self.smallFile
        guard isMapped else {
            bytes = try Self.read(descriptor, size, path)
            entry = -1
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard address != MAP_FAILED, let address else { throw OpahError.system(path, errno: errno, doing: "map") }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        // Before anybody reads: another program may cut the file at any time (see `system_watch_mappings`).
        entry = system_note_mapping(address, size, path)
    }

    deinit {
        guard isMapped else { return bytes.deallocate() }
        system_forget_mapping(entry)
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }

    /// What is there of a file of `size` bytes; another program may have cut it since.
    private static func read(_ descriptor: Int32, _ size: Int, _ path: String) throws -> UnsafeRawBufferPointer {
        guard size > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        // On a boundary for every kind of number, and a cache line as a mapping is.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        do {
            return UnsafeRawBufferPointer(rebasing: buffer[..<(try RegularFile.read(descriptor, into: buffer, path))])
        } catch {
            buffer.deallocate()
            throw error
        }
    }

    /// The bytes, with the mapping kept for as long as `body` runs.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    /// Gives back the memory of the pages that were read; what is touched again is read from the file again.
    public func release() {
        guard isMapped, let address = bytes.baseAddress else { return }
        madvise(UnsafeMutableRawPointer(mutating: address), bytes.count, MADV_DONTNEED)
    }

    /// A whole file as text; what is not UTF-8 in it becomes U+FFFD.
    public static func text(_ path: String) throws -> String {
        try MappedFile(path).withBytes { String(decoding: $0, as: UTF8.self) }
    }
}
