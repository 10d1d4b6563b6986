import Foundation
import SystemShim

/// Signals that end a program which has gone wrong end it, also when somebody else sent them.
///
/// The Swift runtime's handler writes a backtrace and returns. After a fault of the program's own the same instruction
/// faults again, and the process ends; after `kill -ABRT` from outside it would go on as if nothing had been, and a
/// batch would call it done.
public enum CrashSignals {
    private static let signals = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

    /// The runtime's own handlers, by signal.
    // written before any handler of ours is set
    nonisolated(unsafe) private static let earlier: UnsafeMutablePointer<sigaction> = {
        let pointer = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)
        pointer.initialize(repeating: sigaction(), count: 65)
        return pointer
    }()

    /// To be called once, first thing in the program.
    public static func end() {
        for signal in signals {
            guard sigaction(signal, nil, earlier + Int(signal)) == 0 else { continue }
            var action = earlier[Int(signal)]
            guard action.sa_flags & SA_SIGINFO != 0, action.__sigaction_handler.sa_sigaction != nil else { continue }
            action.__sigaction_handler.sa_sigaction = { signal, info, context in
                CrashSignals.earlier[Int(signal)].__sigaction_handler.sa_sigaction?(signal, info, context)
                Foundation.signal(signal, SIG_DFL)
                raise(signal)
            }
            sigaction(signal, &action, nil)
        }
        // Ctrl-\ is a person's wish, not a fault: it ends the program at once, without a page about a crash.
        var quit = sigaction()
        if sigaction(SIGQUIT, nil, &quit) == 0, quit.sa_flags & SA_SIGINFO != 0 { Foundation.signal(SIGQUIT, SIG_DFL) }
        system_watch_mappings()
    }
}
