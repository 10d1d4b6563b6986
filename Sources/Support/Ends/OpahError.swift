import Glibc

/// Every error of Opah: what went wrong, of which kind, and what to do next.
///
/// `message` says what, where and why in one line; `hint`, when there is one, says what to do next.
/// Lua sees the same three fields, and a traceback that the host adds on the way.
public struct OpahError: Error, CustomStringConvertible, Equatable, Sendable {
    /// What a caller may want to tell apart. The raw value is what Lua sees as `err.kind`.
    public enum Kind: String, Sendable {
        case argument   // a wrong value or type was passed
        case shape   // tensor shapes that do not fit the operation
        case dtype   // a dtype that the operation does not take
        case index   // a position or dimension out of range
        case gradient   // autograd cannot do this
        case file   // the system refused: missing, permission, disk full
        case format   // the bytes are not what the format promises
        case unsafe   // a file that tries to do what data must not
        case audio   // a clip that cannot be used
        case text   // a label that cannot be used
        case checkpoint   // weights that do not fit the model
        case config   // an unknown or contradictory setting
        case data   // a dataset that cannot be used
        case interrupted   // Ctrl-C, or a time limit
        case usage   // a wrong command line
        case exit   // no error: a recipe that ends early, with `exitCode`
        case memory   // would not fit
        case lua   // an error raised by Lua code itself
    }

    public var kind: Kind
    public var message: String
    public var hint: String?
    /// Where in Lua code it happened: one `file:line: in function` per line, when it passed through Lua.
    public var traceback: String?
    /// The very value that Lua code raised, so that it leaves Swift as it came. For the host only.
    public var raised: (any AnyObject & Sendable)?
    /// Whether the run cannot go on: a full disk is not the fault of the clip at which it was noticed.
    public var isFatal = false
    /// Of kind `exit`: the code that the program is to end with.
    public private(set) var exitCode: Int32 = 0

    /// How a recipe ends before its last line: help was shown, or all was checked. It is thrown, so that everything
    /// open is closed on the way.
    public static func exit(_ code: Int32) -> OpahError {
        var error = OpahError(.exit, "the recipe ended early, with exit code \(code)")
        error.exitCode = code
        return error
    }

    public init(_ kind: Kind, _ message: String, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
    }

    public var description: String { hint.map { "\(message)\n  hint: \($0)" } ?? message }

    /// The same error with the place it concerns in front: `path: message`.
    public func at(_ place: String) -> OpahError {
        let place = ShownText.name(place)
        var error = OpahError(kind, message.hasPrefix(place) ? message : "\(place): \(message)", hint: hint)
        error.traceback = traceback
        error.isFatal = isFatal
        return error
    }

    /// Equal in what they say; where they happened does not count.
    public static func == (a: OpahError, b: OpahError) -> Bool {
        a.kind == b.kind && a.message == b.message && a.hint == b.hint
    }
}

extension OpahError {
    /// The failure of a system call, in the system's own words.
    public static func system(_ path: String, errno code: Int32, doing what: String) -> OpahError {
        let hint: String? =
            switch code {
            case ENOENT: "check the path; names are case-sensitive"
            case EACCES, EPERM: "check the permissions of the file and its folder"
            case ENOSPC, EDQUOT: "free some space; nothing that was complete has been touched"
            case EROFS: "this disk cannot be written to: choose a folder on another one"
            case EISDIR: "a file is wanted here, and this is a folder"
            case ENOTDIR: "a folder is wanted here, and this is a file"
            case ENAMETOOLONG:
                "the path is too long: it has \(path.utf8.count) bytes, the system takes 4095, and 255 for each name; move it to a shorter one"
            default: nil
            }
        var error = OpahError(
            .file, "\(ShownText.name(path)): cannot \(ShownText.name(what)): \(String(cString: strerror(code)))",
            hint: hint)
        error.isFatal = [ENOSPC, EDQUOT, EROFS].contains(code)
        return error
    }
}
