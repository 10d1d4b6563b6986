import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Large blocks that tensors have given back, kept for the next tensor of about that size.
///
/// A training step allocates and frees the same hundreds of megabytes again and again. malloc returns
/// such blocks to the kernel at once, which then has to find and clear each page anew: a page fault per
/// 4 KiB, more than the arithmetic of an addition costs. Here blocks of 1 MiB and more wait in a list;
/// the list is bounded, and what has waited longest is returned first.
enum BlockCache {
    /// Smaller blocks are malloc's business.
    static let smallest = 1 << 20

    private struct Block: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer, size: Int
    }
    private struct State {
        /// Longest waiting first.
        var blocks: [Block] = []
        var bytes = 0
    }
    private static let state = Mutex(State())

    /// Bytes that may wait: an eighth of the machine's memory, at most 2 GiB.
    static let limit = min(Memory.limit / 8, 2 << 30)

    /// Bytes that wait.
    static var bytes: Int { state.withLock { $0.bytes } }

    /// Rounded up to one of eight steps per power of two, so that similar sizes share blocks: at most an
    /// eighth is wasted.
    static func roundedSize(_ size: Int) -> Int {
        let step = 1 << (Int.bitWidth - 1 - size.leadingZeroBitCount - 3)
        return (size + step - 1) & ~(step - 1)
    }

    /// A block of at least `size` bytes, or nil when there is no memory left.
    static func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let size = roundedSize(size)
        let kept: Block? = state.withLock { state in
            guard let i = state.blocks.lastIndex(where: { $0.size == size }) else { return nil }
            state.bytes -= size
            return state.blocks.remove(at: i)
        }
        if let kept { return kept.pointer }
        if let new = allocate(size) { return new }
        trim()
        return allocate(size)
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        // On borders of 2 MiB the kernel can give huge pages: one fault instead of 512.
        let hugePage = 2 << 20
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, size >= 2 * hugePage ? hugePage : 4096, size) == 0, let raw else { return nil }
        #if os(Linux)
        if size >= 2 * hugePage { madvise(raw, size & ~(hugePage - 1), MADV_HUGEPAGE) }
        #endif
        return raw
    }

    /// Takes back a block of `size` bytes, as asked for.
    static func give(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        let size = roundedSize(size)
        guard size <= limit / 2 else { free(pointer); return }
        let block = Block(pointer: pointer, size: size)
        let excess: [Block] = state.withLock { state in
            state.blocks.append(block)
            state.bytes += size
            var count = 0
            while state.bytes > limit {
                state.bytes -= state.blocks[count].size
                count += 1
            }
            defer { state.blocks.removeFirst(count) }
            return Array(state.blocks[..<count])
        }
        for block in excess { free(block.pointer) }
    }

    /// Returns all that waits to the system.
    static func trim() {
        let all: [Block] = state.withLock { state in
            defer { state = State() }
            return state.blocks
        }
        for block in all { free(block.pointer) }
    }
}
