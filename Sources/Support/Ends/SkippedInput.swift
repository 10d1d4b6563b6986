/// One input that a stage left out, and what its owner can do about it. Every stage lists these, and
/// a run that has any ends with exit code 3.
public struct SkippedInput: Sendable, Equatable {
    public let path: String
    public let reason: String
    public let remedy: String?

    public init(path: String, reason: String, remedy: String? = nil) {
        self.path = path
        self.reason = reason
        self.remedy = remedy
    }

    /// For messages that end a run: a line for each, the first twenty in full.
    public static func listing(_ inputs: [SkippedInput]) -> String {
        let shown = inputs.prefix(20).map { "\n  \($0.path): \($0.reason)" }.joined()
        return shown + (inputs.count > 20 ? "\n  and \(inputs.count - 20) more" : "")
    }

    /// From whatever a stage threw; the path is not repeated in the reason.
    public init(path: String, error: any Error) {
        let known = error as? OpahError
        var reason = known?.message ?? "\(error)"
        for name in [path, ShownText.name(path)] where reason.hasPrefix(name + ": ") {
            reason.removeFirst(name.count + 2)
            break
        }
        self.init(path: path, reason: reason, remedy: known?.hint)
    }
}
