import Foundation

/// The processes of this machine, as far as a batch must know them: which belong to a recipe, and what they hold.
struct ProcessTable {
    struct Entry { let pid: pid_t, parent: pid_t, group: pid_t, residentBytes: Int }

    private var entries: [Entry] = []

    /// Reads them all.
    init() {
        let page = Int(getpagesize())
        for pid in Self.numbers() {
            guard let text = Self.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")) else { continue }
            // After the name, which may hold anything: state, parent, group, ...; the resident pages are the 22nd.
            let fields = String(decoding: text[(end + 1)...], as: UTF8.self).split(separator: " ")
            guard fields.count > 21, let parent = pid_t(fields[1]), let group = pid_t(fields[2]), let pages = Int(fields[21]) else { continue }
            entries.append(Entry(pid: pid, parent: parent, group: group, residentBytes: pages * page))
        }
    }

    /// A process, its group, and the children of all these.
    func family(of leader: pid_t) -> [Entry] {
        var members: Set<pid_t> = [leader], result: [Entry] = [], grew = true
        while grew {
            grew = false
            for entry in entries where !members.contains(entry.pid) && (entry.group == leader || members.contains(entry.parent)) {
                members.insert(entry.pid)
                grew = true
            }
        }
        for entry in entries where members.contains(entry.pid) { result.append(entry) }
        return result
    }

    /// Processes that were started with this variable in their environment, in whatever group they are now.
    static func started(with variable: String) -> [pid_t] {
        let wanted = Array(variable.utf8)
        return numbers().filter { pid in
            guard pid != getpid(), let environment = read("/proc/\(pid)/environ") else { return false }
            return environment.split(separator: 0).contains { $0.elementsEqual(wanted) }
        }
    }

    private static func numbers() -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var result: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { strtol(UnsafePointer<CChar>(OpaquePointer($0)), nil, 10) }
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
        if let limit = number(group + ".max"), let used = number(group + ".current") { available = min(available, max(0, limit - used)) }
        return available
    }

    private static func number(_ path: String) -> Int? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int($0.filter { !$0.isWhitespace }) }
    }
}
