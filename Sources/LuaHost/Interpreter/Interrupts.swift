import LuaShim
import Support

/// Ctrl-C for Lua code: it stops any loop, in the main chunk, in coroutines and around `pcall`. SIGTERM (`kill`, a
/// service manager, a queue) and SIGHUP (a terminal that is closed) do the same.
/// Native loops poll `Interrupt.check()`.
public enum Interrupts {
    /// From now on Ctrl-C raises an error of kind `interrupted` in the Lua code of this thread. After that
    /// error clean-up code may run briefly; whatever goes on longer is stopped at each instruction. A
    /// second Ctrl-C within two seconds ends the process with status 130.
    public static func install() { shim_catch_interrupts(Interrupt.address) }

    /// Whether SIGTERM or SIGHUP came: then a prompt ends too.
    public static var isEndingAsked: Bool { shim_ending_asked() }

    /// Does what Ctrl-C does, from any thread and from signal handlers: for time limits. Needs `install()`.
    public static func raise() {
        Interrupt.request()
        shim_interrupt()
    }

    /// Runs a function that must come to its end although Lua is being stopped, such as one that saves what was
    /// done so far: it does not see the request that the running clean-up code has already been told of.
    public static func finishing<T>(_ body: () throws -> T) rethrows -> T {
        guard shim_interrupt_cleaning_up(), Interrupt.isRequested else { return try body() }
        Interrupt.clear()
        defer { Interrupt.request() }
        return try body()
    }

    /// Whether running Lua code is being stopped.
    public static var isPending: Bool { shim_interrupt_pending() || Interrupt.isRequested }
}
