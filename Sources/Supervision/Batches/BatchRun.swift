import Console
import Foundation
import Support

/// Recipes run as child processes, so that one that crashes, hangs, forks or fills memory or disk cannot take the
/// others along. Each has a folder of its own (see `BatchFolder`); what is finished there and unchanged is not run
/// again.
public final class BatchRun {
    public struct Limits: Sendable {
        /// Seconds for one attempt; nil for none.
        public var timeout: Double?
        /// Seconds from being asked to stop (as Ctrl-C does, so that state is saved) to being killed.
        public var grace = 30.0
        /// Bytes that all processes of a recipe may hold, and that its folder may take; as much again elsewhere.
        public var memory: Int, disk: Int
        /// What must stay free on the disk; `BatchDisk.usualFloor` unless given.
        public var keepFree: Int?
        static let processes = 256
        /// Of a log; nobody reads more.
        var log: Int { min(disk, 256 << 20) }

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
        /// `2-of-4` when other batches do the other parts of the list, in the same folder; nil when this one does all.
        public var part: String?
        public var limits: Limits

        public init(limits: Limits) { self.limits = limits }
    }

    /// What happens meanwhile, for the screen.
    public enum Event {
        case began(BatchItem, attempt: Int), ended(BatchItem, BatchOutcome, lastLines: String), retrying(
            BatchItem, BatchOutcome)
        /// Several times a second: those that run, and how many of all have ended, failed or wait.
        case status(running: [Status], ended: Int, failed: Int, waiting: Int)
        case stopping
    }

    /// One that runs: its seconds, the bytes that it holds now, and what it says of its progress.
    public struct Status: Sendable { let name: String, seconds: Double, bytes: Int, progress: String }

    private let program: String, items: [BatchItem], output: String, settings: Settings
    private let lock: FolderLock
    private var disk: BatchDisk
    /// What each recipe's folder takes.
    private var taken: [Int]
    private var lookedAtDisk = ContinuousClock().now
    private var outcomes: [BatchOutcome?]
    private var hasFailed = false
    /// Of the recipes that run.
    private var itemLocks: [Int: FolderLock] = [:]

    /// Makes the output folder, which one batch, or one of each part, uses at a time.
    public init(program: String, items: [BatchItem], output: String, settings: Settings) throws {
        (self.program, self.items, self.settings) = (program, items, settings)
        try FileKind.makeFolder(output)
        self.output = FileKind.resolved(output)
        outcomes = Array(repeating: nil, count: items.count)
        taken = Array(repeating: 0, count: items.count)
        disk = BatchDisk(output: self.output, keepFree: settings.limits.keepFree)
        lock = try FolderLock(output, for: "a batch", name: settings.part.map { ".lock-\($0)" } ?? ".lock")
    }

    // MARK: running

    /// Outcomes in the order of the items. Ctrl-C stops what runs, as Ctrl-C stops a recipe; a second one kills.
    public func run(_ tell: (Event) throws -> Void) throws -> [BatchOutcome] {
        let signals = StopSignals()
        defer { signals.restore() }
        let orphans = BatchOrphans()
        defer { orphans.end() }
        endLeftovers { signals.count > 0 }
        var waiting = Array(items.indices.reversed()), running: [BatchAttempt] = [], told = 0,
            lastStatus = ContinuousClock().now
        for index in items.indices where !settings.fresh {
            if let outcome = folder(index).finished(fingerprint: try RunFingerprint.of(items[index], program: program))
            {
                outcomes[index] = outcome
                waiting.removeAll { $0 == index }
                removeLeftLock(index)
                try tell(.ended(items[index], outcome, lastLines: ""))
            }
        }
        do {
            while !running.isEmpty || (!waiting.isEmpty && signals.count == 0 && !(hasFailed && !settings.keepGoing)) {
                while running.count < settings.jobs, signals.count == 0, !(hasFailed && !settings.keepGoing),
                    let next = waiting.popLast()
                {
                    do { running.append(try attempt(next)) } catch {
                        let reason = (error as? OpahError)?.message ?? "\(error)"
                        try end(
                            next, BatchOutcome(state: .failed, reason: "it could not begin: " + reason), lastLines: "",
                            tell)
                        continue
                    }
                    try tell(.began(items[next], attempt: 1))
                }
                usleep(20_000)
                if signals.count > told {
                    told = signals.count
                    try tell(.stopping)
                    for one in running { told == 1 ? one.stop(.interrupted, "") : one.child.kill() }
                }
                try look(&running, orphans, stopping: signals.count > 0, tell)
                if lastStatus.duration(to: ContinuousClock().now) > .milliseconds(200) {
                    lastStatus = ContinuousClock().now
                    try tell(status(running, waiting: waiting.count))
                }
            }
        } catch {
            for one in running { one.child.kill() }
            throw error
        }
        return outcomes.map {
            $0
                ?? BatchOutcome(
                    state: .notRun,
                    reason: hasFailed && !settings.keepGoing && signals.count == 0
                        ? "another failed" : "the batch was interrupted")
        }
    }

    /// Recipes of a batch that was killed outright stop by themselves and save their state (see `OrphanWatch`). What
    /// has not ended in time would write into the folders that are used now.
    private func endLeftovers(unless isStopped: () -> Bool) {
        let began = ContinuousClock().now
        let own = settings.part == nil ? [output] : items.indices.map { folder($0).path }
        var left = ProcessTable.left(below: own), told = false
        while !left.isEmpty, !isStopped() {
            if !told {
                Terminal.log(
                    "waiting for \(left.count == 1 ? "a process" : "\(left.count) processes") of an earlier batch in \(output) to end"
                )
            }
            told = true
            if began.duration(to: ContinuousClock().now) > .seconds(settings.limits.grace) {
                for pid in left { kill(pid, SIGKILL) }
            }
            usleep(50_000)
            left = ProcessTable.left(below: own)
        }
        if told { lock.removeLeftovers() }
    }

    /// That of a batch which was killed between a recipe's last state and its end: nothing else would take it again.
    private func removeLeftLock(_ index: Int) {
        let path = folder(index).path
        guard FileKind.isFile(path + "/" + BatchFolder.lockName) else { return }
        (try? FolderLock(path, for: "a recipe of a batch", name: BatchFolder.lockName))?.release()
    }

    private func look(
        _ running: inout [BatchAttempt], _ orphans: BatchOrphans, stopping: Bool, _ tell: (Event) throws -> Void
    ) throws {
        if let table = running.contains(where: \.isTimeToLook) ? ProcessTable() : nil {
            // Every process of the machine is asked for its environment only now and then.
            let isTime = lookedAtDisk.duration(to: ContinuousClock().now) > .milliseconds(500)
            let marks = isTime ? ProcessTable.marks(Self.mark) : nil
            orphans.look(at: table, children: Set(running.map(\.child.identifier)))
            for one in running {
                one.watch(table, marks)
                taken[one.index] = one.takenBytes
            }
            if isTime {
                lookedAtDisk = ContinuousClock().now
                watchDisk(running)
            }
        }
        for (place, one) in running.enumerated().reversed() {
            guard let ending = one.child.ending() else { continue }
            running.remove(at: place)
            let outcome = one.outcome(ending)
            if outcome.isWorthRetrying, one.attempt <= settings.retries, !stopping {
                try tell(.retrying(items[one.index], outcome))
                if let again = try? attempt(one.index, after: one) {
                    running.append(again)
                    continue
                }
            }
            one.folder.save(outcome, items[one.index], fingerprint: one.fingerprint)
            taken[one.index] = DiskSpace.taken(by: one.folder.path)
            try end(one.index, outcome, lastLines: one.folder.lastLines(20), tell)
        }
    }

    private func end(_ index: Int, _ outcome: BatchOutcome, lastLines: String, _ tell: (Event) throws -> Void) throws {
        outcomes[index] = outcome
        itemLocks.removeValue(forKey: index)?.release()
        if !outcome.isFinished { hasFailed = true }
        try tell(.ended(items[index], outcome, lastLines: lastLines))
    }

    /// What goes where no folder of ours is, and disks that run low: see `BatchDisk`.
    private func watchDisk(_ running: [BatchAttempt]) {
        let free = disk.free(), all = taken.reduce(0, +)
        for one in running { one.watchElsewhere(disk, free: free, taken: all) }
        guard let place = disk.low(free) else { return }
        let floor = disk.places[place]
        // Less than that is what everybody writes.
        let writer = running.filter { $0.isGoing && $0.newlyWritten > 1 << 20 }.max {
            $0.newlyWritten < $1.newlyWritten
        }
        let reason =
            "\(ByteCount.text(free[place])) are free at \(floor.path), and \(ByteCount.text(floor.floor)) must stay free"
        if let writer {
            writer.kill(.overDisk, reason + "; it was writing most")
        } else if floor.holdsOutput, free[place] < floor.floor / 2 {
            // Others fill it, and no recipe could go on writing there. Elsewhere, as in a small /dev/shm, none writes.
            for one in running where one.isGoing { one.stop(.overDisk, reason) }
        } else {
            return
        }
        disk.lowerFloor(of: place, free: free[place])
    }

    static let mark = "OPAH_OUT"

    private func status(_ running: [BatchAttempt], waiting: Int) -> Event {
        let ended = outcomes.compactMap(\.self)
        return .status(
            running: running.map {
                Status(
                    name: items[$0.index].name, seconds: $0.child.seconds, bytes: $0.child.residentBytes,
                    progress: $0.events.progress)
            },
            ended: ended.count, failed: ended.count { !$0.isFinished }, waiting: waiting)
    }

    private func attempt(_ index: Int, after earlier: BatchAttempt? = nil) throws -> BatchAttempt {
        let item = items[index], folder = folder(index)
        if itemLocks[index] == nil {
            itemLocks[index] = try FolderLock(folder.path, for: "a recipe of a batch", name: BatchFolder.lockName)
        }
        if let earlier { try folder.prepareAttempt(earlier.attempt + 1) } else { try folder.prepare() }
        taken[index] = DiskSpace.taken(by: folder.path)
        return try BatchAttempt(
            index, item, folder, program: program, jobs: min(settings.jobs, items.count), settings.limits,
            fingerprint: earlier?.fingerprint ?? RunFingerprint.of(item, program: program),
            start: BatchDiskStart(free: disk.free(), taken: taken.reduce(0, +)), takenBytes: taken[index],
            after: earlier)
    }

    private func folder(_ index: Int) -> BatchFolder { BatchFolder(output, items[index]) }
}

/// Counts the times that somebody asked this process to stop, instead of ending it.
public final class StopSignals {
    // written by the handler alone
    nonisolated(unsafe) private static let counter: UnsafeMutablePointer<sig_atomic_t> = {
        let pointer = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return pointer
    }()
    /// Seconds of the monotonic clock when the last came.
    nonisolated(unsafe) private static let last: UnsafeMutablePointer<Double> = {
        let pointer = UnsafeMutablePointer<Double>.allocate(capacity: 1)
        pointer.initialize(to: -1)
        return pointer
    }()
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1]
    private var caught: [Int32] = []

    public init() {
        (Self.counter.pointee, Self.last.pointee) = (0, -1)   // and allocated before a signal can come
        for number in Self.signals {
            // What the caller wants ignored stays ignored: `nohup`.
            var before = sigaction()
            let ignored = unsafeBitCast(SIG_IGN, to: Int.self)
            if number == SIGHUP, sigaction(number, nil, &before) == 0,
                unsafeBitCast(before.__sigaction_handler, to: Int.self) == ignored
            {
                continue
            }
            caught.append(number)
            signal(number) { number in
                var now = timespec()
                clock_gettime(CLOCK_MONOTONIC, &now)
                let moment = Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
                // A closed terminal sends SIGHUP twice, itself and through its shell: that is one wish.
                if number == SIGINT || moment - StopSignals.last.pointee > 0.1 { StopSignals.counter.pointee += 1 }
                StopSignals.last.pointee = moment
            }
        }
    }

    public var count: Int { Int(Self.counter.pointee) }

    public func restore() { for number in caught { signal(number, SIG_DFL) } }
}
