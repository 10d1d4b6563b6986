import Support
import Synchronization

/// The layers of a transformer, each a forward and a backward kernel of its own.
///
/// Everything computes in float32; half types are read, never computed in. Activations of packed
/// training are `[N, D]`: the N real tokens of all rows one after the other, without padding, and
/// `segments` `[0, n1, n1 + n2, ..., N]` says where each row begins.
/// Sums run in an order that depends on neither timing nor the number of threads, except inside
/// the matrix products of OpenBLAS.
public enum NN {}

/// A tensor kept for the backward pass, without the graph behind it.
struct Saved {
    let tensor: Tensor
    private let version: Int

    init(_ tensor: Tensor) {
        self.tensor = tensor.alias
        version = tensor.storage.version
    }

    /// The tensor, or an error when it was written to in the meantime.
    func value(_ operation: String) throws -> Tensor {
        guard tensor.storage.version == version else {
            throw OpahError(.gradient, "backward of \(operation): a value that it needs was changed in place",
                            hint: "use the operation that makes a new tensor instead, or change it after backward")
        }
        return tensor
    }

    func pointer(_ operation: String) throws -> UnsafeMutablePointer<Float> { try value(operation).pointer(Float.self) }
}

extension Tensor {
    /// The same elements, of which autograd knows nothing.
    var alias: Tensor { Tensor(storage: storage, offset: offset, shape: shape, strides: strides, dtype: dtype) }

    /// The same contiguous elements in another shape, of which autograd knows nothing.
    func alias(_ shape: Dims) -> Tensor {
        Tensor(storage: storage, offset: offset, shape: shape, strides: shape.contiguousStrides, dtype: dtype)
    }

    /// float32 elements in C order: this tensor's own where it has them, else converted.
    func plain(_ operation: String) throws -> Tensor {
        guard dtype.isFloating else {
            throw OpahError(.dtype, "\(operation): a floating tensor is wanted, not \(dtype.rawValue)")
        }
        if dtype == .float32, isContiguous { return alias }
        let result = try Tensor(empty: shape)
        let out = result.pointer(Float.self)
        if dtype.isHalf, isContiguous {
            Parallel.forRange(count, grain: 65536) { HalfFloats.widen(self, $0.lowerBound, $0.count, to: out + $0.lowerBound) }
            return result
        }
        let last = rank == 0 ? 1 : shape[rank - 1], step = rank == 0 ? 1 : strides[rank - 1]
        let rows = last == 0 ? 0 : count / last
        func convert<T>(_: T.Type, _ float: (T) -> Float) {
            let source = pointer(T.self)
            for row in 0..<rows {
                var rest = row, at = 0
                for i in Swift.stride(from: rank - 2, through: 0, by: -1) {
                    at += rest % shape[i] * strides[i]
                    rest /= shape[i]
                }
                for i in 0..<last { out[row * last + i] = float(source[at + i * step]) }
            }
        }
        switch dtype {
        case .float64: convert(Double.self) { Float($0) }
        case .float16: convert(Float16.self) { Float($0) }
        case .bfloat16: convert(BFloat16.self) { $0.float }
        default: convert(Float.self) { $0 }
        }
        return result
    }

    /// The only element.
    func number(_ operation: String) throws -> Float {
        let plain = try plain(operation)
        return plain.pointer(Float.self)[0]
    }

    /// The elements of an integer tensor, checked to lie in `0..<limit` or to equal `except`.
    func positions(below limit: Int, except: Int? = nil, _ operation: String, _ what: String) throws -> [Int] {
        var result: [Int] = []
        result.reserveCapacity(count)
        func read<T: BinaryInteger>(_: T.Type) {
            let source = pointer(T.self)
            for flat in 0..<count {
                var rest = flat, at = 0
                for i in Swift.stride(from: rank - 1, through: 0, by: -1) {
                    at += rest % shape[i] * strides[i]
                    rest /= shape[i]
                }
                result.append(Int(source[at]))
            }
        }
        switch dtype {
        case .int64: read(Int64.self)
        case .int32: read(Int32.self)
        case .int16: read(Int16.self)
        case .int8: read(Int8.self)
        case .uint8: read(UInt8.self)
        default: throw OpahError(.dtype, "\(operation): \(what) must be integers, not \(dtype.rawValue)")
        }
        if let wrong = result.first(where: { !($0 >= 0 && $0 < limit) && $0 != except }) {
            throw OpahError(.index, "\(operation): \(what) \(wrong) lies outside 0..<\(limit)",
                            hint: "ids count from 0, as in the files")
        }
        return result
    }
}

extension Parallel {
    /// Runs `count` unequal tasks on whichever thread is free, in order of their number; each gets
    /// `floats` of uninitialised memory, which tasks of one thread share.
    static func forEach(_ count: Int, scratch floats: Int,
                        _ body: (Int, UnsafeMutablePointer<Float>) -> Void) throws {
        guard count > 0 else { return }
        let workers = min(threadCount, count)
        let size = (floats + 15) & ~15
        let memory = try Storage(byteCount: workers * size * 4)
        let base = memory.pointer.assumingMemoryBound(to: Float.self)
        let next = TaskCounter()
        forEach(workers) { worker in
            while let task = next.take(below: count) { body(task, base + worker * size) }
        }
        withExtendedLifetime(memory) {}
    }
}

/// Hands out 0, 1, 2, ... to several threads.
private final class TaskCounter: Sendable {
    private let next = Atomic<Int>(0)
    func take(below count: Int) -> Int? {
        let task = next.add(1, ordering: .relaxed).oldValue
        return task < count ? task : nil
    }
}
