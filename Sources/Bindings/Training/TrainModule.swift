import Configuration
import Console
import Dataset
import Distributed
import Installation
import LanguageModel
import LuaHost
import Recipes
import Support
import Tensors
import Training

extension LuaModule {
    /// `opah.train`
    public static let train = LuaModule(
        "opah.train",
        "Training: an optimizer, schedules, clipping, and the whole loop with checkpoints that it resumes from."
    ) { m in
        m.type(AdamW.luaClass)
        m.function(
            "adamw", "(params: table, opts?: {\(AdamW.Settings.options)}) -> AdamW",
            "Adam with decoupled weight decay, in PyTorch's order of operations, for float32 tensors: a list (`model:parameters()`) or a table by name. An empty list is an error.",
            example: """
                w = tensor.new { 1, -2 }:requires_grad(true)
                optimizer = train.adamw({ w }, { lr = 0.1 })
                w:pow(2):sum():backward()
                optimizer:step()
                w  --> [ 0.9000, -1.9000]
                """
        ) { call in
            let settings = try AdamW.Settings.options.read(call.options)
            let named = try namedTensors(call.table(1))
            guard !named.isEmpty else {
                throw call.error(
                    at: 1, "there is nothing to train",
                    hint: "lora.apply puts an adapter on a model, model:unfreeze() makes its weights trainable")
            }
            return try call.push(AdamW(named, settings))
        }
        m.function(
            "constant_with_warmup", "(warmup: number, total?: integer) -> function",
            "A function from the number of steps taken so far (0 before the first) to the factor on the learning rate: from 0 to 1 in `warmup` steps, then 1. A `warmup` below 1 is a part of `total`.",
            example: """
                factor = train.constant_with_warmup(10)
                factor(0), factor(5), factor(1000)  --> 0.0, 0.5, 1.0
                """
        ) { call in
            let schedule = LearningRateSchedule.constant(
                warmup: try LearningRateSchedule.warmupSteps(call.number(1), of: call.get(2)))
            return try call.push(schedule.closure)
        }
        m.function(
            "cosine_with_warmup",
            "(warmup: number, total: integer, opts?: {\(ScheduleOptions.cosine)}) -> function",
            "As `constant_with_warmup`, and then down along a cosine until `total` steps, never below `final_lr_ratio`. `num_cycles` 0.5 is half a wave: down once.",
            example: """
                factor = train.cosine_with_warmup(10, 110, { final_lr_ratio = 0.1 })
                factor(5), factor(60), factor(110)  --> 0.5, 0.5, 0.1
                """
        ) { call in
            let total = try call.integer(2), options = try ScheduleOptions.cosine.read(call.options)
            let schedule = LearningRateSchedule.cosine(
                warmup: try LearningRateSchedule.warmupSteps(call.number(1), of: total), total: total,
                cycles: options.cycles, floor: options.floor)
            return try call.push(schedule.closure)
        }
        m.function(
            "clip_grad_norm", "(params: Tensor[], max: number) -> number",
            "Scales the gradients, in place, so that their common 2-norm is at most `max`; returns the norm that they had. Parameters without a gradient count as 0.",
            example: """
                w = tensor.new { 3, 4 }:requires_grad(true)
                w:pow(2):sum():backward()
                train.clip_grad_norm({ w }, 1), w.grad  --> 10.0, [0.6000, 0.8000]
                """
        ) { call in
            try call.push(clipGradientNorm(call.get(1, as: [Tensor].self), call.number(2)))
        }
        m.function(
            "fit",
            """
            (opts: {model: LanguageModel, data: Dataset, project: string "the run's name: its folder is results/<project>", \(FitOptions.options), \
            on_start?: (fun(plan: \(TrainingPlan.record))) "is told which clips are left out; they are printed without it", \
            on_validation?: fun(log: \(StepLog.record)), on_checkpoint?: fun(path: string), on_warning?: fun(text: string), \
            on_step?: (fun(log: \(StepLog.record)): any) "ends the run by returning false"}) -> \(TrainingSummary.record)
            """,
            """
            Trains the model's adapter, or all weights when it has none, in the folder `results`/`project`: checkpoints, metrics.jsonl, tensorboard, config.lua, report.html. A project that has checkpoints goes \
            on from the last one, exactly. The run ends by what is reached first of `max_steps`, `max_passes` and `max_time`. Steps are planned to stay below `memory_budget`; a run that cannot is refused before \
            its first step, as is one whose checkpoints the disk cannot hold. Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 finish the step and save. \
            Under mpirun, srun --mpi=pmix or `opah launch` the rows of a step are dealt out to all processes, and a LoRA checkpoint has the same bytes for any number of them; the callbacks run on rank 1 (see `opah.dist`). \
            Of an option that is a setting, its key there stands in brackets: `opah run train` hands it on. The exit code of what it returns is 0, 3 when clips were left out, 130 when interrupted.
            """,
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                ds = data.dataset { protos = "data/protos", tokenizer = model.tokenizer, max_length = 512, val_fraction = 0.2 }
                summary = train.fit {
                  model = model, data = ds, project = "my-voice", max_steps = 2, batch_size = 1, progress = false,
                  on_step = function(log) print(log.step, log.loss) end, on_warning = function() end,
                }
                summary.ending, summary.step, summary.checkpoint  --> "finished", 2, "results/my-voice/checkpoints/step_000000002.ckpt"
                """, settings: FitOptions.options.settings
        ) { call in
            let model: LanguageModel = try call.option("model"), data: TrainingDataset = try call.option("data")
            if Ranks.shared == nil, let step = Shard.slurmStep() {
                throw OpahError(
                    .usage,
                    "started as one of \(step.count) tasks of a SLURM step, which do not know of each other: each would train the same",
                    hint: "srun --mpi=pmix -K1 ... joins them")
            }
            let options = try FitOptions.options.read(call.options)
            let settings = try trainerSettings(options, project: call.option("project"), data), dryRun = options.isDry
            if let budget = try options.memoryBudget ?? ByteCount.limit("OPAH_MEMORY_LIMIT") {
                model.planner.memoryBudget = budget
            }
            let told = options.showsProgress ? FitProgress(limits: settings.limits, isDry: dryRun) : nil
            let events = try trainerEvents(call, namesSkipped: !options.showsProgress)
            let trainer = try Trainer(
                model: model, data: data, settings: settings, events: told?.added(to: events) ?? events)
            defer { told?.end() }
            let folder = PathName.join(settings.results, settings.project)
            if Ranks.isFirst { try TrainingReport.requireOwn(in: folder) }
            if !dryRun { Terminal.event(["event": "output", "path": .string(FileKind.resolved(folder))]) }
            let summary = try trainer.fit(dryRun: dryRun)
            told?.end(summary.lines)
            RunRecord.add([
                "project": .string(settings.project), "folder": .string(folder),
                "ending": .string(summary.ending.rawValue),
                "ended_by": summary.endedBy.map { .string($0.rawValue) } ?? .null, "step": .int(summary.step),
                "loss": summary.lastLoss.map(ConfigValue.double) ?? .null,
                "held_out_loss": summary.lastValidation.map(ConfigValue.double) ?? .null,
                "checkpoint": summary.checkpoint.map(ConfigValue.string) ?? .null, "left_out": .int(summary.skipped)
            ])
            if let ranks = Ranks.shared {
                RunRecord.add([
                    "ranks": .int(ranks.size), "hosts": .list(ranks.hosts.map(ConfigValue.string)),
                    "mpi": .string(ranks.library)
                ])
            }
            if summary.step > summary.firstStep, Ranks.isFirst {
                try TrainingReport(settings: settings, folder: folder, summary: summary, data: data).write()
            }
            return try call.push(TrainingSummary.record.fields(of: (summary, folder)))
        }
    }
}

extension AdamW: LuaObject {
    public static let luaClass = LuaClass(
        "AdamW", of: AdamW.self, "The optimizer: gradients in, updated parameters out."
    ) { c in
        c.property(
            "lr", "number", "The learning rate of the next step.",
            example: """
                w = tensor.ones(2):requires_grad(true)
                optimizer = train.adamw({ w }, { lr = 1e-3 })
                optimizer.lr = optimizer.lr * train.constant_with_warmup(10)(5)
                optimizer.lr  --> 0.0005
                """, set: { optimizer, call in optimizer.learningRate = try call.number(1) }
        ) { optimizer, call in
            try call.push(optimizer.learningRate)
        }
        c.method(
            "step", "()", "Updates every parameter that has a gradient, in place.",
            example: """
                w = tensor.ones(2):requires_grad(true)
                optimizer = train.adamw({ w }, { lr = 0.1 })
                for step = 1, 3 do
                  optimizer:zero_grad()
                  w:sum():backward()
                  optimizer:step()
                end
                w  --> [0.7000, 0.7000]
                """
        ) { optimizer, call in
            try optimizer.step()
            return .none
        }
        c.method(
            "zero_grad", "()", "Forgets all gradients: `t.grad` is nil again.",
            example: """
                w = tensor.ones(2):requires_grad(true)
                w:sum():backward()
                train.adamw({ w }):zero_grad()
                w.grad  --> nil
                """
        ) { optimizer, call in
            optimizer.zeroGradients()
            return .none
        }
        c.method(
            "state", "() -> table",
            "What it remembers, by parameter: `{step, exp_avg, exp_avg_sq}`. The tensors are its own, not copies.",
            example: """
                w = tensor.ones(2):requires_grad(true)
                optimizer = train.adamw { w = w }
                w:sum():backward()
                optimizer:step()
                state = optimizer:state()
                state.w.step, state.w.exp_avg  --> 1, [0.1000, 0.1000]
                """
        ) { optimizer, call in
            try call.push(
                Fields(
                    optimizer.state.map { name, moments in
                        (name, ["step": moments.step, "exp_avg": moments.first, "exp_avg_sq": moments.second] as Fields)
                    }))
        }
        c.method(
            "set_state", "(state: table)",
            "Puts back what `state` gave, as copies. For parameters given as a list the names are \"1\", \"2\", ...",
            example: """
                w = tensor.ones(2):requires_grad(true)
                first, second = train.adamw({ w = w }), train.adamw({ w = w })
                w:sum():backward()
                first:step()
                second:set_state(first:state())
                second:state().w.step  --> 1
                """
        ) { optimizer, call in
            try optimizer.restore(
                call.get(1, as: [String: LuaTable].self).sorted { $0.key < $1.key }.map { name, table in
                    (
                        name,
                        Moments(
                            step: try table.get("step"), first: try table.get("exp_avg"),
                            second: try table.get("exp_avg_sq"))
                    )
                })
            return .none
        }
        c.metamethod(
            "__tostring", "(optimizer: AdamW) -> string", "What it is, in a line.",
            example: """
                model = lm.load(opah.embedded.model)
                lora.apply(model, "r_4_alpha_8")
                tostring(train.adamw(model:parameters()))  --> "AdamW (40 tensors, lr 0.0001)"
                """
        ) { call in
            let optimizer = try call.object(1, as: AdamW.self), count = optimizer.parameters.count
            return try call.push("AdamW (\(count) tensor\(count == 1 ? "" : "s"), lr \(optimizer.learningRate))")
        }
    }
}

extension LearningRateSchedule {
    var closure: LuaClosure {
        LuaClosure("schedule", "(step: integer) -> number") { call in try call.push(factor(call.integer(1))) }
    }
}

/// A list of tensors, named by their place, or a table by name.
private func namedTensors(_ table: LuaTable) throws -> [(name: String, tensor: Tensor)] {
    var named: [(name: String, tensor: Tensor)] = []
    for (i, value) in try table.list().enumerated() {
        guard let tensor: Tensor = value.object() else {
            throw OpahError(.argument, "adamw: item \(i + 1) is no tensor")
        }
        named.append((String(i + 1), tensor))
    }
    if !named.isEmpty { return named }
    for (key, value) in try table.pairs() {
        guard let name = key.string, let tensor: Tensor = value.object() else {
            throw OpahError(.argument, "adamw: parameters are a list of tensors, or a table of them by name")
        }
        named.append((name, tensor))
    }
    return named.sorted { $0.name < $1.name }
}

private func trainerSettings(
    _ options: FitOptions, project: String, _ data: TrainingDataset
) throws -> TrainerSettings {
    var settings = options.trainer
    settings.program = opahVersion
    settings.project = project
    if settings.limits == RunLimits() { settings.limits.steps = 1000 }
    let schedule = try options.schedule.schedule(end: options.schedule.total ?? settings.lastStep(data))
    if case .function(let function) = options.schedule.kind {
        settings.ownSchedule = { try function.call($0) }
    } else {
        settings.schedule = schedule
    }
    return settings
}

/// - Parameter namesSkipped: whether to name the clips that are left out, where no callback does.
private func trainerEvents(_ call: Call, namesSkipped: Bool) throws -> TrainerEvents {
    var events = TrainerEvents()
    if let callback: LuaFunction = try call.option("on_start") {
        events.onStart = { try callback(TrainingPlan.record.fields(of: $0)) }
    } else if namesSkipped {
        events.onStart = { plan in
            for clip in plan.skipped { Terminal.warn("not trained on: \(ShownText.name(clip.path)): \(clip.reason)") }
        }
    }
    if let callback: LuaFunction = try call.option("on_step") {
        events.onStep = { try callback(StepLog.record.fields(of: $0)).first?.boolean != false }
    }
    if let callback: LuaFunction = try call.option("on_validation") {
        events.onValidation = { try callback(StepLog.record.fields(of: $0)) }
    }
    if let callback: LuaFunction = try call.option("on_checkpoint") { events.onCheckpoint = { try callback($0) } }
    events.onWarning = { Terminal.warn($0) }
    if let callback: LuaFunction = try call.option("on_warning") { events.onWarning = { try callback($0) } }
    let interpreter = call.interpreter
    events.onInterrupt = { interpreter.clearInterrupt() }
    return events
}

extension Call {
    /// The option `memory_budget`, in bytes.
    func memoryBudget() throws -> Int? {
        do { return try ByteCount.budget(option("memory_budget")) } catch let problem as OpahError {
            throw error(problem.message)
        }
    }
}

extension ByteCount {
    /// The bytes of a memory budget: a number, or text as in `4GB` (powers of 1000) and `4GiB` (of 1024).
    static func budget(_ value: LuaValue) throws -> Int? {
        if value.isNil { return nil }
        guard let bytes = value.number ?? value.string.flatMap({ parse($0) }).map(Double.init), bytes >= 1e6,
            bytes < 1e15
        else {
            throw OpahError(
                .argument, "memory_budget must be a number of bytes, a million at least, or as in \"4GB\"")
        }
        return Int(bytes)
    }
}
