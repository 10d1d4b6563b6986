import Support
import Training

/// Tells programs how far a training has come, for batches and `--json`: done steps and the last losses.
final class FitEvents {
    private let project: String, total: Int
    private let began = ContinuousClock().now
    private var told: ContinuousClock.Instant?
    private var figures = ConfigMap()

    init(project: String, total: Int) { (self.project, self.total) = (project, total) }

    /// At first each step, then less and less often, some thousands in all; the last one always.
    func step(_ log: StepLog) {
        figures["loss"] = .double(log.loss)
        let now = ContinuousClock().now
        if log.step < total, let told, told.duration(to: now) < max(.milliseconds(50), began.duration(to: now) / 500) { return }
        told = now
        tell(log.step)
    }

    func validation(_ log: StepLog) {
        figures["held_out_loss"] = .double(log.loss)
        tell(log.step)
    }

    private func tell(_ step: Int) {
        Terminal.event(["event": "progress", "label": .string(project), "done": .int(step), "total": .int(total), "figures": .map(figures)])
    }

    /// The same events, told as well.
    func added(to events: TrainerEvents) -> TrainerEvents {
        guard Terminal.hasListener else { return events }
        var all = events
        all.onStep = { log in
            self.step(log)
            return try events.onStep(log)
        }
        all.onValidation = { log in
            self.validation(log)
            try events.onValidation(log)
        }
        return all
    }
}
