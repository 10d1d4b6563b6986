import Glibc
import Support

/// Where a person's own files lie, by the XDG rules.
public enum UserFolders {
    private static func folder(_ variable: String, _ fallback: String) -> String? {
        if let asked = getenv(variable).map({ String(cString: $0) }), asked.hasPrefix("/") { return asked + "/opah" }
        return getenv("HOME").map { String(cString: $0) + "/" + fallback + "/opah" }
    }

    /// `$XDG_CONFIG_HOME/opah/init.lua`, when there is one.
    public static var initFile: String? {
        folder("XDG_CONFIG_HOME", ".config").map { $0 + "/init.lua" }.flatMap { FileKind.isFile($0) ? $0 : nil }
    }

    /// `$OPAH_HISTORY`, else `$XDG_STATE_HOME/opah/history`; its folder is made.
    public static var historyFile: String? {
        if let asked = getenv("OPAH_HISTORY").map({ String(cString: $0) }), !asked.isEmpty { return asked }
        guard let state = folder("XDG_STATE_HOME", ".local/state"), (try? FileKind.makeFolder(state)) != nil else {
            return nil
        }
        return state + "/history"
    }
}
