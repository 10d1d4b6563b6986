import CMPI
import Glibc
import Support

/// How a process waits for the others: it tests, and sleeps in between. MPI's own waiting keeps a core busy.
extension Ranks {
    /// - Throws: kind `interrupted` when nothing came within `limit` seconds (`patience` unless given); from then on
    ///   the others count as lost.
    func wait(_ requests: inout [mpi_request], limit: Double? = nil) throws {
        let clock = ContinuousClock(), began = clock.now
        var next = 0, tests = 0
        while next < requests.count {
            var done: Int32 = 0
            try check(cmpi_test(&requests[next], &done))
            if done != 0 {
                next += 1
                continue
            }
            tests += 1
            if tests < 50 {
                sched_yield()
                continue
            }
            let waited = began.duration(to: clock.now) / .seconds(1)
            if waited > limit ?? patience {
                throw limit == nil ? lose(after: waited) : OpahError(.interrupted, "nobody came")
            }
            // A fiftieth of what it has taken so far: short waits stay short, and long ones cost nothing.
            usleep(UInt32(min(1000, max(20, waited * 20_000))))
        }
    }

    func check(_ code: Int32) throws {
        guard code == 0 else {
            isBroken = true
            throw OpahError(
                .interrupted, "the connection to the other processes broke (MPI's error \(code))",
                hint: "look for a machine that went down; the last checkpoint is whole")
        }
    }

    func beforeCall() throws {
        guard !isBroken else {
            throw OpahError(.interrupted, "the other processes are lost, so nothing more can be done with them")
        }
    }

    /// Whoever waited too long tells the first process that it is there; who has not, is the lost one. The first goes
    /// on to save, and then ends all; the others give it time for that.
    private func lose(after waited: Double) -> OpahError {
        isBroken = true
        let seconds = DurationText.words(waited)
        guard rank == 0 else {
            var sign: UInt8 = 1, request = mpi_request(), done: Int32 = 0
            if cmpi_send(Int32(MPI_CHANNEL_END), &sign, 1, 0, &request) == 0 { _ = cmpi_test(&request, &done) }
            sleepFor(max(10, min(60, patience)))
            return OpahError(
                .interrupted, "waited \(seconds) for the other processes: \(name(0)) must be lost", hint: lostHint)
        }
        let lost = silent(within: min(5, max(2, patience)))
        let who = lost.isEmpty ? "another process" : lost.map(name).joined(separator: ", ")
        return OpahError(.interrupted, "waited \(seconds) for \(who), and heard nothing", hint: lostHint)
    }

    private var lostHint: String {
        "run the same command again, with any number of processes; OPAH_DIST_TIMEOUT says how many seconds a process may be silent"
    }

    /// The processes that give no sign of themselves.
    private func silent(within seconds: Double) -> [Int] {
        let others = Array(1 ..< size), clock = ContinuousClock(), began = clock.now
        // never freed: what is received may still come
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        var requests = others.map { other in
            var request = mpi_request()
            return cmpi_receive(Int32(MPI_CHANNEL_END), bytes + other, 1, Int32(other), &request) == 0 ? request : nil
        }
        var heard: Set<Int> = []
        while heard.count < others.count, began.duration(to: clock.now) < .seconds(seconds) {
            for (i, other) in others.enumerated() where !heard.contains(other) && requests[i] != nil {
                var done: Int32 = 0
                if cmpi_test(&requests[i]!, &done) == 0, done != 0 { heard.insert(other) }
            }
            usleep(2000)
        }
        return others.filter { !heard.contains($0) }
    }

    private func sleepFor(_ seconds: Double) {
        let clock = ContinuousClock(), end = clock.now + .seconds(seconds)
        while clock.now < end { usleep(20_000) }
    }
}
