import Glibc

/// SIGTERM as a wish to come to an end, for a program that has clients: nothing is stopped, the flag is set.
public enum Termination {
    nonisolated(unsafe) private static let flag: UnsafeMutablePointer<sig_atomic_t> = {   // one store in the handler
        let pointer = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return pointer
    }()
    nonisolated(unsafe) private static var earlier: sigaction?   // only used on the interpreter's thread

    public static var isAsked: Bool { flag.pointee != 0 }

    /// From now on SIGTERM sets the flag, unless whoever started the program wants it ignored.
    public static func watch() {
        flag.pointee = 0
        var before = sigaction()
        guard earlier == nil, sigaction(SIGTERM, nil, &before) == 0 else { return }
        earlier = before
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in Termination.flag.pointee = 1 }
        sigaction(SIGTERM, &action, nil)
    }

    /// SIGTERM does what it did before.
    public static func unwatch() {
        guard var before = earlier else { return }
        earlier = nil
        sigaction(SIGTERM, &before, nil)
    }
}
