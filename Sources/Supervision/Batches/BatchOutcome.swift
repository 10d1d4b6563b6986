import Foundation
import Support

/// How one run of a batch ended.
public struct BatchOutcome: Sendable {
    public enum State: String, Sendable {
        case done, skips = "done, with skips", failed, crashed, timedOut = "timed out", overMemory = "over memory"
        case overDisk = "over disk", tooManyProcesses = "too many processes", interrupted, notRun = "not run"
    }

    public var state: State
    /// As the process ended; 128 + the signal for one that was killed.
    public var code: Int32 = 0
    public var seconds = 0.0
    /// The most that all its processes held at once, bytes.
    public var peakBytes = 0
    public var attempts = 0
    /// Not run again, because it was finished and nothing has changed since.
    public var isUnchanged = false
    /// What made the state, where the state alone does not say it.
    public var reason = ""
    /// Files and folders that it said it wrote, besides its own folder.
    public var outputs: [String] = []
    /// The last figures that it reported.
    public var metrics = ConfigMap()

    public var isFinished: Bool { state == .done || state == .skips }
    /// Whether another try could end differently: a wrong command line stays wrong.
    var isWorthRetrying: Bool { ![.done, .skips, .interrupted, .notRun].contains(state) && code != 2 }

    /// `done` and so on, with what a person wants to know beside it.
    public var text: String {
        let more = isUnchanged ? "unchanged, not run again" : reason
        return state.rawValue + (more.isEmpty ? "" : " (\(more))")
    }

    /// What `state.json` and the report hold.
    var fields: ConfigMap {
        [
            "state": .string(state.rawValue), "reason": .string(reason), "exit_code": .int(Int(code)),
            "seconds": .double((seconds * 1000).rounded() / 1000),
            "peak_memory": .int(peakBytes), "attempts": .int(attempts), "unchanged": .bool(isUnchanged),
            "metrics": .map(metrics),
            "outputs": .list(outputs.map(ConfigValue.string))
        ]
    }
}

extension BatchOutcome {
    /// From `state.json`; nil when it is not one.
    init?(_ value: ConfigValue) {
        guard let state = value["state"]?.string.flatMap(State.init(rawValue:)), let code = value["exit_code"]?.int
        else { return nil }
        self.init(
            state: state, code: Int32(truncatingIfNeeded: code), seconds: value["seconds"]?.double ?? 0,
            peakBytes: value["peak_memory"]?.int ?? 0,
            attempts: value["attempts"]?.int ?? 0, reason: value["reason"]?.string ?? "",
            outputs: value["outputs"]?.list?.compactMap(\.string) ?? [], metrics: value["metrics"]?.map ?? ConfigMap())
    }

    /// The end of a run that nobody stopped.
    init(code: Int32) {
        switch code {
        case 0: self.init(state: .done)
        case 3: self.init(state: .skips)
        case 130: self.init(state: .interrupted)
        case 128 + SIGXFSZ: self.init(state: .overDisk, reason: "a file grew beyond the limit")
        case 129...:
            self.init(state: .crashed, reason: "signal \(code - 128), \(String(cString: strsignal(code - 128)))")
        case 2: self.init(state: .failed, reason: "wrong usage")
        default: self.init(state: .failed)
        }
        self.code = code
    }
}
