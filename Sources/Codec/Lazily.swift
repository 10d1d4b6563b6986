import Synchronization

/// A value that is made at its first use, once, whoever asks first.
final class Lazily<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let make: @Sendable () throws -> Value

    init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

    /// The value; an error of making it is thrown, and the next call tries again.
    func callAsFunction() throws -> Value {
        try value.withLock { value in
            if let value { return value }
            let made = try make()
            value = made
            return made
        }
    }
}
