import Foundation
import Pictures
import Support

/// The curves of one run: of the figures beside its progress bars, and of every `metrics.jsonl` that it wrote.
struct BatchCurves {
    private(set) var plots: [CurvePlot] = []

    init(_ folder: BatchFolder, outputs: [String]) {
        var series: [String: [String: [(x: Double, y: Double)]]] = [:]   // figure -> whose -> points
        func add(_ figure: String, _ whose: String, _ x: Double, _ value: ConfigValue) {
            if let y = value.double { series[figure, default: [:]][whose, default: []].append((x, y)) }
        }
        let elsewhere = outputs.map { $0 + "/metrics.jsonl" }.filter {
            FileKind.isFile($0) && !$0.hasPrefix(folder.out + "/")
        }
        let logs =
            folder.files.filter { PathName.last($0) == "metrics.jsonl" }.map { folder.out + "/" + $0 } + elsewhere
        for (log, run) in zip(logs, Self.names(logs.map(PathName.folder))) {
            for line in Self.lines(log) {
                guard let step = line["step"]?.double, let stage = line["stage"]?.string else { continue }
                for (key, value) in line.map ?? ConfigMap() where ["loss", "top_5_accuracy"].contains(key) {
                    add(key, run.isEmpty ? stage : "\(run) \(stage)", step, value)
                }
            }
        }
        for event in Self.lines(folder.events) {
            if event["event"]?.string == "metrics", let step = event["step"]?.double {
                for (key, value) in event.map ?? ConfigMap() where key != "step" && key != "event" {
                    add(key, key, step, value)
                }
            } else if event["event"]?.string == "progress", logs.isEmpty, let done = event["done"]?.double {
                for (key, value) in event["figures"]?.map ?? ConfigMap() {
                    add(key, event["label"]?.string ?? "", done, value)
                }
            }
        }
        for (figure, curves) in series.sorted(by: { $0.key < $1.key })
        where curves.contains(where: { $0.value.count > 2 }) {
            plots.append(
                CurvePlot(
                    curves: curves.sorted { $0.key < $1.key }.map { .init(name: $0.key, points: $0.value) },
                    xLabel: "step", yLabel: figure))
        }
    }

    /// What tells folders apart: their paths without the steps that all have in common at both ends. Nothing for a
    /// single one.
    static func names(_ folders: [String]) -> [String] {
        let paths = folders.map { $0.split(separator: "/") }
        guard let first = paths.first, paths.count > 1 else { return folders.map { _ in "" } }
        func shared(_ parts: [[Substring]]) -> Int {
            let shortest = parts.map(\.count).min() ?? 0
            return (0 ..< shortest).first { i in parts.contains { $0[i] != parts[0][i] } } ?? shortest
        }
        let head = shared(paths), tail = shared(paths.map { $0.dropFirst(head).reversed() })
        return first.count == head ? folders : paths.map { $0.dropFirst(head).dropLast(tail).joined(separator: "/") }
    }

    /// None of a file that is larger than any training makes it.
    private static func lines(_ path: String) -> [ConfigValue] {
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size < 64 << 20 else { return [] }
        return ((try? MappedFile.text(path)) ?? "").split(separator: "\n").compactMap { try? JSON.decode(String($0)) }
    }
}
