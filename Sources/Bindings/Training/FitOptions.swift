import Configuration
import LuaHost
import Support
import Training

extension AdamW.Settings {
    static let options = OptionTable(AdamW.Settings()) { o in
        o.option(
            "lr", \.learningRate, "the learning rate", key: "model.optimizer.lr", type: ["above": 0, "below": 1e3])
        o.option(
            "betas", "number[]", AdamW.Settings().betaLiteral,
            "decay of the running means of gradients and of their squares", key: "model.optimizer.betas",
            type: ["count": 2, "from": 0, "below": 1]
        ) { (settings, betas: [Double]) in
            guard betas.count == 2 else { throw OpahError(.argument, "betas are two numbers") }
            settings.betas = (betas[0], betas[1])
        }
        o.option(
            "eps", \.epsilon, "added to the root of the second mean", key: "model.optimizer.eps",
            type: ["from": 0, "below": 1])
        o.option(
            "weight_decay", \.weightDecay, "share of a weight that a step takes away, times lr",
            key: "model.optimizer.weight_decay", type: ["from": 0, "below": 1e3])
    }
}

extension AdamW.Settings {
    fileprivate var betaLiteral: Literal? { [betas.0, betas.1].literal }
}

/// What says how long a run is; without any of them it has 1000 steps.
extension RunLimits {
    static let options = OptionTable(RunLimits()) { o in
        o.option(
            "max_steps", \.steps,
            "optimizer steps, of all runs of the project together; 1000 when nothing else ends it",
            key: "trainer.max_steps", type: ["from": -1])
        o.option(
            "max_passes", \.passes, "passes over all clips", key: "trainer.max_passes", type: ["above": 0])
        o.option(
            "max_time", "number|string|table", nil,
            """
            seconds, or as in '8h', '1 d 12 h' and '01:12:00:00' (days first); what metrics.jsonl has of earlier runs' steps and validations counts
            """, key: "trainer.max_time", type: ["is": "duration"]
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
            "resume", \.resume,
            "go on from the project's last checkpoint; with false a project that has one is refused",
            key: "resume")
        o.option("seed", \.seed, "of dropout", key: "seed")
        o.include(RunLimits.options, at: \.limits)
        o.option("batch_size", \.batchSize, "rows of a batch", key: "data.batch_size", type: ["from": 1])
        o.option(
            "accumulate_grad_batches", \.accumulate, "batches whose gradients are added up before a step",
            key: "trainer.accumulate_grad_batches", type: ["from": 1])
        o.option(
            "gradient_clip_val", "number", TrainerSettings().gradientClip?.literal,
            "largest 2-norm of all gradients; 0 clips nothing", key: "trainer.gradient_clip_val",
            type: ["from": 0, "optional": true]
        ) { (settings, clip: Double) in
            settings.gradientClip = clip == 0 ? nil : clip
        }
        o.include(AdamW.Settings.options, at: \.optimizer)
        o.option(
            "ema_decay", \.averageDecay,
            "of a moving average of what is trained, as 0.99, which is then what is validated and saved; 0 keeps none",
            key: "ema_decay", type: ["from": 0, "below": 1])
        o.option(
            "val_check_interval", \.validateEvery, "batches from one validation to the next; 0 never validates",
            key: "trainer.val_check_interval", type: ["is": "integer|share", "from": 0])
        o.option(
            "limit_val_batches", \.validationBatches, "batches of a validation; the whole held-out set unless set",
            key: "trainer.limit_val_batches", type: ["is": "integer|share", "from": 0])
        o.option(
            "every_n_train_steps", \.checkpointEvery, "optimizer steps from one checkpoint to the next",
            key: "callbacks.model_checkpoint.every_n_train_steps", type: ["is": "integer|share", "above": 0])
        o.option(
            "save_top_k", \.wholeCheckpoints, "checkpoints of all weights that are kept; those of adapters all are")
    }
}

/// How the learning rate goes; how long it takes depends on the run.
struct ScheduleOptions {
    var kind = LuaValue.string("constant")
    var warmup = 10.0
    var total: Int?
    var cycles = 0.5
    var floor = 0.0

    static let options = OptionTable(ScheduleOptions()) { o in
        o.option(
            "schedule", "\"constant\"|\"cosine\"|function", .string("constant"),
            "of the learning rate; a function gets the step, from 0, and gives a factor"
        ) { (schedule, kind: LuaValue) in
            schedule.kind = kind
        }
        o.option(
            "num_warmup_steps", \.warmup, "steps in which the rate rises from 0; below 1 a part of all steps",
            key: place + "num_warmup_steps", type: ["from": 0])
        o.option(
            "num_training_steps", \.total, "where a cosine ends; the last step unless set",
            key: place + "num_training_steps", type: ["from": -1])
        o.include(cosine, at: \.self)
    }

    static let cosine = OptionTable(ScheduleOptions()) { o in
        o.option(
            "num_cycles", \.cycles, "of the cosine; 0.5 goes down once", key: place + "num_cycles",
            type: ["from": 0])
        o.option(
            "final_lr_ratio", \.floor, "what the cosine never goes below", key: place + "final_lr_ratio",
            type: ["from": 0, "to": 1])
    }

    private static let place = "model.lr_scheduler.lr_lambda."

    /// - Parameter end: the step that a cosine ends with, where that is known.
    func schedule(end: Int?) throws -> LearningRateSchedule {
        let warmup = try LearningRateSchedule.warmupSteps(warmup, of: end)
        guard kind.string == "cosine" else { return .constant(warmup: warmup) }
        guard let end else {
            throw OpahError(
                .argument, "train.fit: a cosine needs to know the number of steps",
                hint: "give num_training_steps, max_steps or max_passes")
        }
        return .cosine(warmup: warmup, total: end, cycles: cycles, floor: floor)
    }
}

/// What `train.fit` takes besides the model, its data and callbacks.
struct FitOptions {
    var trainer = TrainerSettings()
    var schedule = ScheduleOptions()
    var isDry = false
    var showsProgress = true
    /// Bytes.
    var memoryBudget: Int?

    static let options = OptionTable(FitOptions()) { o in
        o.include(TrainerSettings.options, at: \.trainer)
        o.option("dry_run", \.isDry, "only plan, and measure the machine to tell the time")
        o.option("progress", \.showsProgress, "show plan, bar, validations, checkpoints and the end")
        o.option(
            "memory_budget", "number|string", nil,
            "bytes, or as in '4GB', that the process may take in a step, weights included; nine tenths of the machine's memory unless set",
            key: "memory_budget", type: ["is": "size", "from": 1e6]
        ) { (options, value: LuaValue) in
            options.memoryBudget = try ByteCount.budget(value)
        }
        o.include(ScheduleOptions.options, at: \.schedule)
    }
}
