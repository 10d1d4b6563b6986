import Support

/// How the end of a run becomes an exit code.
public enum RecipeRun {
    /// The exit code that an error stands for.
    public static func exitCode(of error: OpahError) -> Int32 {
        switch error.kind {
        case .exit: error.exitCode
        case .usage: 2
        case .interrupted: 130
        default: 1
        }
    }
}
