import Foundation
import Support

/// One recipe of a batch while it runs, for the first time or again: its process, and what it must not do.
final class BatchAttempt {
    let index: Int, folder: BatchFolder, fingerprint: String, attempt: Int, child: BatchChild, events: BatchEvents
    private let limits: BatchRun.Limits, start: BatchDiskStart
    /// What its folder took when it was last measured.
    private(set) var takenBytes: Int
    /// Written between the last two looks at the disk.
    private(set) var newlyWritten = 0
    private var stopped: (state: BatchOutcome.State, reason: String)?
    private var looked = ContinuousClock().now, measured = ContinuousClock().now
    private var writtenBefore = 0
    private var earlier: (seconds: Double, peak: Int) = (0, 0)

    init(
        _ index: Int, _ item: BatchItem, _ folder: BatchFolder, program: String, jobs: Int, _ limits: BatchRun.Limits,
        fingerprint: String,
        start: BatchDiskStart, takenBytes: Int, after other: BatchAttempt?
    ) throws {
        (self.index, self.folder, self.fingerprint, self.limits, self.start, self.takenBytes) = (
            index, folder, fingerprint, limits, start, takenBytes
        )
        attempt = (other?.attempt ?? 0) + 1
        if let other {
            earlier = (other.earlier.seconds + other.child.seconds, max(other.earlier.peak, other.child.peakBytes))
        }
        var environment: [String: String] = [:]
        environment[BatchRun.mark] = folder.out
        environment["OPAH_RECORD"] = folder.record
        environment["OPAH_EVENTS"] = folder.events
        environment["OPAH_BATCH"] = String(getpid())
        environment["TMPDIR"] = folder.temporary
        // After a crash the last lines of the log shall say where it was.
        if getenv("SWIFT_BACKTRACE") == nil { environment["SWIFT_BACKTRACE"] = "registers=none,images=none" }
        // What a recipe plans with; beyond it, it would be killed.
        if getenv("OPAH_MEMORY_LIMIT") == nil { environment["OPAH_MEMORY_LIMIT"] = String(limits.memory) }
        if getenv("OPAH_THREADS") == nil {
            environment["OPAH_THREADS"] = String(max(1, ProcessInfo.processInfo.activeProcessorCount / jobs))
        }
        let arguments = item.arguments.map { $0.replacing("{out}", with: folder.out) }
        child = try BatchChild(
            [program, "run", item.recipe] + arguments, environment: environment, mark: BatchRun.mark, log: folder.log,
            fileBytes: limits.disk)
        events = BatchEvents(folder.events)
    }

    var isTimeToLook: Bool { looked.duration(to: ContinuousClock().now) > .milliseconds(100) }
    /// Not yet told to stop.
    var isGoing: Bool { stopped == nil }

    /// Asks once; it is killed when it has not ended in time.
    func stop(_ state: BatchOutcome.State, _ reason: String) {
        guard stopped == nil else { return }
        stopped = (state, reason)
        child.stop(grace: limits.grace)
    }

    /// What nothing can be asked of any more.
    func kill(_ state: BatchOutcome.State, _ reason: String) {
        if stopped == nil { stopped = (state, reason) }
        child.kill()
    }

    /// Time, memory, processes, and what its own folder takes.
    func watch(_ table: ProcessTable, _ marks: [String: [pid_t]]?) {
        let now = ContinuousClock().now
        looked = now
        if let timeout = limits.timeout, child.seconds > timeout {
            stop(.timedOut, "after \(DurationText.clock(timeout))")
        }
        child.look(at: table, marks)
        if marks != nil { (newlyWritten, writtenBefore) = (child.writtenBytes - writtenBefore, child.writtenBytes) }
        events.read()
        if child.processes > BatchRun.Limits.processes { kill(.tooManyProcesses, "\(child.processes) at once") }
        if child.residentBytes > limits.memory {
            kill(.overMemory, "held \(ByteCount.text(child.residentBytes)), may hold \(ByteCount.text(limits.memory))")
        }
        let log = folder.logBytes
        if log > limits.log { kill(.overDisk, "its log grew to \(ByteCount.text(log))") }
        // A look at a large folder takes its time: at most a twentieth of it goes there.
        guard now > measured else { return }
        let took = measure()
        measured = ContinuousClock().now + max(.milliseconds(500), took * 20)
        if takenBytes > limits.disk {
            kill(.overDisk, "wrote \(ByteCount.text(takenBytes)), may write \(ByteCount.text(limits.disk))")
        }
    }

    private func measure() -> Duration {
        let began = ContinuousClock().now
        takenBytes = DiskSpace.taken(by: folder.path)
        return began.duration(to: ContinuousClock().now)
    }

    /// What it writes elsewhere.
    /// - Parameters:
    ///   - free: bytes at each place of `disk`.
    ///   - taken: by the folders of all recipes.
    func watchElsewhere(_ disk: BatchDisk, free: [Int], taken: Int) {
        func isTooMuch(_ gone: Int) -> Bool { gone > limits.disk && child.writtenBytes - takenBytes > limits.disk }
        guard isGoing, start.gone(disk, free: free, taken: taken).contains(where: isTooMuch) else { return }
        // It may be what it has just written to its own folder.
        let before = takenBytes
        _ = measure()
        let gone = start.gone(disk, free: free, taken: taken + takenBytes - before)
        guard let place = gone.indices.max(by: { gone[$0] < gone[$1] }), isTooMuch(gone[place]) else { return }
        kill(
            .overDisk,
            "wrote \(ByteCount.text(child.writtenBytes)), \(ByteCount.text(takenBytes)) of it to its folder, while \(ByteCount.text(gone[place])) went at \(disk.places[place].path); may write \(ByteCount.text(limits.disk))"
        )
    }

    func outcome(_ ending: ChildProcess.End) -> BatchOutcome {
        events.read(megabytes: 64)
        var outcome = BatchOutcome(code: ending.code)
        // A run that was asked to stop and finished all the same is finished.
        if let stopped, !outcome.isFinished { (outcome.state, outcome.reason) = stopped }
        outcome.code = ending.code
        outcome.attempts = attempt
        outcome.seconds = earlier.seconds + ending.seconds
        outcome.peakBytes = max(earlier.peak, child.peakBytes)
        outcome.metrics = events.metrics
        outcome.outputs = events.outputs
        if outcome.state == .failed, outcome.reason.isEmpty {
            outcome.reason = folder.recorded?["error"]?.string ?? "exit code \(ending.code)"
        }
        return outcome
    }
}
