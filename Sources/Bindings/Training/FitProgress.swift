import Console
import Foundation
import LuaHost
import Support
import Training

/// How a training goes, told to people and programs: the plan, a bar with the last losses, validations, checkpoints,
/// and how it ended. One account for both, so that nothing is told twice.
final class FitProgress {
    private let limits: RunLimits
    private var bar: ProgressBar?
    private var lastStep = 0
    private var heldOut: Double?
    private let isDry: Bool
    /// Seconds of steps so far, and how many they were, to see how far `max_time` reaches.
    private var seconds = 0.0, steps = 0
    private var began = ContinuousClock().now

    init(limits: RunLimits, isDry: Bool) { (self.limits, self.isDry) = (limits, isDry) }

    func end(_ lines: [String] = []) {
        bar?.finish()
        for line in lines { Terminal.log(line) }
    }

    private func start(_ plan: TrainingPlan) {
        for line in plan.lines { line.hasPrefix("warning: ") ? Terminal.warn(line) : Terminal.log(line) }
        for item in plan.skipped { Terminal.warn("  not trained on: \(ShownText.name(item.path)): \(item.reason)") }
        lastStep = plan.lastStep
        began = ContinuousClock().now
        if !isDry, plan.lastStep > plan.firstStep {
            bar = ProgressBar(total: plan.lastStep, label: "train", done: plan.firstStep)
        }
    }

    private func step(_ log: StepLog) {
        (seconds, steps) = (seconds + log.seconds, steps + 1)
        // A bar for a time ends where the rate so far says.
        if let time = limits.time {
            let used = began.duration(to: ContinuousClock().now) / .seconds(1)
            let reached = log.step + max(0, Int(min((time - used) * Double(steps) / max(seconds, 1e-9), 1e12)))
            lastStep = max(log.step, min(reached, limits.steps ?? .max))
        }
        var figures: [(name: String, text: String)] = [
            ("gnorm", LuaValue.number(log.gradientNorm).figure), ("loss", LuaValue.number(log.loss).figure),
            ("lr", LuaValue.number(log.learningRate).figure), ("tok/s", LuaValue.number(log.tokensPerSecond).figure),
            ("top5", LuaValue.number(log.topFiveAccuracy).figure)
        ]
        if let heldOut { figures.append(("held_out_loss", LuaValue.number(heldOut).figure)) }
        bar?.set(log.step, total: lastStep, figures)
    }

    private func validation(_ log: StepLog) {
        heldOut = log.loss
        Terminal.log(
            String(
                format: "step %d: held-out loss %.4f (semantic %.4f, base %.4f), top-5 %.3f", log.step,
                log.loss, log.semantic, log.base, log.topFiveAccuracy))
    }

    /// The same events, told as well, before the caller hears of them.
    func added(to events: TrainerEvents) -> TrainerEvents {
        var all = events
        all.onStart = { plan in
            self.start(plan)
            try events.onStart(plan)
        }
        all.onStep = { log in
            self.step(log)
            return try events.onStep(log)
        }
        all.onValidation = { log in
            self.validation(log)
            try events.onValidation(log)
        }
        all.onCheckpoint = { path in
            Terminal.log("saved " + path)
            try events.onCheckpoint(path)
        }
        return all
    }
}
