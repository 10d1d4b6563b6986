import Glibc

/// The one flag that stops everything: set by Ctrl-C or a time limit, polled by every long native loop.
///
/// Setting it is async-signal-safe: it is one store to memory that was allocated before the handler
/// was installed.
public enum Interrupt {
    nonisolated(unsafe) private static let flag: UnsafeMutablePointer<sig_atomic_t> = {
        let pointer = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return pointer
    }()

    /// The flag's address, for the C signal handler.
    public static var address: UnsafeMutablePointer<sig_atomic_t> { flag }

    public static var isRequested: Bool { flag.pointee != 0 }
    public static func request() { flag.pointee = 1 }
    public static func clear() { flag.pointee = 0 }

    nonisolated(unsafe) private static var deferrals = 0   // only the interpreter's thread defers

    /// Runs `body` to its end even when a stop is asked for meanwhile; `check()` throws again afterwards.
    public static func deferred<R>(_ body: () throws -> R) rethrows -> R {
        deferrals += 1
        defer { deferrals -= 1 }
        return try body()
    }

    /// Whether work is to stop where it is: what `check` goes by, for threads that leave out what is not wanted any
    /// more.
    public static var isStopping: Bool { flag.pointee != 0 && deferrals == 0 }

    /// Throws `interrupted` when a stop was asked for. Cheap enough for every iteration of a loop
    /// that does more than a microsecond of work.
    @inline(__always)
    public static func check() throws {
        if isStopping { throw OpahError(.interrupted, "interrupted") }
    }
}
