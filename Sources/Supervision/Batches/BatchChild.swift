import Foundation
import Support

/// One recipe of a batch as a child process: what all its processes hold and write is watched, and whatever it started
/// ends with it, also what left its process group or lost its parent.
final class BatchChild {
    private let process: ChildProcess
    private(set) var residentBytes = 0, peakBytes = 0, processes = 1
    /// What its processes have written in all, as far as is known: to files, pipes, anywhere.
    private(set) var writtenBytes = 0
    /// `OPAH_OUT=...`: no other process has this in its environment.
    private let mark: String

    /// - Parameters:
    ///   - mark: a variable of `environment` that no other process has, by which processes are found that left the
    ///     group.
    ///   - log: what it writes, errors too.
    ///   - fileBytes: no file may become larger.
    init(_ arguments: [String], environment: [String: String], mark: String, log: String, fileBytes: Int) throws {
        self.mark = mark + "=" + (environment[mark] ?? "")
        // No core files: a picture of a crash's memory could fill the disk.
        process = try Self.limited([RLIMIT_FSIZE: fileBytes, RLIMIT_CORE: 0]) {
            try ChildProcess(arguments, environment: environment, output: .file(log))
        }
        // When the machine runs out of memory all the same, it should be a recipe that ends, not the batch.
        try? "800".write(toFile: "/proc/\(process.identifier)/oom_score_adj", atomically: false, encoding: .utf8)
    }

    /// A child inherits the limits of this process, which writes nothing meanwhile.
    private static func limited<R>(
        _ limits: KeyValuePairs<__rlimit_resource, Int>, _ body: () throws -> R
    ) rethrows -> R {
        var before: [(Int32, rlimit)] = []
        for (what, value) in limits {
            var limit = rlimit()
            guard getrlimit(Int32(what.rawValue), &limit) == 0 else { continue }
            before.append((Int32(what.rawValue), limit))
            limit.rlim_cur = min(limit.rlim_max, rlim_t(value))
            setrlimit(Int32(what.rawValue), &limit)
        }
        defer { for (what, var limit) in before { setrlimit(what, &limit) } }
        return try body()
    }

    var identifier: pid_t { process.identifier }
    var seconds: Double { process.seconds }

    /// Looks at what its processes hold now.
    /// - Parameter marks: `ProcessTable.marks`, where they have been looked up this time.
    func look(at table: ProcessTable, _ marks: [String: [pid_t]]?) {
        if let marks { strays = marks.filter { $0.key == mark || $0.key.hasPrefix(mark + "/") }.flatMap(\.value) }
        let family = table.family(
            of: [process.identifier] + strays + followed.filter { table.start(of: $0.key) == $0.value }.map(\.key))
        followed = Dictionary(uniqueKeysWithValues: family.map { ($0.pid, $0.start) })
        residentBytes = ProcessTable.residentBytes(of: family)
        processes = family.count
        peakBytes = max(peakBytes, residentBytes)
        // What a process wrote counts for its parent once that has taken note of its end, and is lost when nobody does.
        if marks != nil { writtenBytes = max(writtenBytes, family.reduce(0) { $0 + ProcessTable.written(by: $1.pid) }) }
    }

    /// Processes with its mark, whoever is their parent now.
    private var strays: [pid_t] = []
    /// Those that belonged to it when it was last looked at, with their start: one may have left the group, lost its
    /// parent and put off the mark since.
    private var followed: [pid_t: Int] = [:]

    /// As Ctrl-C does: recipes save their state. After the seconds of `grace` it is killed.
    func stop(grace: Double) { process.stop(grace: grace) }
    func kill() { process.kill() }

    /// Nil while it runs. When it has ended, all that it started is ended too.
    func ending() -> ChildProcess.End? {
        guard let end = process.poll() else { return nil }
        process.kill()
        let table = ProcessTable()
        for (pid, start) in followed where pid != process.identifier && table.start(of: pid) == start {
            _ = Glibc.kill(pid, SIGKILL)
        }
        ProcessTable.killAll(mark)
        peakBytes = max(peakBytes, end.peakBytes)
        return end
    }
}
