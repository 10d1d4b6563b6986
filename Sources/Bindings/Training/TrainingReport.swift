import Dataset
import Pictures
import Support
import Training

/// `report.html` of a project: its settings, the curves of all its runs, how the last one ended, what was left out and
/// how it sounds.
struct TrainingReport {
    let settings: TrainerSettings, folder: String
    let summary: TrainingSummary
    let data: TrainingDataset

    private static func path(_ folder: String) -> String { PathName.join(folder, "report.html") }

    /// To be asked before a run begins: a page of somebody else's in its place would be lost at the end.
    static func requireOwn(in folder: String) throws {
        try OwnFiles.require([path(folder)], to: "the report of a run", isOwn: OwnFiles.isPage)
    }

    func write() throws {
        let lines = try MappedFile.text(PathName.join(folder, "metrics.jsonl")).split(separator: "\n").compactMap {
            try? JSON.decode(String($0))
        }
        let body = [outcome(lines), curves(lines), skipped, auditions, configuration]
        try AtomicFile.write(
            Self.path(folder), HTML.page(title: "Training: \(settings.project)", body: body.joined(separator: "\n")))
    }

    /// How it ended.
    private func outcome(_ lines: [ConfigValue]) -> String {
        let coverage = summary.coverage
        var rows = [
            (
                "steps",
                "\(summary.step) of \(settings.maxSteps)"
                    + (summary.ending == .finished ? "" : ", \(summary.ending.rawValue.replacing("_", with: " "))")
            ),
            (
                "clips",
                "\(data.trainingClips) to train on, \(data.validationClips) held out, \(summary.skipped) left out"
            ),
            (
                "used in this run",
                "\(coverage.seen) of \(coverage.clips) clips, each \(coverage.fewest == coverage.most ? "\(coverage.most)" : "\(coverage.fewest) to \(coverage.most)") times"
            ),
            ("time of this run", DurationText.words(summary.seconds))
        ]
        if let best = summary.best {
            rows.append(("lowest held-out loss", "\(CurvePlot.number(best.loss)) at step \(best.step)"))
        }
        if let best = bestCheckpoint(lines) {
            rows.append(("checkpoint with the lowest", "\(best.path) (\(CurvePlot.number(best.loss)))"))
        }
        if let checkpoint = summary.checkpoint { rows.append(("last checkpoint", checkpoint)) }
        return HTML.table(rows.map { [$0.0, HTML.escape($0.1)] }, namesFirst: true)
    }

    /// Of the checkpoints that are there and at whose step the held-out clips were measured.
    private func bestCheckpoint(_ lines: [ConfigValue]) -> (path: String, loss: Double)? {
        lines.compactMap { line -> (path: String, loss: Double)? in
            guard line["stage"]?.string == "val", let step = line["step"]?.int, let loss = line["loss"]?.double,
                loss.isFinite
            else { return nil }
            let digits = String(step),
                path = PathName.join(
                    folder,
                    "checkpoints/step_" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits + ".ckpt")
            return FileKind.exists(path) ? (path, loss) : nil
        }.min { $0.loss < $1.loss }
    }

    private func curves(_ lines: [ConfigValue]) -> String {
        func points(_ stage: String, _ key: String) -> [(x: Double, y: Double)] {
            lines.compactMap { line in
                guard line["stage"]?.string == stage, let step = line["step"]?.double, let value = line[key]?.double
                else { return nil }
                return (step, value)
            }
        }
        func plot(_ title: String, _ key: String, _ label: String) -> String {
            let curves = [("training", "train"), ("held-out clips", "val")].map {
                CurvePlot.Curve(name: $0.0, points: points($0.1, key))
            }.filter { !$0.points.isEmpty }
            return "<h2>\(title)</h2><figure>" + CurvePlot(curves: curves, xLabel: "step", yLabel: label).svg
                + "</figure>"
        }
        return plot("Loss", "loss", "loss") + speakerCurves(lines) + plot("Loss of the codes", "semantic_loss", "loss")
            + plot("Codes among the best five", "top_5_accuracy", "share")
            + plot("Norm of the gradients", "grad_norm", "norm before clipping") + plot("Learning rate", "lr", "rate")
    }

    /// Of several speakers, one curve for each; of many, for those with the highest loss at the end.
    private func speakerCurves(_ lines: [ConfigValue]) -> String {
        var points: [String: [(x: Double, y: Double)]] = [:]
        for line in lines where line["stage"]?.string == "val" {
            guard let step = line["step"]?.double else { continue }
            for (name, value) in line["speaker_loss"]?.map ?? ConfigMap() {
                if let loss = value.double { points[name, default: []].append((step, loss)) }
            }
        }
        guard !points.isEmpty else { return "" }
        let worst = points.sorted { one, other in
            let (a, b) = (one.value.last?.y ?? 0, other.value.last?.y ?? 0)
            return a == b ? one.key < other.key : a > b
        }
        let shown = worst.prefix(8), curves = shown.map { CurvePlot.Curve(name: $0.key, points: $0.value) }
        let more = shown.count < worst.count ? ", the \(shown.count) highest of \(worst.count)" : ""
        let plot = CurvePlot(curves: curves, xLabel: "step", yLabel: "loss")
        return "<h2>Held-out loss by speaker\(more)</h2><figure>" + plot.svg + "</figure>"
    }

    /// What was never trained on, and why.
    private var skipped: String {
        guard !data.skipped.isEmpty else { return "" }
        let shown = data.skipped.prefix(200).map {
            [HTML.escape($0.path), HTML.escape($0.reason), HTML.escape($0.remedy ?? "")]
        }
        let more = data.skipped.count - shown.count
        return "<h2>Left out</h2>" + HTML.table(header: ["clip", "reason", "remedy"], Array(shown))
            + (more > 0 ? "<p>and \(more) more</p>" : "")
    }

    /// What `callbacks.audition` has said at each checkpoint, the newest first.
    private var auditions: String {
        let place = PathName.join(folder, "auditions")
        guard let walk = try? FolderWalk(place) else { return "" }
        let sounds = walk.files.filter { $0.hasSuffix(".wav") }.sorted()
        guard !sounds.isEmpty else { return "" }
        let steps = Dictionary(grouping: sounds) { PathName.last(PathName.folder($0)) }.sorted { $0.key > $1.key }
        return "<h2>Auditions</h2>"
            + steps.map { step, files in
                "<h3>\(HTML.escape(step))</h3>"
                    + files.map { file in
                        let name = "\(step), sentence \(PathName.last(file).dropLast(4))",
                            link = String(file.dropFirst(folder.count + 1))
                        return
                            "<figure>\(HTML.audio(HTML.escape(link), label: name))<figcaption>\(HTML.escape(name))</figcaption></figure>"
                    }.joined()
            }.joined(separator: "\n")
    }

    private var configuration: String {
        let optimizer = settings.optimizer
        let rows: [(String, String)] = [
            (
                "batch_size",
                "\(settings.batchSize)"
                    + (settings.accumulate > 1 ? ", times \(settings.accumulate) before a step" : "")
            ), ("lr", CurvePlot.number(optimizer.learningRate)),
            ("schedule", settings.ownSchedule == nil ? "\(settings.schedule)" : "the recipe's own"),
            ("betas", "\(optimizer.betas.0), \(optimizer.betas.1)"),
            ("eps", CurvePlot.number(optimizer.epsilon)), ("weight_decay", CurvePlot.number(optimizer.weightDecay)),
            ("gradient_clip_val", settings.gradientClip.map(CurvePlot.number) ?? "none"), ("seed", "\(settings.seed)"),
            ("val_check_interval", "\(settings.validateEvery)"), ("every_n_train_steps", "\(settings.checkpointEvery)")
        ]
        let all =
            settings.configuration == TrainerSettings().configuration
            ? "" : "<details><summary>config.lua</summary><pre>\(HTML.escape(settings.configuration))</pre></details>"
        return "<h2>Settings</h2>" + HTML.table(rows.map { [$0.0, HTML.escape($0.1)] }, namesFirst: true) + all
    }
}
