import Support
import Training

/// `report.html` of a project: the curves of all its runs, and how the last one ended.
struct TrainingReport {
    let project: String, folder: String
    let summary: TrainingSummary

    func write() throws {
        let lines = try MappedFile.text(PathName.join(folder, "metrics.jsonl")).split(separator: "\n").compactMap { try? JSON.decode(String($0)) }
        func points(_ stage: String, _ key: String) -> [(x: Double, y: Double)] {
            lines.compactMap { line in
                guard line["stage"]?.string == stage, let step = line["step"]?.double, let value = line[key]?.double else { return nil }
                return (step, value)
            }
        }
        func plot(_ title: String, _ key: String, _ label: String) -> String {
            let curves = [("training", "train"), ("held-out clips", "val")].map { CurvePlot.Curve(name: $0.0, points: points($0.1, key)) }
            return "<h2>\(title)</h2><figure>" + CurvePlot(curves: curves.filter { !$0.points.isEmpty }, xLabel: "step", yLabel: label).svg + "</figure>"
        }
        let coverage = summary.coverage
        var rows = [("steps", "\(summary.step)"), ("clips used", "\(coverage.seen) of \(coverage.clips)"),
                    ("uses of a clip", "\(coverage.fewest) to \(coverage.most)"), ("clips left out", "\(summary.skipped)")]
        if let best = summary.best { rows.append(("lowest held-out loss", "\(CurvePlot.number(best.loss)) at step \(best.step)")) }
        if let checkpoint = summary.checkpoint { rows.append(("last checkpoint", checkpoint)) }
        let table = "<table>" + rows.map { "<tr><td>\($0.0)</td><td>\(HTML.escape($0.1))</td></tr>" }.joined() + "</table>"
        let body = table + plot("Loss", "loss", "loss") + plot("Loss of the codes", "semantic_loss", "loss")
            + plot("Codes among the best five", "top_5_accuracy", "share") + plot("Learning rate", "lr", "rate")
        try AtomicFile.write(PathName.join(folder, "report.html"), HTML.page(title: project, body: body))
    }
}
