import Foundation

/// Processes that lose their parent become this one's children, not init's, so that one which has left its group and
/// put off its environment as well (`setsid env -i ...`) cannot outlive the batch unseen.
///
/// A mark in the environment tells whose an orphan is. One without any mark is nobody's work: it is ended.
final class BatchOrphans {
    private var suspects: [pid_t: Int] = [:]

    init() { Self.adopt(true) }

    /// Collects those that have ended, and ends those that belong to no recipe.
    /// - Parameter children: the recipes' own processes, which are waited for elsewhere.
    func look(at table: ProcessTable, children: Set<pid_t>) {
        var unmarked: [pid_t: Int] = [:]
        for orphan in table.children(of: getpid()) where !children.contains(orphan.pid) {
            if waitpid(orphan.pid, nil, WNOHANG) == orphan.pid || ProcessTable.hasMark(orphan.pid, BatchRun.mark) {
                continue
            }
            unmarked[orphan.pid] = orphan.start
            // Between one program and the next a process has no environment for a moment: two looks decide.
            if suspects[orphan.pid] == orphan.start { kill(orphan.pid, SIGKILL) }
        }
        suspects = unmarked
    }

    /// At the end nothing that was started is left.
    func end() {
        for _ in 0 ..< 200 {
            let left = ProcessTable().children(of: getpid())
            if left.isEmpty { break }
            for orphan in left {
                kill(orphan.pid, SIGKILL)
                waitpid(orphan.pid, nil, WNOHANG)
            }
            usleep(5000)
        }
        Self.adopt(false)
    }

    /// prctl(PR_SET_CHILD_SUBREAPER, ...), which Swift cannot call by its name: it takes any number of arguments. Where
    /// there is none, orphans without a mark are not found.
    private static func adopt(_ flag: Bool) {
        guard let address = dlsym(nil, "prctl") else { return }
        typealias Prctl = @convention(c) (CInt, CUnsignedLong, CUnsignedLong, CUnsignedLong, CUnsignedLong) -> CInt
        _ = unsafeBitCast(address, to: Prctl.self)(36, flag ? 1 : 0, 0, 0, 0)
    }
}
