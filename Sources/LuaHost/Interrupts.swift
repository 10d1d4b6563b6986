import LuaShim
import Support

/// Ctrl-C for Lua code: it stops any loop, in the main chunk, in coroutines and around `pcall`.
/// Native loops poll `Interrupt.check()`.
public enum Interrupts {
    /// From now on Ctrl-C raises an error of kind `interrupted` in the Lua code of this thread. After that
    /// error clean-up code may run briefly; whatever goes on longer is stopped at each instruction. A
    /// second Ctrl-C within two seconds ends the process with status 130.
    public static func install() { shim_catch_interrupts(Interrupt.address) }

    /// Does what Ctrl-C does. Async-signal-safe, for handlers of time limits.
    public static func raise() {
        Interrupt.request()
        shim_interrupt()
    }

    /// Whether running Lua code is being stopped.
    public static var isPending: Bool { shim_interrupt_pending() || Interrupt.isRequested }
}
