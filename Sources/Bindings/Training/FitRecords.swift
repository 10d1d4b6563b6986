import Dataset
import LuaHost
import Support
import Training

extension StepLog {
    static let record = RecordType<StepLog>("StepLog") { r in
        r.field("step", \.step, "counts from 1; 0 is the measurement before the first")
        r.field("loss", \.loss, "base + semantic")
        r.field("base", \.base, "cross-entropy of the tokens")
        r.field("semantic", \.semantic, "cross-entropy of the codes")
        r.field("top_5_accuracy", \.topFiveAccuracy, "share of the codes that were found among the five best")
        r.field("speaker_loss?", "{[string]: number}", "of a validation of several speakers: the loss of each") { log in
            guard !log.speakers.isEmpty else { return nil }
            let losses: [(name: String, value: any LuaPushable)] = log.speakers.map { ($0.key, $0.value) }
            return Fields(losses)
        }
        r.field("lr", \.learningRate, "the learning rate that the step used; 0 for a validation")
        r.field("grad_norm", \.gradientNorm, "2-norm of the gradients before clipping; 0 for a validation")
        r.field("tokens", \.tokens, "real tokens in the batches")
        r.field("seconds", \.seconds, "what they took")
        r.field("tokens_per_second", \.tokensPerSecond, "tokens / seconds")
    }
}

extension TrainingForecast {
    static let record = RecordType<TrainingForecast>("Forecast") { r in
        r.field("memory", \.bytes, "bytes that the largest step takes, weights included")
        r.field("memory_budget", \.memoryBudget, "bytes that the process may take")
        r.field("recomputed_layers", \.recomputedLayers, "layers that run twice in the largest step to save memory")
        r.field("tokens_per_step", \.tokensPerStep, "real tokens, on average")
        r.field("longest_row", \.longestRow, "real tokens")
        r.field("operations_per_step", \.operationsPerStep, "floating-point operations, on average")
        r.field("seconds_per_step", \.secondsPerStep, "where the machine was measured")
        r.field("seconds", \.seconds, "of the whole run, validations included")
        r.field("checkpoint_bytes", \.checkpointBytes, "of one checkpoint")
        r.field("checkpoints", \.checkpoints, "how many there will be")
        r.field("disk", "integer", "bytes of all checkpoints") { $0.checkpointBytes * $0.checkpoints }
    }
}

extension TrainingPlan {
    static let record = RecordType<TrainingPlan>("FitPlan") { r in
        r.field("first_step", \.firstStep, "steps of earlier runs")
        r.field("max_steps", \.maxSteps, "the last step that limits of steps and passes allow")
        r.field("last_step", \.lastStep, "the step that is expected to be the last")
        r.field("ends_by", "string", "the limit that ends the run there: max_steps, max_passes or max_time") {
            $0.endsBy.rawValue
        }
        r.field("trainable_tensors", \.trainableTensors, "of the adapter, or of the model")
        r.field("trainable_values", \.trainableValues, "numbers in them")
        r.field("clips", \.trainingClips, "clips to train on")
        r.field("held_out", \.validationClips, "clips to validate with")
        r.field("skipped", "\(Record.skipped)[]", "clips that are never trained on, and why") {
            $0.skipped.map(\.fields)
        }
        r.field("resumed_from", \.resumedFrom, "the checkpoint that the run goes on from")
        r.field("folder", \.folder, "results/<project>")
        r.field("lines", \.lines, "the same for a person")
        r.field("forecast?", "\(TrainingForecast.record)", "what it will take; not when all steps were made before") {
            $0.forecast.map(TrainingForecast.record.fields)
        }
    }
}

extension TrainingSummary {
    static let record = RecordType<(summary: TrainingSummary, folder: String)>("FitResult") { r in
        r.field("ending", "string", "finished, already_finished, interrupted, stopped or planned") {
            $0.summary.ending.rawValue
        }
        r.field("ended_by?", "string", "the limit that was reached: max_steps, max_passes or max_time") {
            $0.summary.endedBy?.rawValue
        }
        r.field("step", \.summary.step, "steps of the project in all")
        r.field("first_step", \.summary.firstStep, "those of earlier runs")
        r.field("loss", \.summary.lastLoss, "of the last step")
        r.field("checkpoint", \.summary.checkpoint, "the project's last one")
        r.field("lines", \.summary.lines, "for a person")
        r.field("exit_code", \.summary.exitCode, "0; 3 when clips were left out; 130 when interrupted")
        r.field("seconds", \.summary.seconds, "of this run")
        r.field("coverage", Record.coverage, "how often clips were used") { $0.summary.coverage.fields }
        r.field("best?", "{step: integer, loss: number}", "the lowest held-out loss of all runs of the project") {
            $0.summary.best.map { ["step": $0.step, "loss": $0.loss] as Fields }
        }
        r.field("folder", \.folder, "results/<project>")
    }
}
