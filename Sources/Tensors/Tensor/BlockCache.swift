import Glibc
import Synchronization

/// Large blocks that tensors have given back, kept for the next tensors.
///
/// A training step allocates and frees the same hundreds of megabytes again and again. malloc returns
/// such blocks to the kernel at once, which then has to find and clear each page anew: a page fault per
/// 4 KiB, more than the arithmetic of an addition costs. Here blocks of 1 MiB and more wait, joined with their neighbours
/// so that blocks of one size can become some of another: a step has large ones for a while and many smaller ones
/// afterwards. What waits is bounded twice: by `limit`, and so that waiting and used blocks together never take more
/// than the used ones did at their most. So the process never needs more memory than its tensors did, and a prediction of
/// that is one of its resident memory.
enum BlockCache {
    /// Smaller blocks are malloc's business.
    static let smallest = 1 << 20

    private struct State {
        var waiting = FreeRanges()
        /// Bytes of blocks in use, now and at the most so far.
        var used = 0, mostUsed = 0

        mutating func use(_ size: Int) {
            used += size
            mostUsed = max(mostUsed, used)
        }
    }
    private static let state = Mutex(State())

    /// Bytes that may wait: an eighth of the machine's memory, at most 2 GiB.
    static let limit = min(Memory.limit / 8, 2 << 30)

    /// Bytes that wait.
    static var bytes: Int { state.withLock { $0.waiting.bytes } }

    /// Rounded up to one of eight steps per power of two, so that what one tensor gives back fits the next of
    /// about its size: at most an eighth is wasted.
    static func roundedSize(_ size: Int) -> Int {
        let step = 1 << (Int.bitWidth - 1 - size.leadingZeroBitCount - 3)
        return (size + step - 1) & ~(step - 1)
    }

    /// A block of at least `size` bytes, or nil when there is no memory left.
    static func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let size = roundedSize(size)
        let (kept, excess): (UInt?, [FreeRanges.Range]) = state.withLock { state in
            state.use(size)
            if let start = state.waiting.take(size) { return (start, []) }
            return (nil, state.waiting.drop(downTo: max(state.mostUsed, smallestMost) - state.used, unit: hugePage))
        }
        if let kept { return UnsafeMutableRawPointer(bitPattern: kept) }
        release(excess)
        if let new = allocate(size) { return new }
        trim()
        if let new = allocate(size) { return new }
        state.withLock { $0.used -= size }
        return nil
    }

    /// What may wait without regard to what was used.
    private static let smallestMost = 64 << 20

    /// The kernel can give so much with one fault instead of 512.
    private static let hugePage = 2 << 20

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        // Huge pages begin at borders of their size. Mapped by hand: malloc, once it has freed blocks of this size, takes
        // the next from a heap that it seldom returns.
        let extra = size >= 2 * hugePage ? hugePage : 0
        guard let raw = mmap(nil, size + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            raw != MAP_FAILED
        else { return nil }
        guard extra > 0 else { return raw }
        let head = -Int(bitPattern: raw) & (hugePage - 1)
        if head > 0 { munmap(raw, head) }
        let start = raw + head
        munmap(start + size, extra - head)
        #if os(Linux)
        madvise(start, size & ~(hugePage - 1), MADV_HUGEPAGE)
        #endif
        return start
    }

    private static func release(_ ranges: [FreeRanges.Range]) {
        for range in ranges { munmap(UnsafeMutableRawPointer(bitPattern: range.start), range.size) }
    }

    /// Takes back a block of `size` bytes, as asked for.
    static func give(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        let range = FreeRanges.Range(start: UInt(bitPattern: pointer), size: roundedSize(size))
        release(
            state.withLock { state in
                state.used -= range.size
                guard range.size <= limit / 2 else { return [range] }
                state.waiting.give(range)
                return state.waiting.drop(downTo: limit, unit: hugePage)
            })
    }

    /// Returns all that waits to the system.
    static func trim() { release(state.withLock { $0.waiting.drop(downTo: 0, unit: hugePage) }) }
}
