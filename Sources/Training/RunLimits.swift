import Dataset
import Support

/// What ends a run: the first of these that is reached.
public struct RunLimits: Equatable, Sendable {
    public enum Kind: String, Sendable { case steps = "max_steps", passes = "max_passes", time = "max_time" }

    /// Optimizer steps of the project in all; nil for no such limit.
    public var steps: Int?
    /// Passes over all clips, of all runs of the project.
    public var passes: Double?
    /// Seconds: what `metrics.jsonl` has of steps and validations of earlier runs of the project, and the time of this
    /// one from its first step on.
    public var time: Double?

    public init(steps: Int? = nil, passes: Double? = nil, time: Double? = nil) {
        (self.steps, self.passes, self.time) = (steps, passes, time)
    }

    /// Where there is no limit in steps: more than any run takes, and small enough to reckon with.
    static let endless = 1 << 40

    func check(_ require: (Bool, String) -> Void) {
        require(steps.map { $0 > 0 } ?? true, "max_steps must be above 0, not \(steps ?? 0)")
        require(
            passes.map { $0 > 0 && $0 <= 1e6 } ?? true,
            "max_passes must be above 0 and at most a million, not \(passes ?? 0)")
        require(time.map { $0 > 0 && $0.isFinite } ?? true, "max_time must be above 0 seconds, not \(time ?? 0)")
        require(
            steps != nil || passes != nil || time != nil,
            "nothing ends this run: give max_steps, max_passes or max_time")
    }

    /// The last step that steps and passes allow, and which of them it is.
    func lastStep(_ data: TrainingDataset, rowsPerStep: Int) throws -> (step: Int, kind: Kind) {
        var last = steps ?? Self.endless, kind = Kind.steps
        if let passes {
            guard let rows = data.rows(inPasses: passes) else {
                throw OpahError(
                    .config, "max_passes counts passes over all clips, and the reference sampler makes none",
                    hint: "use sampler=coverage, or say max_steps")
            }
            let byPasses = max(1, (rows + rowsPerStep - 1) / rowsPerStep)
            if byPasses < last { (last, kind) = (byPasses, .passes) }
        }
        if steps == nil, passes == nil { kind = .time }
        return (last, kind)
    }

    /// `max_passes=10`, `max_time=8 h`
    func words(_ kind: Kind) -> String {
        switch kind {
        case .steps: "max_steps=\(steps ?? 0)"
        case .passes: "max_passes=\(DecimalText.significant(passes ?? 0, 6))"
        case .time: "max_time=\(DurationText.words(time ?? 0))"
        }
    }
}
