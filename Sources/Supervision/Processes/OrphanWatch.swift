import Foundation
import LuaHost

/// A recipe of a batch that was killed outright stops too, as by Ctrl-C: it saves its state instead of running on
/// unseen. One that does not let itself be stopped is killed after a minute, with what it started.
public enum OrphanWatch {
    public static func begin() {
        guard let batch = getenv("OPAH_BATCH").flatMap({ pid_t(String(cString: $0)) }), getppid() == batch else {
            return
        }
        Thread.detachNewThread {
            while getppid() == batch { sleep(1) }
            Interrupts.raise()
            sleep(60)
            // The batch made it the leader of a group of its own.
            kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL)
        }
    }
}
