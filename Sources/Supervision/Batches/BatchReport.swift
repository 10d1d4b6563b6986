import Foundation
import Installation
import Pictures
import Support

/// A batch for reading afterwards: JSON for programs, one HTML page for people.
public struct BatchReport {
    let items: [BatchItem], outcomes: [BatchOutcome], output: String
    let began: Date, seconds: Double

    public init(_ items: [BatchItem], _ outcomes: [BatchOutcome], output: String, began: Date) {
        (self.items, self.outcomes, self.output, self.began) = (items, outcomes, output, began)
        seconds = -began.timeIntervalSinceNow
    }

    /// 0 when all are done, 3 when some skipped inputs, 130 when the batch was stopped, else 1.
    public var exitCode: Int32 {
        if outcomes.contains(where: {
            $0.state == .interrupted || $0.state == .notRun && $0.reason == "the batch was interrupted"
        }) {
            return 130
        }
        if outcomes.contains(where: { !$0.isFinished }) { return 1 }
        return outcomes.contains { $0.state == .skips } ? 3 : 0
    }

    /// `7 of 10 recipes done, 1 failed, 1 crashed, 1 timed out`
    public var summary: String {
        var counts: [(String, Int)] = []
        for outcome in outcomes where !outcome.isFinished {
            if let place = counts.firstIndex(where: { $0.0 == outcome.state.rawValue }) {
                counts[place].1 += 1
            } else {
                counts.append((outcome.state.rawValue, 1))
            }
        }
        let done = outcomes.count { $0.isFinished }, unchanged = outcomes.count { $0.isUnchanged }
        return "\(done) of \(items.count) recipes done" + (unchanged > 0 ? " (\(unchanged) unchanged)" : "")
            + counts.map { ", \($0.1) \($0.0)" }.joined()
    }

    /// Refuses names for reports that belong to other files, before anything runs: what the batch reads, and whatever
    /// is no report.
    public static func require(_ paths: [String], items: [BatchItem], inputs: [String]) throws {
        let read = inputs + items.flatMap { [(try? RecipeIndex.path($0.recipe)) ?? $0.recipe] + $0.arguments }
        for path in paths where FileKind.exists(path) {
            guard
                let input = read.first(where: {
                    FileKind.exists($0) && FileKind.resolved($0) == FileKind.resolved(path)
                })
            else { continue }
            throw OpahError(
                .usage, "\(name: path): the report would replace \(name: input), which the batch reads",
                hint: "give the report a name of its own")
        }
        try OwnFiles.require(paths, to: "the report of a batch") { path, start in
            path.hasSuffix(".html")
                ? OwnFiles.isPage(path, start) && start.dropFirst(HTML.start.count).hasPrefix("Batch: ")
                : start.hasPrefix("{\n  \"opah\": ") && start.contains("\n  \"summary\": ")
        }
    }

    // MARK: JSON

    public var json: String {
        let recipes = zip(items, outcomes).map { item, outcome -> ConfigValue in
            let folder = BatchFolder(output, item)
            var fields: ConfigMap = [
                "name": .string(item.name), "recipe": .string(item.recipe),
                "arguments": .list(item.arguments.map(ConfigValue.string))
            ]
            for (key, value) in outcome.fields { fields[key] = value }
            fields["folder"] = .string(folder.path)
            fields["log"] = .string(folder.log)
            fields["files"] = .list(folder.files.prefix(200).map { .string(folder.out + "/" + $0) })
            fields["last_lines"] = .string(folder.lastLines(20))
            return .map(fields)
        }
        return JSON.encode(
            [
                "opah": .string(opahVersion), "began": .string(began.formatted(.iso8601)),
                "seconds": .double((seconds * 1000).rounded() / 1000),
                "exit_code": .int(Int(exitCode)), "summary": .string(summary), "recipes": .list(recipes)
            ], indent: 2) + "\n"
    }

    // MARK: HTML

    /// - Parameter folder: where the page will be: links are seen from there.
    public func html(in folder: String) -> String {
        let place = FileKind.resolved(folder)
        // What needs a person comes first.
        let ordered = zip(items, outcomes).filter { !$1.isFinished } + zip(items, outcomes).filter { $1.isFinished }
        let rows = ordered.map { item, outcome in
            [
                "<a href=\"#\(HTML.escape(item.name))\">\(HTML.escape(item.name))</a>",
                "<span class=\"\(outcome.isFinished ? "good" : "bad")\">\(HTML.escape(outcome.text))</span>",
                DurationText.clock(outcome.seconds), ByteCount.text(outcome.peakBytes),
                HTML.escape(Self.figures(outcome.metrics))
            ]
        }
        let table = HTML.table(
            header: ["recipe", "state", "time", "peak memory", "last figures"], rows, namesFirst: true)
        let details = ordered.map { detail($0, $1, place) }
        let style = "<style>pre { max-height: 20rem; overflow-y: auto }</style>"
        return HTML.page(
            title: "Batch: " + summary,
            body: style
                + "<p>\(HTML.escape(began.formatted(.iso8601))), \(DurationText.clock(seconds)), Opah \(opahVersion)</p>\n"
                + table + "\n" + details.joined(separator: "\n"))
    }

    private static func figures(_ metrics: ConfigMap) -> String {
        metrics.map { "\($0.key) \($0.value.double.map(BatchFolder.short) ?? $0.value.plainText)" }.joined(
            separator: ", ")
    }

    private func detail(_ item: BatchItem, _ outcome: BatchOutcome, _ place: String) -> String {
        let folder = BatchFolder(output, item)
        func link(_ path: String, _ name: String) -> String {
            "<a href=\"\(HTML.escape(Self.relative(path, place)))\">\(HTML.escape(name))</a>"
        }
        var parts = [
            "<h2 id=\"\(HTML.escape(item.name))\">\(HTML.escape(item.name))</h2>",
            "<pre>opah run \(HTML.escape(item.command))</pre>",
            "<p class=\"\(outcome.isFinished ? "good" : "bad")\">\(HTML.escape(outcome.text))"
                + (outcome.attempts > 1 ? ", \(outcome.attempts) attempts" : "") + "</p>"
        ]
        for plot in BatchCurves(folder, outputs: outcome.outputs).plots { parts.append("<figure>\(plot.svg)</figure>") }
        let all = folder.files,
            shown = all.filter { $0 != "run.json" }.sorted { Self.interest($0) < Self.interest($1) }.prefix(12)
        var links = [(folder.log, "log"), (folder.record, "run.json")].filter { FileKind.isFile($0.0) }.map {
            link($0.0, $0.1)
        }
        links +=
            outcome.outputs.filter { !$0.hasPrefix(folder.out + "/") }.map { link($0, PathName.last($0)) }
            + shown.map { link(folder.out + "/" + $0, $0) }
        if all.count > shown.count {
            links.append(
                link(folder.out, all.count == 10_000 ? "the folder, of 10000 files or more" : "all \(all.count) files"))
        }
        if !links.isEmpty { parts.append("<p>\(links.joined(separator: " &middot; "))</p>") }
        let last = folder.lastLines(outcome.isFinished ? 5 : 20)
        if !last.isEmpty { parts.append("<pre>\(HTML.escape(last))</pre>") }
        return parts.joined(separator: "\n")
    }

    /// Pages and sound before the rest.
    private static func interest(_ path: String) -> Int {
        [".html", ".wav", ".flac", ".png", ".lua", ".json"].firstIndex(of: PathName.suffix(path).lowercased()) ?? 9
    }

    /// A path as a link from a folder, both absolute; letters that links cannot hold are escaped.
    private static func relative(_ path: String, _ folder: String) -> String {
        let to = FileKind.resolved(path).split(separator: "/"), from = folder.split(separator: "/")
        let common = zip(to, from).prefix { $0 == $1 }.count
        let parts = Array(repeating: "..", count: from.count - common) + to[common...].map(String.init)
        return parts.joined(separator: "/").addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
    }
}
