import Configuration
import LuaHost
import Support
import Training

extension AdamW.Settings {
    static let options = OptionTable(AdamW.Settings()) { o in
        o.option("lr", \.learningRate, "the learning rate")
        o.option(
            "betas", "number[]", AdamW.Settings().betaLiteral,
            "decay of the running means of gradients and of their squares"
        ) { (settings, betas: [Double]) in
            guard betas.count == 2 else { throw OpahError(.argument, "betas are two numbers") }
            settings.betas = (betas[0], betas[1])
        }
        o.option("eps", \.epsilon, "added to the root of the second mean")
        o.option("weight_decay", \.weightDecay, "share of a weight that a step takes away, times lr")
    }
}

extension AdamW.Settings {
    fileprivate var betaLiteral: Literal? { [betas.0, betas.1].literal }
}

/// What says how long a run is; without any of them it has 1000 steps.
extension RunLimits {
    static let options = OptionTable(RunLimits()) { o in
        o.option(
            "max_steps", \.steps, "optimizer steps, of all runs of the project together; 1000 when nothing else ends it"
        )
        o.option("max_passes", \.passes, "passes over all clips")
        o.option(
            "max_time", "number|string|table", nil,
            """
            seconds, or as in '8h', '1 d 12 h' and '01:12:00:00' (days first); what metrics.jsonl has of earlier runs' steps and validations counts
            """
        ) { (limits, value: LuaValue) in
            if value.isNil { return }
            guard let seconds = DurationSetting.seconds(try ConfigValue(lua: value)) else {
                throw OpahError(
                    .argument,
                    "max_time must be seconds above 0, or as in \"8h\", \"1 d 12 h\", \"01:12:00:00\" (days first) or { hours = 8 }"
                )
            }
            limits.time = seconds
        }
    }
}

extension TrainerSettings {
    /// Those that neither a dataset nor a callback is needed for.
    static let options = OptionTable(TrainerSettings()) { o in
        o.option("results", \.results, "the folder of projects")
        o.option("config", "table", nil, "settings to write into config.lua, for the record") {
            (settings, config: LuaTable?) in
            if let config { settings.configuration = try ConfigValue(lua: .table(config)).luaSource }
        }
        o.option(
            "resume", \.resume, "go on from the project's last checkpoint; with false a project that has one is refused"
        )
        o.option("seed", \.seed, "of dropout")
        o.include(RunLimits.options, at: \.limits)
        o.option("batch_size", \.batchSize, "rows of a batch")
        o.option("accumulate_grad_batches", \.accumulate, "batches whose gradients are added up before a step")
        o.option(
            "gradient_clip_val", "number", TrainerSettings().gradientClip?.literal,
            "largest 2-norm of all gradients; 0 clips nothing"
        ) { (settings, clip: Double) in
            settings.gradientClip = clip == 0 ? nil : clip
        }
        o.include(AdamW.Settings.options, at: \.optimizer)
        o.option(
            "ema_decay", \.averageDecay,
            "of a moving average of what is trained, as 0.99, which is then what is validated and saved; 0 keeps none")
        o.option("val_check_interval", \.validateEvery, "batches from one validation to the next; 0 never validates")
        o.option("limit_val_batches", \.validationBatches, "batches of a validation; the whole held-out set unless set")
        o.option("every_n_train_steps", \.checkpointEvery, "optimizer steps from one checkpoint to the next")
        o.option(
            "save_top_k", \.wholeCheckpoints, "checkpoints of all weights that are kept; those of adapters all are")
    }
}
