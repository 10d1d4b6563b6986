import Glibc
import Support
import Synchronization

/// A run of bytes that one or more tensors look at: allocated here, or borrowed from a mapped file.
public final class Storage: @unchecked Sendable {
    public let pointer: UnsafeMutableRawPointer
    public let byteCount: Int
    /// What keeps borrowed bytes alive (a `MappedFile`); nil when the bytes are our own.
    private let owner: AnyObject?
    /// When the elements were last written in place, on the clock of all such writes; 0 when never. Autograd notices
    /// by it that a saved value has changed.
    public private(set) var version = 0

    /// To be called after every write in place, once.
    @inline(__always) public func didChange() { version = Storage.writes.add(1, ordering: .relaxed).newValue }

    private static let writes = Atomic<Int>(0)
    /// The present time on the clock of writes in place: a storage with a later `version` has been written since.
    public static var clock: Int { writes.load(ordering: .relaxed) }

    /// Mapped weights are read-only: writing to them would be a fault, not a change.
    public var isMapped: Bool { owner != nil }

    /// Uninitialised bytes, aligned to 64.
    public init(byteCount: Int) throws {
        guard byteCount >= 0, byteCount <= Memory.limit else {
            throw OpahError(
                .memory, "a tensor of \(byteCount) bytes cannot be allocated",
                hint: "this machine has \(Memory.limit >> 20) MiB of memory")
        }
        var raw: UnsafeMutableRawPointer?
        // Small blocks take malloc's 16-byte alignment: it is what a REPL's four-element tensors cost.
        if byteCount <= 1024 {
            raw = malloc(max(byteCount, 1))
        } else if byteCount >= BlockCache.smallest {
            raw = BlockCache.take(byteCount)
        } else if posix_memalign(&raw, 64, byteCount) != 0 {
            raw = nil
        }
        guard let raw else { throw OpahError(.memory, "out of memory while allocating \(byteCount) bytes") }
        pointer = raw
        self.byteCount = byteCount
        owner = nil
        Memory.added(byteCount)
    }

    /// Bytes of a mapped file. `bytes` must stay inside what `owner` keeps alive.
    public init(borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        pointer = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? Storage.nowhere
        byteCount = bytes.count
        self.owner = owner
    }

    /// Takes a mapped storage's pages out of the process's memory, until they are read again. Call it when its elements
    /// have been converted: what a step does not read shall not count.
    public func releasePages() {
        guard isMapped else { return }
        let page = sysconf(Int32(_SC_PAGESIZE)), start = Int(bitPattern: pointer)
        let lower = (start + page - 1) / page * page, upper = (start + byteCount) / page * page
        if upper > lower { madvise(UnsafeMutableRawPointer(bitPattern: lower), upper - lower, MADV_DONTNEED) }
    }

    /// Where tensors without bytes point.
    nonisolated(unsafe) private static let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

    deinit {
        guard owner == nil else { return }
        if byteCount >= BlockCache.smallest { BlockCache.give(pointer, byteCount) } else { free(pointer) }
        Memory.added(-byteCount)
    }
}

/// How many bytes tensors hold (mapped ones do not count).
public enum Memory {
    private static let liveBytes = Atomic<Int>(0)
    private static let peakBytes = Atomic<Int>(0)

    static func added(_ bytes: Int) {
        let live = liveBytes.add(bytes, ordering: .relaxed).newValue
        if bytes > 0, live > peakBytes.load(ordering: .relaxed) { peakBytes.store(live, ordering: .relaxed) }
    }

    public static var live: Int { liveBytes.load(ordering: .relaxed) }
    /// The highest `live` since the start or the last `resetPeak()`.
    public static var peak: Int { peakBytes.load(ordering: .relaxed) }
    public static func resetPeak() { peakBytes.store(live, ordering: .relaxed) }

    /// Bytes that a tensor of `bytes` bytes takes: large ones lie in blocks of a few sizes.
    public static func blockSize(_ bytes: Int) -> Int {
        bytes >= BlockCache.smallest ? BlockCache.roundedSize(bytes) : bytes
    }

    /// Bytes of large blocks that no tensor holds, kept for the next one; not part of `live`.
    public static var cached: Int { BlockCache.bytes }
    /// Returns the cached blocks to the system.
    public static func trim() { BlockCache.trim() }

    /// The machine's physical memory: no single tensor may be larger.
    public static let limit = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))

    /// Processes of one run on this machine that share its memory; set once, before anything is planned.
    nonisolated(unsafe) public static var sharers = 1

    /// What the process may have of it: in a container, what that is allowed; of several processes of one run, its
    /// part.
    public static var available: Int { allowed / max(sharers, 1) }

    private static let allowed: Int = {
        // Version 2 of the kernel's control groups, then version 1.
        ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].reduce(limit) { least, path in
            guard let file = fopen(path, "r") else { return least }
            defer { fclose(file) }
            var text = [CChar](repeating: 0, count: 32)
            guard fgets(&text, 32, file) != nil else { return least }
            let bytes = strtoll(text, nil, 10)   // 0 for "max"
            return bytes > 0 ? min(least, Int(bytes)) : least
        }
    }()
}
