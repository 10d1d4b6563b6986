import Support

/// How elementwise kernels are run over tensors.
///
/// Operands are brought to the type that the arithmetic runs in (float32, float64 or int64; for the
/// usual float32 operands that is nothing), the kernel runs over strided, broadcast rows, and the
/// result is brought to the promoted dtype.
enum Elementwise {
    /// `a op b` with broadcasting, in `type` (float32, float64 or int64, which both must have).
    static func binary<K: BinaryKernel>(_: K.Type, _ a: Tensor, _ b: Tensor, into result: Tensor) {
        guard result.count > 0 else { return }
        switch result.dtype {
        case .float32:
            let out = result.pointer(Float.self), x = UnsafePointer(a.pointer(Float.self)),
                y = UnsafePointer(b.pointer(Float.self))
            if a.isContiguous, b.isContiguous, result.isContiguous, a.shape == b.shape {
                if result.count <= Parallel.grain { row(K.self, out, x, y, result.count); return }
                Parallel.forRange(result.count, grain: Parallel.grain) { range in
                    row(K.self, out + range.lowerBound, x + range.lowerBound, y + range.lowerBound, range.count)
                }
                return
            }
            let loop = plan(a, b, result), steps = loop.steps
            loop.run { at, n in row(K.self, out + at.0, x + at.1, y + at.2, steps, n) }
        case .float64:
            let out = result.pointer(Double.self), x = a.pointer(Double.self), y = b.pointer(Double.self)
            let loop = plan(a, b, result), (to, i, j) = loop.steps
            loop.run { at, n in
                let out = out + at.0, x = x + at.1, y = y + at.2
                for k in 0 ..< n { out[k &* to] = K.apply(x[k &* i], y[k &* j]) }
            }
        default:
            let out = result.pointer(Int.self), x = a.pointer(Int.self), y = b.pointer(Int.self)
            let loop = plan(a, b, result), (to, i, j) = loop.steps
            loop.run { at, n in
                let out = out + at.0, x = x + at.1, y = y + at.2
                for k in 0 ..< n { out[k &* to] = K.apply(x[k &* i], y[k &* j]) }
            }
        }
    }

    /// `a op value` of contiguous float32 tensors of the same shape.
    static func binary<K: BinaryKernel>(_: K.Type, _ a: Tensor, _ value: Float, into result: Tensor) {
        let out = result.pointer(Float.self), x = UnsafePointer(a.pointer(Float.self))
        Parallel.forRange(result.count, grain: Parallel.grain) { range in
            withUnsafePointer(to: value) { value in
                row(K.self, out + range.lowerBound, x + range.lowerBound, value, (1, 1, 0), range.count)
            }
        }
    }

    private static func plan(_ a: Tensor, _ b: Tensor, _ result: Tensor) -> StridedLoop {
        StridedLoop(
            result.shape, result.strides, a.strides.broadcast(from: a.shape, to: result.shape),
            b.strides.broadcast(from: b.shape, to: result.shape))
    }

    /// All three contiguous. The last few elements go through the same vector code, so an element's result
    /// does not depend on its place in the row.
    private static func row<K: BinaryKernel>(
        _: K.Type, _ out: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>, _ n: Int
    ) {
        var i = 0
        while i &+ 8 <= n {
            K.apply(Float8(x + i), Float8(y + i)).store(out + i)
            i &+= 8
        }
        if i < n { K.apply(Float8(x + i, count: n &- i), Float8(y + i, count: n &- i)).store(out + i, count: n &- i) }
    }

    /// Any steps; 0 repeats one element.
    private static func row<K: BinaryKernel>(
        _: K.Type, _ out: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>, _ steps: StridedLoop.Steps, _ n: Int
    ) {
        switch steps {
        case (1, 1, 1):
            row(K.self, out, x, y, n)
        case (1, 1, 0):
            let y = Float8(repeating: y.pointee)
            var i = 0
            while i &+ 8 <= n { K.apply(Float8(x + i), y).store(out + i); i &+= 8 }
            if i < n { K.apply(Float8(x + i, count: n &- i), y).store(out + i, count: n &- i) }
        case (1, 0, 1):
            let x = Float8(repeating: x.pointee)
            var i = 0
            while i &+ 8 <= n { K.apply(x, Float8(y + i)).store(out + i); i &+= 8 }
            if i < n { K.apply(x, Float8(y + i, count: n &- i)).store(out + i, count: n &- i) }
        default:
            // Brought side by side first, a block at a time.
            withBlocks { a, b in
                for i in stride(from: 0, to: n, by: blockLength) {
                    let m = Swift.min(blockLength, n &- i)
                    gather(x + i &* steps.1, steps.1, m, a)
                    gather(y + i &* steps.2, steps.2, m, b)
                    row(K.self, a, a, b, m)
                    scatter(a, m, out + i &* steps.0, steps.0)
                }
            }
        }
    }

    private static let blockLength = 256

    @inline(__always)
    private static func withBlocks(_ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 512) { body($0.baseAddress!, $0.baseAddress! + 256) }
    }

    @inline(never)
    private static func gather(
        _ from: UnsafePointer<Float>, _ step: Int, _ count: Int, _ to: UnsafeMutablePointer<Float>
    ) {
        for i in 0 ..< count { to[i] = from[i &* step] }
    }

    @inline(never)
    private static func scatter(
        _ from: UnsafePointer<Float>, _ count: Int, _ to: UnsafeMutablePointer<Float>, _ step: Int
    ) {
        for i in 0 ..< count { to[i &* step] = from[i] }
    }

    private static func row<K: UnaryKernel>(
        _: K.Type, _ out: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ n: Int
    ) {
        var i = 0
        while i &+ 8 <= n { K.apply(Float8(x + i)).store(out + i); i &+= 8 }
        if i < n { K.apply(Float8(x + i, count: n &- i)).store(out + i, count: n &- i) }
    }

    /// `op a`, both of the same computing dtype and shape.
    static func unary<K: UnaryKernel>(_: K.Type, _ a: Tensor, into result: Tensor) {
        guard result.count > 0 else { return }
        // Functions cost more per element than sums do: a second thread pays off earlier.
        let grain = Parallel.grain / 4
        if result.count <= grain, result.dtype == .float32, a.isContiguous, result.isContiguous {
            return row(K.self, result.pointer(), a.pointer(), result.count)
        }
        let loop = StridedLoop(result.shape, result.strides, a.strides, a.strides), (to, from, _) = loop.steps
        switch result.dtype {
        case .float32:
            let out = result.pointer(Float.self), x = UnsafePointer(a.pointer(Float.self))
            loop.run(grain: grain) { at, n in
                let out = out + at.0, x = x + at.1
                if to == 1, from == 1 { row(K.self, out, x, n); return }
                withBlocks { block, _ in
                    for i in stride(from: 0, to: n, by: blockLength) {
                        let m = Swift.min(blockLength, n &- i)
                        gather(x + i &* from, from, m, block)
                        row(K.self, block, block, m)
                        scatter(block, m, out + i &* to, to)
                    }
                }
            }
        case .float64:
            let out = result.pointer(Double.self), x = a.pointer(Double.self)
            loop.run(grain: grain) { at, n in
                let out = out + at.0, x = x + at.1
                for i in 0 ..< n { out[i &* to] = K.apply(x[i &* from]) }
            }
        default:
            let out = result.pointer(Int.self), x = a.pointer(Int.self)
            loop.run(grain: grain) { at, n in
                let out = out + at.0, x = x + at.1
                for i in 0 ..< n { out[i &* to] = K.apply(x[i &* from]) }
            }
        }
    }
}
