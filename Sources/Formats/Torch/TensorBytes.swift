import Support
import Tensors

extension Tensor {
    /// Hands the bytes of all elements, in C order, to `body` in one or more runs: the storage itself
    /// when the tensor is contiguous, else gathered into a buffer of at most 1 MiB.
    func forEachRun(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        defer { withExtendedLifetime(storage) {} }
        let size = dtype.size, start = storage.pointer + offset * size
        guard count > 0 else { return }
        if isContiguous {
            // In pieces, so that a long write can be interrupted.
            var done = 0
            while done < count * size {
                try Interrupt.check()
                let step = Swift.min(1 << 24, count * size - done)
                try body(UnsafeRawBufferPointer(start: start + done, count: step))
                done += step
            }
            return
        }
        let capacity = Swift.max(size, 1 << 20)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        defer { buffer.deallocate() }
        var filled = 0
        func gather(_ axis: Int, _ from: UnsafeMutableRawPointer) throws {
            if axis == rank {
                if filled + size > capacity {
                    try Interrupt.check()
                    try body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: filled))
                    filled = 0
                }
                (buffer.baseAddress! + filled).copyMemory(from: from, byteCount: size)
                filled += size
                return
            }
            for i in 0 ..< shape[axis] { try gather(axis + 1, from + i * strides[axis] * size) }
        }
        try gather(0, start)
        try body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: filled))
    }
}
