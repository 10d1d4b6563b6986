import CSndfile
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file as libsndfile is to see it: with some bytes of its header corrected. The file itself stays as it is.
final class PatchedFile {
    private let file: RandomAccessFile
    private let patches: [(offset: Int, bytes: [UInt8])]
    private var position = 0

    init(_ file: RandomAccessFile, patches: [(offset: Int, bytes: [UInt8])]) {
        self.file = file
        self.patches = patches
    }

    /// An open libsndfile handle, or nil; this object must outlive it.
    func open(_ info: inout SF_INFO) -> OpaquePointer? {
        var callbacks = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(PatchedFile.from($0).file.size) },
            seek: { offset, whence, user in
                let file = PatchedFile.from(user)
                let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.position : file.file.size
                file.position = max(0, base + Int(offset))
                return sf_count_t(file.position)
            },
            read: { target, count, user in sf_count_t(PatchedFile.from(user).read(target, Int(count))) },
            write: { _, _, _ in 0 },
            tell: { sf_count_t(PatchedFile.from($0).position) })
        return sf_open_virtual(&callbacks, Int32(SFM_READ), &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func from(_ user: UnsafeMutableRawPointer?) -> PatchedFile {
        Unmanaged<PatchedFile>.fromOpaque(user!).takeUnretainedValue()
    }

    /// A read error ends the file, as libsndfile has no other word for it here.
    private func read(_ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard let target, var bytes = try? file.bytes(at: position, count: count), !bytes.isEmpty else { return 0 }
        for patch in patches {
            for (i, byte) in patch.bytes.enumerated() where bytes.indices.contains(patch.offset + i - position) {
                bytes[patch.offset + i - position] = byte
            }
        }
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
        position += bytes.count
        return bytes.count
    }
}
