import Glibc

/// `.opah-made.jsonl` in a folder: what its files were made from. One JSON object a line, the last line about a name
/// counts; lines are added as files are made, so that a killed run loses nothing.
///
///     {"made": "a.npy", "by": "extract-vq", "format": 1, "settings": {"codec": "5d0c..."}, "key": "91ab...",
///      "from": {"sound": ["a.wav", "<stamp>", "<digest>"]}, "to": {"a.npy": ["<stamp>", "<digest>"]}}
///     {"made": "a.npy", "open": true, "to": {...}}     being made; what lies there may be half of it
///     {"made": "a.npy", "gone": true}
///
/// `key` is a digest of stage, format, settings and the inputs' content, of no paths and times: two results with the
/// same key are the same, wherever they lie.
final class MadeRecord {
    /// A file that something was made from, as seen from the folder of the record.
    struct Source: Equatable { var path: String, stamp: String, digest: String }
    struct Output: Equatable { var stamp: String, digest: String }

    struct Entry: Equatable {
        var stage = "", format = 0
        var settings: [String: ConfigValue] = [:]
        /// By role: `sound`, `label`, `label:.txt`.
        var sources: [String: Source] = [:]
        /// By path below the folder.
        var outputs: [String: Output] = [:]
        /// Was being made when the line was written.
        var isOpen = false

        var key: String {
            let digest = Digest()
            digest.update("\(stage)\0\(format)\0")
            for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
                digest.update("\(name)\0\(JSON.encode(value))\0")
            }
            for (role, source) in sources.sorted(by: { $0.key < $1.key }) {
                digest.update("\(role)\0\(source.digest)\0")
            }
            return digest.finish()
        }
    }

    static let name = ".opah-made.jsonl"
    /// Larger ones are none of ours: a line takes some hundred bytes, and a folder holds a hundred thousand files at
    /// most.
    private static let largest = 1 << 28

    let folder: String
    private(set) var entries: [String: Entry] = [:]
    private let path: String
    private var lines = 0
    private var descriptor: Int32 = -1
    private var isUnsynced = false

    /// Whether it holds a descriptor.
    var isOpen: Bool { descriptor >= 0 }

    init(_ folder: String) {
        self.folder = folder
        path = PathName.join(folder, Self.name)
        read()
    }

    deinit { close() }

    private func read() {
        (entries, lines) = ([:], 0)
        guard let file = try? MappedFile(path), file.bytes.count <= Self.largest else { return }
        withExtendedLifetime(file) {
            for line in file.bytes.split(separator: UInt8(ascii: "\n")) {
                lines += 1
                // A line that breaks off (the power went) says nothing.
                guard let value = try? JSON.decode(UnsafeRawBufferPointer(rebasing: line)),
                    let name = value["made"]?.string
                else { continue }
                entries[name] = value["gone"] == nil ? Self.entry(value) : nil
            }
        }
    }

    /// Adds a line about `name`; nil forgets it. `sync` waits until it is on the disk.
    func set(_ name: String, _ entry: Entry?, sync: Bool = false) throws {
        entries[name] = entry
        try open()
        let bytes = Array(
            (JSON.encode(entry.map { Self.line(name, $0) } ?? ["made": .string(name), "gone": true]) + "\n").utf8)
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else {
            throw OpahError.system(path, errno: count < 0 ? errno : ENOSPC, doing: "write")
        }
        lines += 1
        isUnsynced = true
        if sync { fsync(descriptor) }
    }

    /// Others may add lines at the same time; nobody writes the file anew while another has it open.
    private func open() throws {
        while descriptor < 0 {
            descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { throw OpahError.system(path, errno: errno, doing: "write") }
            while flock(descriptor, LOCK_SH) != 0, errno == EINTR {}
            var opened = stat(), named = stat()
            guard fstat(descriptor, &opened) != 0 || stat(path, &named) != 0 || opened.st_ino != named.st_ino else {
                break
            }
            Glibc.close(descriptor)
            descriptor = -1
        }
        var last: UInt8 = 0
        let size = lseek(descriptor, 0, SEEK_END)
        if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != UInt8(ascii: "\n") {
            write(descriptor, "\n", 1)
        }
    }

    /// Ends the writing; a file with more old lines than new ones is written anew.
    func close() {
        guard descriptor >= 0 else { return }
        if lines > 2 * entries.count + 64, flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
            read()
            let text = entries.sorted { $0.key < $1.key }.map { JSON.encode(Self.line($0.key, $0.value)) + "\n" }
                .joined()
            if (try? AtomicFile.write(path, text)) != nil { isUnsynced = false }
        }
        if isUnsynced { fsync(descriptor) }
        Glibc.close(descriptor)
        descriptor = -1
        isUnsynced = false
    }

    // MARK: as JSON

    private static func line(_ name: String, _ entry: Entry) -> ConfigValue {
        func map<T>(_ values: [String: T], _ value: (T) -> ConfigValue) -> ConfigValue {
            var result = ConfigMap()
            for (key, item) in values.sorted(by: { $0.key < $1.key }) { result[key] = value(item) }
            return .map(result)
        }
        let outputs = map(entry.outputs) { .list([.string($0.stamp), .string($0.digest)]) }
        if entry.isOpen { return ["made": .string(name), "open": true, "to": outputs] }
        return [
            "made": .string(name), "by": .string(entry.stage), "format": .int(entry.format),
            "settings": map(entry.settings) { $0 },
            "key": .string(entry.key),
            "from": map(entry.sources) { .list([.string($0.path), .string($0.stamp), .string($0.digest)]) },
            "to": outputs
        ]
    }

    private static func entry(_ value: ConfigValue) -> Entry? {
        func strings(_ value: ConfigValue, _ count: Int) -> [String]? {
            let strings = value.list?.compactMap(\.string)
            return strings?.count == count ? strings : nil
        }
        var entry = Entry()
        for (name, item) in value["to"]?.map ?? [:] {
            guard let fields = strings(item, 2), isBelow(name) else { return nil }
            entry.outputs[name] = Output(stamp: fields[0], digest: fields[1])
        }
        if value["open"]?.bool == true {
            entry.isOpen = true
            return entry
        }
        guard let stage = value["by"]?.string, let format = value["format"]?.int else { return nil }
        (entry.stage, entry.format) = (stage, format)
        for (name, item) in value["settings"]?.map ?? [:] { entry.settings[name] = item }
        for (role, item) in value["from"]?.map ?? [:] {
            guard let fields = strings(item, 3) else { return nil }
            entry.sources[role] = Source(path: fields[0], stamp: fields[1], digest: fields[2])
        }
        return entry
    }

    /// A record may have come with a stranger's folder: it speaks of files in its own folder only.
    private static func isBelow(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
    }
}
