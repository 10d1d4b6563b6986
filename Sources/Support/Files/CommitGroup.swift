import Glibc
import Synchronization
import SystemShim

/// Many small files made durable together: what one sync costs is the disk's latency, so a sync for each of them costs
/// more than the work.
///
/// Files that are committed inside `add` keep their temporary names until the group is flushed: when it is `maximum`
/// files large, or a second old. Then their contents are made durable, they are renamed, and the folders are synced:
/// with one `syncfs` each where the file system is known to do that well, else with an `fsync` each.
///
/// What holds, as for a single `AtomicFile`: whatever has a final name is whole, after a kill and after a power
/// failure. What `record` wrote gets its name only when all that was added before it has its own, durably; of an owner
/// of whom something failed, no record appears. A kill loses what was not flushed: about a second of work, and nothing
/// says that it was done.
public final class CommitGroup: @unchecked Sendable {
    /// Something that has no final name, and why.
    public struct Failure: Sendable {
        public let owner: String
        public let error: OpahError
    }

    private struct Member { let owner: String, file: AtomicFile }
    private struct Ending { let owner: String, done: () throws -> Void, failed: () -> Void }

    private let maximum: Int, seconds: Double
    private let guarding = Mutex(()), flushing = Mutex(())
    private var files: [Member] = [], records: [Member] = []   // these four under `guarding`
    private var endings: [Ending] = []
    private var failures: [Failure] = []
    private var flushed = ContinuousClock().now

    /// - Parameters:
    ///   - maximum: files in a group at most; each keeps a descriptor.
    ///   - seconds: from one flush to the next.
    public init(maximum: Int = 128, seconds: Double = 1) { (self.maximum, self.seconds) = (maximum, seconds) }

    // MARK: joining

    /// Who joins what, on this thread.
    private final class Collector {
        let group: CommitGroup, owner: String, isRecord: Bool
        init(_ group: CommitGroup, _ owner: String, _ isRecord: Bool) {
            (self.group, self.owner, self.isRecord) = (group, owner, isRecord)
        }
    }

    private static let collector: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Files that `work` commits on this thread join the group, on account of `owner`.
    /// - Throws: what `work` throws; and when a flush tells that the run cannot go on (a full disk), that.
    public func add<R>(_ owner: String, _ work: () throws -> R) throws -> R {
        try collect(owner, isRecord: false, work)
    }

    /// Files that `work` commits say that something was done: they appear after all that was added before them.
    public func record<R>(_ owner: String, _ work: () throws -> R) throws -> R {
        try collect(owner, isRecord: true, work)
    }

    /// What is to be done when all that was added for `owner` until now has its name, and what when it has not.
    public func afterwards(_ owner: String, done: @escaping () throws -> Void, failed: @escaping () -> Void) {
        guarding.withLock { _ in endings.append(Ending(owner: owner, done: done, failed: failed)) }
    }

    private func collect<R>(_ owner: String, isRecord: Bool, _ work: () throws -> R) throws -> R {
        let before = pthread_getspecific(Self.collector), here = Collector(self, owner, isRecord)
        pthread_setspecific(Self.collector, Unmanaged.passUnretained(here).toOpaque())
        let result = try withExtendedLifetime(here) {
            defer { pthread_setspecific(Self.collector, before) }
            return try work()
        }
        if isDue { flush() }
        if let fatal = guarding.withLock({ _ in failures.first { $0.error.isFatal } }) { throw fatal.error }
        return result
    }

    /// Whether the file waits for a group now.
    static func take(_ file: AtomicFile) -> Bool {
        guard let raw = pthread_getspecific(collector) else { return false }
        let collector = Unmanaged<Collector>.fromOpaque(raw).takeUnretainedValue(), group = collector.group
        group.guarding.withLock { _ in
            let member = Member(owner: collector.owner, file: file)
            if collector.isRecord { group.records.append(member) } else { group.files.append(member) }
        }
        return true
    }

    private var isDue: Bool {
        guarding.withLock { _ in
            let count = files.count + records.count
            return count >= maximum || count > 0 && flushed.duration(to: ContinuousClock().now) > .seconds(seconds)
        }
    }

    // MARK: flushing

    /// Brings out all that has joined, and gives what has failed since the last time that it was asked for.
    public func finish() -> [Failure] {
        flush()
        return guarding.withLock { _ in
            defer { failures = [] }
            return failures
        }
    }

    private func flush() {
        flushing.withLock { _ in
            let (files, records, endings) = guarding.withLock { _ in
                defer { (self.files, self.records, self.endings) = ([], [], []) }
                return (self.files, self.records, self.endings)
            }
            guard !files.isEmpty || !records.isEmpty || !endings.isEmpty else { return }
            var failed: [String: OpahError] = [:], order: [String] = []
            func attempt(_ owner: String, _ work: () throws -> Void) {
                guard failed[owner] == nil else { return }
                do { try work() } catch {
                    failed[owner] = error as? OpahError ?? OpahError(.file, "\(error)")
                    order.append(owner)
                }
            }
            Self.sync(files + records) { member in attempt(member.owner) { try member.file.sync() } }
            func place(_ members: [Member]) {
                guard !members.isEmpty else { return }
                for member in members { attempt(member.owner) { try member.file.place() } }
                Self.syncFolders(Set(members.map { PathName.folder($0.file.path) }))
            }
            place(files)
            // What fails from here on failed with its files in place.
            let unplaced = Set(failed.keys)
            for ending in endings {
                if unplaced.contains(ending.owner) { ending.failed() } else { attempt(ending.owner, ending.done) }
            }
            place(records)
            guarding.withLock { _ in
                failures += order.map { Failure(owner: $0, error: failed[$0]!) }
                flushed = ContinuousClock().now
            }
        }
    }

    /// Contents, durable before any name is given; `alone` syncs one file, where errors must be told apart or one call
    /// for all is not enough.
    private static func sync(_ members: [Member], alone: (Member) -> Void) {
        var devices: [(device: dev_t, members: [Member])] = []
        for member in members {
            var info = stat()
            let device = fstat(member.file.descriptor, &info) == 0 ? info.st_dev : 0
            if let place = devices.firstIndex(where: { $0.device == device }) {
                devices[place].members.append(member)
            } else {
                devices.append((device, [member]))
            }
        }
        for (_, members) in devices {
            // Opened before anything was written, so that it hears of every error since.
            if members.count > 2, system_sync_all(members[0].file.descriptor) == 0 { continue }
            for member in members { alone(member) }
        }
    }

    private static func syncFolders(_ folders: Set<String>) {
        if folders.count > 2, let first = folders.first {
            let descriptor = open(first, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            defer { if descriptor >= 0 { close(descriptor) } }
            var devices: Set<dev_t> = []
            for folder in folders {
                var info = stat()
                if stat(folder, &info) == 0 { devices.insert(info.st_dev) }
            }
            if descriptor >= 0, devices.count == 1, system_sync_all(descriptor) == 0 { return }
        }
        for folder in folders { AtomicFile.syncFolder(folder) }
    }
}
