import Foundation
import Support

/// Recipes run as child processes, so that one that crashes, hangs, forks or fills memory or disk cannot take the
/// others along. Each has a folder of its own (see `BatchFolder`); what is finished there and unchanged is not run again.
public final class BatchRun {
    public struct Limits: Sendable {
        /// Seconds for one attempt; nil for none.
        public var timeout: Double?
        /// Seconds from being asked to stop (as Ctrl-C does, so that state is saved) to being killed.
        public var grace = 30.0
        /// Bytes that all processes of a recipe may hold, and that its folder may take.
        public var memory: Int, disk: Int
        static let processes = 256

        /// An equal share, among `jobs`, of three quarters of the memory and half of the disk that are free now.
        public init(jobs: Int, output: String) {
            memory = max(256 << 20, MachineRoom.availableMemory / 4 * 3 / max(jobs, 1))
            disk = max(16 << 20, ((try? DiskSpace.free(at: output)) ?? 1 << 40) / 2 / max(jobs, 1))
        }
    }

    public struct Settings: Sendable {
        public var jobs = 1, retries = 0
        /// Begin others after one has failed.
        public var keepGoing = true
        /// Run also what is finished and unchanged.
        public var fresh = false
        public var limits: Limits

        public init(limits: Limits) { self.limits = limits }
    }

    /// What happens meanwhile, for the screen.
    public enum Event {
        case began(BatchItem, attempt: Int), ended(BatchItem, BatchOutcome, lastLines: String), retrying(BatchItem, BatchOutcome)
        /// Several times a second: a line for each that runs, and one for all.
        case status(running: [String], summary: String)
        case stopping
    }

    private let program: String, items: [BatchItem], output: String, settings: Settings
    private let lock: FolderLock
    private var outcomes: [BatchOutcome?]
    private var hasFailed = false

    /// Makes the output folder, which one batch uses at a time.
    public init(program: String, items: [BatchItem], output: String, settings: Settings) throws {
        (self.program, self.items, self.settings) = (program, items, settings)
        try FileKind.makeFolder(output)
        self.output = FileKind.resolved(output)
        outcomes = Array(repeating: nil, count: items.count)
        lock = try FolderLock(output, for: "a batch")
    }

    // MARK: running

    /// Outcomes in the order of the items. Ctrl-C stops what runs, as Ctrl-C stops a recipe; a second one kills.
    public func run(_ tell: (Event) throws -> Void) throws -> [BatchOutcome] {
        let signals = StopSignals()
        defer { signals.restore() }
        var waiting = Array(items.indices.reversed()), running: [Running] = [], told = 0, lastStatus = ContinuousClock().now
        for index in items.indices where !settings.fresh {
            if let outcome = folder(index).finished(fingerprint: try RunFingerprint.of(items[index], program: program)) {
                outcomes[index] = outcome
                waiting.removeAll { $0 == index }
                try tell(.ended(items[index], outcome, lastLines: ""))
            }
        }
        do {
            while !running.isEmpty || (!waiting.isEmpty && signals.count == 0 && !(hasFailed && !settings.keepGoing)) {
                while running.count < settings.jobs, signals.count == 0, !(hasFailed && !settings.keepGoing), let next = waiting.popLast() {
                    running.append(try Running(index: next, run: self))
                    try tell(.began(items[next], attempt: 1))
                }
                usleep(20_000)
                if signals.count > told {
                    told = signals.count
                    try tell(.stopping)
                    for one in running { told == 1 ? one.stop(.interrupted, "") : one.child.kill() }
                }
                try look(&running, &waiting, stopping: signals.count > 0, tell)
                if lastStatus.duration(to: ContinuousClock().now) > .milliseconds(200) {
                    lastStatus = ContinuousClock().now
                    try tell(status(running))
                }
            }
        } catch {
            for one in running { one.child.kill() }
            throw error
        }
        return outcomes.map { $0 ?? BatchOutcome(state: .notRun, reason: hasFailed && !settings.keepGoing && signals.count == 0 ? "another failed" : "the batch was interrupted") }
    }

    private func look(_ running: inout [Running], _ waiting: inout [Int], stopping: Bool, _ tell: (Event) throws -> Void) throws {
        let table = running.contains { $0.isTimeToLook } ? ProcessTable() : nil
        for one in running { one.watch(table, settings.limits) }
        for (place, one) in running.enumerated().reversed() {
            guard let ending = one.child.ending() else { continue }
            running.remove(at: place)
            let outcome = one.outcome(ending)
            if outcome.isWorthRetrying, one.attempt <= settings.retries, !stopping {
                try tell(.retrying(items[one.index], outcome))
                running.append(try Running(again: one, run: self))
                continue
            }
            try one.folder.save(outcome, items[one.index], fingerprint: one.fingerprint)
            outcomes[one.index] = outcome
            if !outcome.isFinished { hasFailed = true }
            try tell(.ended(items[one.index], outcome, lastLines: one.folder.lastLines(20)))
        }
    }

    private func status(_ running: [Running]) -> Event {
        let ended = outcomes.compactMap(\.self), failed = ended.count { !$0.isFinished }
        return .status(running: running.map { one in
            ([items[one.index].name, DurationText.clock(one.child.seconds), ByteCount.text(one.child.residentBytes)] + [one.events.progress]).filter { !$0.isEmpty }.joined(separator: "  ")
        }, summary: "\(ended.count) of \(items.count) ended" + (failed > 0 ? ", \(failed) failed" : "") + ", \(running.count) running")
    }

    private func folder(_ index: Int) -> BatchFolder { BatchFolder(output, items[index]) }

    // MARK: one of them

    private final class Running {
        let index: Int, folder: BatchFolder, fingerprint: String, attempt: Int, child: BatchChild, events: BatchEvents
        private var stopped: (state: BatchOutcome.State, reason: String)?
        private var looked = ContinuousClock().now, measured = ContinuousClock().now
        private var earlier: (seconds: Double, peak: Int) = (0, 0)
        private let limits: Limits

        convenience init(index: Int, run: BatchRun) throws {
            let folder = run.folder(index)
            try folder.prepare()
            try self.init(index, folder, attempt: 1, fingerprint: RunFingerprint.of(run.items[index], program: run.program), run)
        }

        convenience init(again other: Running, run: BatchRun) throws {
            try other.folder.prepareAttempt(other.attempt + 1)
            try self.init(other.index, other.folder, attempt: other.attempt + 1, fingerprint: other.fingerprint, run)
            earlier = (other.earlier.seconds + other.child.seconds, max(other.earlier.peak, other.child.peakBytes))
        }

        private init(_ index: Int, _ folder: BatchFolder, attempt: Int, fingerprint: String, _ run: BatchRun) throws {
            (self.index, self.folder, self.attempt, self.fingerprint, limits) = (index, folder, attempt, fingerprint, run.settings.limits)
            let item = run.items[index]
            var environment: [String: String] = [:]
            environment["OPAH_OUT"] = folder.out
            environment["OPAH_RECORD"] = folder.record
            environment["OPAH_EVENTS"] = folder.events
            environment["OPAH_BATCH"] = String(getpid())
            environment["TMPDIR"] = folder.temporary
            // What a recipe plans with; beyond it, it would be killed.
            if getenv("OPAH_MEMORY_LIMIT") == nil { environment["OPAH_MEMORY_LIMIT"] = String(limits.memory) }
            if getenv("OPAH_THREADS") == nil {
                environment["OPAH_THREADS"] = String(max(1, ProcessInfo.processInfo.activeProcessorCount / min(run.settings.jobs, run.items.count)))
            }
            let arguments = item.arguments.map { $0.replacing("{out}", with: folder.out) }
            child = try BatchChild([run.program, "run", item.recipe] + arguments, environment: environment, mark: "OPAH_OUT", log: folder.log,
                                   fileBytes: limits.disk)
            events = BatchEvents(folder.events)
        }

        var isTimeToLook: Bool { looked.duration(to: ContinuousClock().now) > .milliseconds(100) }

        /// Asks once; it is killed when it has not ended in time.
        func stop(_ state: BatchOutcome.State, _ reason: String) {
            guard stopped == nil else { return }
            stopped = (state, reason)
            child.stop(grace: limits.grace)
        }

        /// What nothing can be asked of any more.
        private func kill(_ state: BatchOutcome.State, _ reason: String) {
            if stopped == nil { stopped = (state, reason) }
            child.kill()
        }

        func watch(_ table: ProcessTable?, _ limits: Limits) {
            let now = ContinuousClock().now
            if let timeout = limits.timeout, child.seconds > timeout { stop(.timedOut, "after \(DurationText.clock(timeout))") }
            guard let table, isTimeToLook else { return }
            looked = now
            child.look(at: table)
            events.read()
            if child.residentBytes > limits.memory { kill(.overMemory, "held \(ByteCount.text(child.residentBytes)), may hold \(ByteCount.text(limits.memory))") }
            if child.processes > Limits.processes { kill(.tooManyProcesses, "\(child.processes) at once") }
            // A look at a large folder takes its time: at most a twentieth of it goes there.
            guard now > measured else { return }
            let size = DiskSpace.taken(by: folder.path), took = now.duration(to: ContinuousClock().now)
            measured = ContinuousClock().now + max(.milliseconds(500), took * 20)
            if size > limits.disk { kill(.overDisk, "wrote \(ByteCount.text(size)), may write \(ByteCount.text(limits.disk))") }
        }

        func outcome(_ ending: ChildProcess.End) -> BatchOutcome {
            events.read()
            var outcome = BatchOutcome(code: ending.code)
            // A run that was asked to stop and finished all the same is finished.
            if let stopped, !outcome.isFinished { (outcome.state, outcome.reason) = stopped }
            outcome.code = ending.code
            outcome.attempts = attempt
            outcome.seconds = earlier.seconds + ending.seconds
            outcome.peakBytes = max(earlier.peak, child.peakBytes)
            outcome.metrics = events.metrics
            outcome.outputs = events.outputs
            if outcome.state == .failed, outcome.reason.isEmpty { outcome.reason = (try? JSON.read(folder.record))?["error"]?.string ?? "exit code \(ending.code)" }
            return outcome
        }
    }
}

/// Counts the times that somebody asked this process to stop, instead of ending it.
private final class StopSignals {
    nonisolated(unsafe) private static let counter: UnsafeMutablePointer<sig_atomic_t> = {   // written by the handler alone
        let pointer = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return pointer
    }()
    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    init() {
        Self.counter.pointee = 0                 // and allocated before a signal can come
        for number in Self.signals { signal(number) { _ in StopSignals.counter.pointee += 1 } }
    }

    var count: Int { Int(Self.counter.pointee) }

    func restore() { for number in Self.signals { signal(number, SIG_DFL) } }
}
