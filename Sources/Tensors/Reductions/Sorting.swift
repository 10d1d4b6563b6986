import Support

// Sorting. NaN counts as larger than everything; equal elements keep their order, ascending as well as
// descending, so results are the same every time.

extension Tensor {
    /// The elements along `dim` in order, and the positions they come from (int64).
    public func sort(dim: Int = -1, descending: Bool = false) throws -> (values: Tensor, indices: Tensor) {
        let d = try dimension(dim, "sort")
        return try ordered("sort", d, rank == 0 ? 1 : shape[d], descending)
    }

    /// Positions that would sort the elements along `dim`.
    public func argsort(dim: Int = -1, descending: Bool = false) throws -> Tensor {
        try sort(dim: dim, descending: descending).indices
    }

    /// The `count` largest (or smallest) elements along `dim`, best first, and their positions (int64).
    public func topk(_ count: Int, dim: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
        let d = try dimension(dim, "topk"), size = rank == 0 ? 1 : shape[d]
        guard count >= 0, count <= size else {
            throw OpahError(.argument, "topk: \(count) of \(size) elements along dimension \(dim) of shape \(shape)")
        }
        return try ordered("topk", d, count, largest)
    }

    /// The first `count` in order.
    private func ordered(
        _ name: String, _ d: Int, _ count: Int, _ descending: Bool
    ) throws -> (values: Tensor, indices: Tensor) {
        if rank == 0 {
            let (values, indices) = try reshape([1]).ordered(name, 0, count, descending)
            return count == 1 ? (try values.reshape([]), try indices.reshape([])) : (values, indices)
        }
        let length = shape[d]
        let rows = try plain(dtype.computing).detach().transpose(d, -1).contiguous()
        var target = rows.shape
        target[rank - 1] = count
        let places = try Tensor(empty: target, .int64), to = places.pointer(Int.self)
        if places.count > 0 {
            Parallel.forRange(rows.count / length, grain: Swift.max(1, 1024 / length)) { range in
                for row in range {
                    let to = to + row * count, first = row * length
                    switch rows.dtype {
                    case .float32: Order.first(count, rows.pointer(Float.self) + first, length, descending, to)
                    case .float64:
                        Order.first(count, rows.pointer(Double.self) + first, length, descending, to) { Order.key($0) }
                    default:
                        Order.first(count, rows.pointer(Int.self) + first, length, descending, to) {
                            UInt64(bitPattern: Int64($0)) ^ 1 << 63
                        }
                    }
                }
            }
        }
        let indices = try places.transpose(d, -1).contiguous()
        let values = try Autograd.withoutGradients { try gather(dim: d, indices) }
        if Autograd.wants(self) {
            let (shape, dtype) = (self.shape, gradientDType)
            Autograd.record(values, name, [self]) { [try Tensor(zeros: shape, dtype).scatter_(dim: d, indices, $0)] }
        }
        return (values, indices)
    }
}

/// Numbers as unsigned keys of the same order: comparisons of keys are total, NaN included.
private enum Order {
    static func key(_ x: Float) -> UInt32 {
        if x != x { return .max }
        let bits = (x == 0 ? 0 : x).bitPattern
        return bits >> 31 == 1 ? ~bits : bits | 1 << 31
    }

    static func key(_ x: Double) -> UInt64 {
        if x != x { return .max }
        let bits = (x == 0 ? 0 : x).bitPattern
        return bits >> 63 == 1 ? ~bits : bits | 1 << 63
    }

    /// float32: key and position in one integer, of which the smallest are wanted.
    static func first(
        _ count: Int, _ x: UnsafePointer<Float>, _ length: Int, _ descending: Bool, _ to: UnsafeMutablePointer<Int>
    ) {
        func packed(_ i: Int) -> UInt64 { UInt64(descending ? ~key(x[i]) : key(x[i])) << 32 | UInt64(i) }
        var best: [UInt64]
        if count < length / 4 {
            best = smallest(count, length, packed)
        } else {
            best = (0 ..< length).map(packed)
            best.sort()
        }
        for i in 0 ..< count { to[i] = Int(best[i] & 0xFFFF_FFFF) }
    }

    /// The `count` smallest of packed(0)..., ascending: a heap whose root is the largest of the best so far.
    private static func smallest(_ count: Int, _ length: Int, _ packed: (Int) -> UInt64) -> [UInt64] {
        guard count > 0 else { return [] }
        var heap = (0 ..< count).map(packed)
        heap.sort(by: >)
        for i in count ..< length {
            let value = packed(i)
            if value >= heap[0] { continue }
            var hole = 0
            while true {
                var child = 2 * hole + 1
                guard child < count else { break }
                if child + 1 < count, heap[child + 1] > heap[child] { child += 1 }
                if heap[child] <= value { break }
                heap[hole] = heap[child]
                hole = child
            }
            heap[hole] = value
        }
        heap.sort()
        return heap
    }

    static func first<T>(
        _ count: Int, _ x: UnsafePointer<T>, _ length: Int, _ descending: Bool, _ to: UnsafeMutablePointer<Int>,
        _ key: (T) -> UInt64
    ) {
        var pairs = (0 ..< length).map { (key: descending ? ~key(x[$0]) : key(x[$0]), at: $0) }
        pairs.sort { $0.key != $1.key ? $0.key < $1.key : $0.at < $1.at }
        for i in 0 ..< count { to[i] = pairs[i].at }
    }
}
