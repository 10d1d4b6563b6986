import Synchronization

/// Working memory of kernels, kept for the next call: fresh pages from the system would cost as much
/// as the arithmetic on them. At most one block per running task exists.
enum Scratch {
    private final class Block: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<Float>, count: Int

        init(_ count: Int) {
            self.count = count
            pointer = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64).bindMemory(
                to: Float.self, capacity: count)
            pointer.initialize(repeating: 0, count: count)
        }

        deinit { UnsafeMutableRawPointer(pointer).deallocate() }
    }

    private static let free = Mutex<[Block]>([])

    /// Runs `body` with at least `count` floats, aligned to 64 bytes, of any content.
    @inline(__always)
    static func with(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let found = free.withLock { blocks -> Block? in
            guard let place = blocks.lastIndex(where: { $0.count >= count }) else {
                if !blocks.isEmpty { blocks.removeLast() }   // too small: it would never be used again
                return nil
            }
            return blocks.remove(at: place)
        }
        let block = found ?? Block(max(count, 1))
        body(block.pointer)
        free.withLock { $0.append(block) }
    }
}
