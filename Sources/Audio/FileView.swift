import CSndfile
import Glibc
import Support

/// A file as a decoder is to see it: ranges of the file and literal bytes, one after the other, so that tags, damage
/// and wrong header fields are out of the decoder's sight. The file itself stays as it is.
final class FileView {
    enum Piece {
        case range(Range<Int>)
        case bytes([UInt8])

        var count: Int {
            switch self {
            case .range(let range): range.count
            case .bytes(let bytes): bytes.count
            }
        }
    }

    let size: Int
    /// The furthest byte that was asked for, as an offset in the view.
    private(set) var reach = 0
    private let file: RandomAccessFile
    private let pieces: [(start: Int, piece: Piece)]
    private var position = 0
    private var failure: (any Error)?

    init(_ file: RandomAccessFile, _ pieces: [Piece]) {
        self.file = file
        var start = 0
        self.pieces = pieces.map { piece in
            defer { start += piece.count }
            return (start, piece)
        }
        size = start
    }

    /// Decoders have no word for the system's errors and take them for the file's end.
    func check() throws {
        if let failure { throw failure }
    }

    /// As lseek(2).
    func seek(_ offset: Int, _ whence: Int32) -> Int {
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : size
        let (sum, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, sum >= 0 else { return -1 }
        position = sum
        return sum
    }

    /// As read(2); an error ends the view, and `check` throws it.
    func read(_ target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard let target, failure == nil else { return 0 }
        var done = 0
        while done < count, position < size {
            // The last piece that begins at or before the position.
            var (low, high) = (0, pieces.count)
            while low < high {
                let middle = (low + high) / 2
                if pieces[middle].start <= position { low = middle + 1 } else { high = middle }
            }
            let (start, piece) = pieces[low - 1]
            let offset = position - start, wanted = min(count - done, piece.count - offset)
            switch piece {
            case .bytes(let bytes):
                bytes.withUnsafeBytes { (target + done).copyMemory(from: $0.baseAddress! + offset, byteCount: wanted) }
            case .range(let range):
                do {
                    let got = try file.read(into: target + done, count: wanted, at: range.lowerBound + offset)
                    guard got == wanted else { position += got; return done + got }   // the file has shrunk
                } catch {
                    failure = error
                    return done
                }
            }
            position += wanted
            done += wanted
        }
        reach = max(reach, position)
        return done
    }

    /// From the pointer that a C library passes back.
    static func from(_ user: UnsafeMutableRawPointer?) -> FileView {
        Unmanaged<FileView>.fromOpaque(user!).takeUnretainedValue()
    }

    /// An open libsndfile handle, or nil; this object must outlive it.
    func openSndfile(_ info: inout SF_INFO) -> OpaquePointer? {
        var callbacks = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(FileView.from($0).size) },
            seek: { sf_count_t(FileView.from($2).seek(Int($0), $1)) },
            read: { sf_count_t(FileView.from($2).read($0, Int($1))) },
            write: { _, _, _ in 0 },
            tell: { sf_count_t(FileView.from($0).position) })
        return sf_open_virtual(&callbacks, Int32(SFM_READ), &info, Unmanaged.passUnretained(self).toOpaque())
    }
}
