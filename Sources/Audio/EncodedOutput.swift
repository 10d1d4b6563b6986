import CSndfile
import Glibc

/// The file that an encoder writes into. Encoders (LAME above all) pass over a write that failed, also the last ones,
/// when they are closed: the first failure is kept here, nothing is written after it, and whoever finishes the file
/// asks for it.
package final class EncodedOutput {
    /// As pwrite(2): descriptor, bytes, their number, offset in the file.
    package typealias Write = (Int32, UnsafeRawPointer, Int, Int) -> Int

    /// The system's code for the first write that failed; 0 when none did.
    private(set) var failure: Int32 = 0
    private let descriptor: Int32
    private let write: Write
    private var position = 0, size = 0

    /// - Parameter descriptor: of an empty file, open for writing; it stays the caller's.
    init(_ descriptor: Int32, write: @escaping Write) {
        (self.descriptor, self.write) = (descriptor, write)
    }

    /// A libsndfile handle that writes here, or nil; this object must outlive it.
    func openSndfile(_ info: inout SF_INFO) -> OpaquePointer? {
        var callbacks = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(EncodedOutput.from($0).size) },
            seek: { sf_count_t(EncodedOutput.from($2).seek(Int($0), $1)) },
            read: { sf_count_t(EncodedOutput.from($2).read($0, Int($1))) },
            write: { sf_count_t(EncodedOutput.from($2).append($0, Int($1))) },
            tell: { sf_count_t(EncodedOutput.from($0).position) })
        return sf_open_virtual(&callbacks, Int32(SFM_WRITE), &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func from(_ user: UnsafeMutableRawPointer?) -> EncodedOutput {
        Unmanaged<EncodedOutput>.fromOpaque(user!).takeUnretainedValue()
    }

    private func seek(_ offset: Int, _ whence: Int32) -> Int {
        position = max(0, (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : size) + offset)
        return position
    }

    private func read(_ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard let target, failure == 0 else { return 0 }
        let got = pread(descriptor, target, count, position)
        position += max(0, got)
        return max(0, got)
    }

    private func append(_ source: UnsafeRawPointer?, _ count: Int) -> Int {
        guard let source, failure == 0 else { return 0 }
        var done = 0
        while done < count {
            errno = 0
            let wrote = write(descriptor, source + done, count - done, position)
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else {
                failure = errno == 0 ? EIO : errno
                return done
            }
            done += wrote
            position += wrote
            size = max(size, position)
        }
        return done
    }
}
