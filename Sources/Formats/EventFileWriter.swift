import Glibc
import Support
import SwiftProtobuf

/// Writes scalar curves to an event file that TensorBoard shows.
///
/// Every record goes to the file at once, so a crash loses nothing but a torn last record, which opening
/// the folder again cuts off.
public final class EventFileWriter {
    public let path: String
    private var descriptor: Int32 = -1

    /// Opens the folder's event file and appends to it, or starts one.
    ///
    /// - Parameters:
    ///   - folder: must exist.
    ///   - lastStep: when training resumes from a checkpoint of this step, what was written after it is cut off.
    public init(folder: String, resumingAfter lastStep: Int? = nil) throws {
        let now = Self.now()
        if let known = try Self.newestEventFile(in: folder) {
            path = folder + "/" + known
            let keep = try Self.wholePrefix(path, lastStep: lastStep)
            descriptor = try Self.openForAppending(path)
            guard ftruncate(descriptor, off_t(keep)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
                throw OpahError.system(path, errno: errno, doing: "truncate")
            }
            if keep > 0 { return }
        } else {
            path = folder + "/events.out.tfevents.\(Int(now)).opah"
            descriptor = try Self.openForAppending(path)
        }
        var first = Tensorboard_Event()
        first.wallTime = now
        first.fileVersion = "brain.Event:2"
        try append(first)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Adds one point to each curve.
    ///
    /// - Parameter wallTime: seconds since 1970; now, unless given.
    public func add(_ values: [(tag: String, value: Double)], step: Int, wallTime: Double? = nil) throws {
        var event = Tensorboard_Event()
        event.wallTime = wallTime ?? Self.now()
        event.step = Int64(step)
        event.summary.value = values.map { tag, value in
            var result = Tensorboard_Summary.Value()
            result.tag = tag
            result.simpleValue = Float(value)
            return result
        }
        try append(event)
    }

    /// Makes what was added durable.
    public func flush() throws {
        guard fdatasync(descriptor) == 0 else { throw OpahError.system(path, errno: errno, doing: "sync") }
    }

    /// A record: length, its checksum, the event, its checksum; in one write.
    private func append(_ event: Tensorboard_Event) throws {
        let data: [UInt8]
        do { data = try event.serializedBytes() } catch {
            throw OpahError(.argument, "\(name: path): an event cannot be written: \(error)")
        }
        let length = UInt64(data.count).littleEndianBytes
        let record = length + CRC32C.masked(length).littleEndianBytes + data + CRC32C.masked(data).littleEndianBytes
        var done = 0
        while done < record.count {
            let count = record.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, record.count - done) }
            if count < 0 {
                if errno == EINTR { continue }
                throw OpahError.system(path, errno: errno, doing: "write")
            }
            done += count
        }
    }

    /// The bytes up to the first torn or damaged record, or the first one after `lastStep`.
    private static func wholePrefix(_ path: String, lastStep: Int?) throws -> Int {
        let file = try MappedFile(path)
        defer { withExtendedLifetime(file) {} }
        var reader = ByteReader(file.bytes, place: path)
        var whole = 0
        while let event = try? nextEvent(&reader) {
            if let lastStep, event.step > Int64(lastStep) { break }
            whole = reader.position
        }
        return whole
    }

    private static func nextEvent(_ reader: inout ByteReader) throws -> Tensorboard_Event {
        let damaged = OpahError(.format, "\(reader.place): a torn record")
        let length = try reader.take(8, "a record")
        guard try reader.integer(UInt32.self, "a record") == CRC32C.masked(length) else { throw damaged }
        let data = try reader.take(Int(clamping: length.loadUnaligned(as: UInt64.self).littleEndian), "a record")
        guard try reader.integer(UInt32.self, "a record") == CRC32C.masked(data) else { throw damaged }
        return try Tensorboard_Event(serializedBytes: Array(data))
    }

    /// All curves of an event file: points in the order of writing. A torn end is left out.
    public static func read(_ path: String) throws -> [(step: Int, tag: String, value: Float)] {
        let file = try MappedFile(path)
        defer { withExtendedLifetime(file) {} }
        var reader = ByteReader(file.bytes, place: path), result: [(step: Int, tag: String, value: Float)] = []
        while let event = try? nextEvent(&reader) {
            for value in event.summary.value { result.append((Int(event.step), value.tag, value.simpleValue)) }
        }
        return result
    }

    private static func openForAppending(_ path: String) throws -> Int32 {
        // What is cut and added to must be a file of this folder, and not what a link in it leads to.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: "write") }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_nlink <= 1 else {
            close(descriptor)
            throw OpahError(
                .file, "\(name: path): cannot be written to: it is a link, or no plain file",
                hint: "remove it; where it comes from somebody else, look what else is there")
        }
        return descriptor
    }

    /// The names carry the time, so the last one is the newest.
    private static func newestEventFile(in folder: String) throws -> String? {
        try FolderListing.names(folder).filter { $0.hasPrefix("events.out.tfevents.") }.max()
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
