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

extension Saved {
    func pointer(_ operation: String) throws -> UnsafeMutablePointer<Float> { try value(operation).pointer(Float.self) }
}

extension Tensor {
    /// float64 becomes float32, with the gradient on its way back; everything else is itself.
    func single() throws -> Tensor { try dtype == .float64 ? to(.float32) : self }

    /// float32 elements in C order, without history: this tensor's own where it has them, else converted.
    /// Keep the result in a variable for as long as its pointer is used.
    func dense(_ operation: String) throws -> Tensor {
        guard dtype.isFloating else {
            throw OpahError(
                .dtype, "\(operation): a floating tensor is wanted, not \(dtype.rawValue)",
                hint: "convert it first: t:to(\"float32\")")
        }
        return try dtype == .float32 ? detach().contiguous() : detach().plain(.float32)
    }

    /// The only element.
    func number(_ operation: String) throws -> Float {
        let plain = try dense(operation)
        return plain.pointer(Float.self)[0]
    }

    /// The elements of an integer tensor, checked to lie in `0..<limit` or to equal `except`.
    func positions(below limit: Int, except: Int? = nil, _ operation: String, _ what: String) throws -> [Int] {
        guard dtype.isInteger else {
            throw OpahError(.dtype, "\(operation): \(what)s must be integers, not \(dtype.rawValue)")
        }
        let result = try ints()
        if let wrong = result.first(where: { !($0 >= 0 && $0 < limit) && $0 != except }) {
            throw OpahError(
                .index, "\(operation): \(what) \(wrong) lies outside 0..<\(limit)",
                hint: "ids count from 0, as in the files")
        }
        return result
    }
}

extension Parallel {
    /// Runs `count` unequal tasks on whichever thread is free, in order of their number; each gets
    /// `floats` of uninitialised memory, which tasks of one thread share.
    static func forEach(
        _ count: Int, scratch floats: Int,
        _ body: (Int, UnsafeMutablePointer<Float>) -> Void
    ) throws {
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
