import Foundation

/// The processes of this machine, as far as a batch must know them: which belong to a recipe, and what they hold.
struct ProcessTable {
    struct Entry {
        let pid: pid_t, parent: pid_t, group: pid_t
        /// When it began, in the kernel's ticks: numbers are used again.
        let start: Int
        let residentBytes: Int
    }

    private var entries: [Entry] = []

    /// Reads them all.
    init() {
        let page = Int(getpagesize())
        for pid in Self.numbers() {
            guard let text = Self.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")) else {
                continue
            }
            // After the name, which may hold anything: state, parent, group, ...; the start is the 20th, the resident
            // pages are the 22nd.
            let fields = String(decoding: text[(end + 1)...], as: UTF8.self).split(separator: " ")
            guard fields.count > 21, let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
                let start = Int(fields[19]), let pages = Int(fields[21])
            else { continue }
            entries.append(Entry(pid: pid, parent: parent, group: group, start: start, residentBytes: pages * page))
        }
    }

    /// Nil when there is no such process.
    func start(of pid: pid_t) -> Int? { entries.first { $0.pid == pid }?.start }

    /// Some processes, the group of the first, and the children of all these.
    func family(of leaders: [pid_t]) -> [Entry] {
        var members = Set(leaders), grew = true
        while grew {
            grew = false
            for entry in entries
            where !members.contains(entry.pid) && (entry.group == leaders.first || members.contains(entry.parent)) {
                members.insert(entry.pid)
                grew = true
            }
        }
        return entries.filter { members.contains($0.pid) }
    }

    /// What processes hold together: of pages that come from files, which they mostly share, only those of the process
    /// with the most.
    static func residentBytes(of family: [Entry]) -> Int {
        if family.count == 1 { return family[0].residentBytes }
        let page = Int(getpagesize())
        var own = 0, shared = 0
        for entry in family {
            // Pages in all, resident, and of these shared.
            let fields =
                read("/proc/\(entry.pid)/statm").map { String(decoding: $0, as: UTF8.self).split(separator: " ") } ?? []
            guard fields.count > 2, let resident = Int(fields[1]), let files = Int(fields[2]) else { continue }
            own += (resident - files) * page
            shared = max(shared, files * page)
        }
        return own + shared
    }

    func children(of parent: pid_t) -> [Entry] { entries.filter { $0.parent == parent } }

    /// Whether a process has this variable in its environment, whatever its value.
    static func hasMark(_ pid: pid_t, _ variable: String) -> Bool {
        let start = Array((variable + "=").utf8)
        return read("/proc/\(pid)/environ")?.split(separator: 0).contains { $0.starts(with: start) } ?? false
    }

    /// The processes whose environment has this variable, in whatever group they are now, by `name=value`.
    static func marks(_ variable: String) -> [String: [pid_t]] {
        let start = Array((variable + "=").utf8)
        var found: [String: [pid_t]] = [:]
        for pid in numbers() where pid != getpid() {
            guard let environment = read("/proc/\(pid)/environ"),
                let mark = environment.split(separator: 0).first(where: { $0.starts(with: start) })
            else { continue }
            found[String(decoding: mark, as: UTF8.self), default: []].append(pid)
        }
        return found
    }

    /// Kills the processes with this mark, as `marks` gives it, and what they start meanwhile.
    static func killAll(_ mark: String) {
        let variable = String(mark.prefix { $0 != "=" })
        for _ in 0 ..< 100 {
            let left = marks(variable).filter { $0.key == mark || $0.key.hasPrefix(mark + "/") }
            if left.isEmpty { return }
            for pid in left.values.joined() { _ = Glibc.kill(pid, SIGKILL) }
            usleep(1000)
        }
    }

    /// What recipes of an earlier batch have left running that wrote below these folders.
    static func left(below folders: [String]) -> [pid_t] {
        // A shell that somebody started from a recipe, with this batch in it, is not one of them.
        let ancestors = ProcessTable().ancestors(of: getpid())
        let prefixes = folders.map { "\(BatchRun.mark)=\($0)/" }
        return marks(BatchRun.mark).filter { mark in prefixes.contains { mark.key.hasPrefix($0) } }.flatMap(\.value)
            .filter { !ancestors.contains($0) }
    }

    private func ancestors(of pid: pid_t) -> Set<pid_t> {
        var result: Set<pid_t> = [], next = pid
        while let entry = entries.first(where: { $0.pid == next }), entry.parent > 0,
            result.insert(entry.parent).inserted
        { next = entry.parent }
        return result
    }

    /// Bytes that a process and its children that have ended have written, wherever to; 0 when that cannot be known.
    static func written(by pid: pid_t) -> Int {
        guard let text = read("/proc/\(pid)/io") else { return 0 }
        var fields: [Substring: Int] = [:]
        let lines = String(decoding: text, as: UTF8.self)
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: ":")
            if parts.count == 2 { fields[parts[0]] = Int(parts[1].drop { $0 == " " }) }
        }
        // Written by calls, and what reached a disk: also through memory that is mapped from a file.
        return max(fields["wchar"] ?? 0, (fields["write_bytes"] ?? 0) - (fields["cancelled_write_bytes"] ?? 0))
    }

    private static func numbers() -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var result: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                strtol(UnsafePointer<CChar>(OpaquePointer($0)), nil, 10)
            }
            if name > 0 { result.append(pid_t(name)) }
        }
        return result
    }

    /// A small file that the kernel makes up when it is read; nil when the process is gone or somebody else's.
    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return bytes.isEmpty ? nil : bytes
    }
}

/// What the machine has to give.
enum MachineRoom {
    /// Bytes of memory that can be had now, the control group's limit included.
    static var availableMemory: Int {
        var available = ProcessMemory.machine().available
        let group = "/sys/fs/cgroup/memory"
        if let limit = number(group + ".max"), let used = number(group + ".current") {
            available = min(available, max(0, limit - used))
        }
        return available
    }

    private static func number(_ path: String) -> Int? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int($0.filter { !$0.isWhitespace }) }
    }
}
