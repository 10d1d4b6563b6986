import Support

/// What a recipe is being asked: to run, to describe its options, or to check them without running.
/// `config.parse_args` looks here, so every recipe answers all three.
public enum RecipeRun {
    /// `options` is for completion: they are kept, and nothing is said.
    public enum Mode: Sendable { case run, describe, check, options }
    nonisolated(unsafe) public static var mode = Mode.run   // set once, before the recipe starts
    /// What it declared.
    nonisolated(unsafe) package static var options: RecipeOptions?      // only on the interpreter's thread

    /// How a recipe ends before its last line: help was shown, or all was checked. Carried by an error so that
    /// everything open is closed on the way.
    public static func end(code: Int32) -> OpahError { OpahError(.exit, String(code)) }

    /// The exit code that an error stands for.
    public static func exitCode(of error: OpahError) -> Int32 {
        switch error.kind {
        case .exit: Int32(error.message) ?? 0
        case .usage: 2
        case .interrupted: 130
        default: 1
        }
    }
}
