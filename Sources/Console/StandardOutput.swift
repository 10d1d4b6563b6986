import Foundation
import Support

/// What is printed may never arrive, as on a full disk, and nobody looks at each line: it is asked for once, when the
/// program ends, whichever way it ends.
public enum StandardOutput {
    /// To be called once, before anything is written.
    public static func checkAtExit() {
        // A file that is opened in the place of a closed stream would get its text.
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            guard descriptor >= 0 else { break }
            if descriptor > 2 {
                close(descriptor)
                break
            }
        }
        // Registered first, so it comes last: after whatever else is written at the end.
        on_exit({ code, _ in StandardOutput.check(code) }, nil)
    }

    private static func check(_ code: Int32) {
        // As `stdout` is a variable that anybody may set, Swift does not let it be named.
        guard let output = dlsym(nil, "stdout")?.assumingMemoryBound(to: UnsafeMutablePointer<FILE>?.self).pointee
        else { return }
        let hadFailed = ferror(output) != 0
        errno = 0
        let failed = fflush(output) != 0
        // What failed earlier is gone with its reason: another line finds it out, and spoils nothing that is whole.
        let reason = failed ? errno : hadFailed && write(1, "\n", 1) < 0 ? errno : 0
        guard hadFailed || failed else { return }
        // Whoever read it has gone: nothing to be told, as if by SIGPIPE.
        if reason == EPIPE { _exit(128 + SIGPIPE) }
        Terminal.warn(
            "opah: cannot write to standard output"
                + (reason != 0 ? ": \(String(cString: strerror(reason)))" : ": not all of it could be written"))
        _exit(code == 0 || code == 3 ? 1 : code)
    }
}
