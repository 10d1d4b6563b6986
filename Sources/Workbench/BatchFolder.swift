import Foundation
import Support

/// What a batch keeps about one run, in `<output>/<name>/`:
///
///     out/          what the recipe writes: OPAH_OUT
///     log.txt       what it said in its last attempt; log-1.txt in the first, ...
///     run.json      what it was: options, versions, inputs (written by the run itself)
///     events.jsonl  its progress and figures
///     state.json    how it ended; replaced in one step, so an interrupted batch goes on from it
struct BatchFolder {
    let path: String
    var out: String { path + "/out" }
    var temporary: String { path + "/tmp" }
    var log: String { path + "/log.txt" }
    var record: String { path + "/run.json" }
    var events: String { path + "/events.jsonl" }
    private var state: String { path + "/state.json" }

    init(_ base: String, _ item: BatchItem) { path = PathName.join(base, item.name) }

    /// Makes room for a first attempt. What an earlier run wrote into `out` stays, so that a recipe can go on from it.
    func prepare() throws {
        try FileKind.makeFolder(out)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !["out", "tmp"].contains(name) { unlink(path + "/" + name) }
        try prepareAttempt(1)
    }

    func prepareAttempt(_ number: Int) throws {
        if number > 1 { rename(log, path + "/log-\(number - 1).txt") }
        try FileKind.makeFolder(out)
        try? FileManager.default.removeItem(atPath: temporary)
        try FileKind.makeFolder(temporary)
    }

    func save(_ outcome: BatchOutcome, _ item: BatchItem, fingerprint: String) throws {
        try? FileManager.default.removeItem(atPath: temporary)
        var fields: ConfigMap = ["command": .string(item.command), "fingerprint": .string(fingerprint)]
        for (key, value) in outcome.fields { fields[key] = value }
        if let inputs = (try? JSON.read(record))?["inputs"] { fields["inputs"] = inputs }
        try AtomicFile.write(state, JSON.encode(.map(fields), indent: 2) + "\n")
    }

    /// The outcome of an earlier run, if it finished and neither it nor its inputs have changed since.
    func finished(fingerprint: String) -> BatchOutcome? {
        guard FileKind.isFile(state), FileKind.isFolder(out), let saved = try? JSON.read(state), saved["fingerprint"]?.string == fingerprint,
              var outcome = BatchOutcome(saved), outcome.isFinished, let inputs = saved["inputs"]?.map else { return nil }
        for (path, stamp) in inputs where InputStamp.now(path) != stamp.string { return nil }
        outcome.isUnchanged = true
        return outcome
    }

    /// The end of what it said.
    func lastLines(_ count: Int) -> String {
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: log)) else { return "" }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 65536 ? size - 65536 : 0)
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self).split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}

/// The events of one run, read as they come.
final class BatchEvents {
    private let path: String
    private var offset: UInt64 = 0
    private var rest: [UInt8] = []
    /// For the live line: `train 12/40  loss 2.113`.
    private(set) var progress = ""
    private(set) var metrics = ConfigMap()
    private(set) var outputs: [String] = []

    init(_ path: String) { self.path = path }

    func read() {
        guard let file = FileHandle(forReadingAtPath: path), (try? file.seek(toOffset: offset)) != nil else { return }
        while let data = try? file.read(upToCount: 1 << 20), !data.isEmpty {
            offset += UInt64(data.count)
            rest += data
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                if let event = try? JSON.decode(String(decoding: rest[..<end], as: UTF8.self)) { take(event) }
                rest.removeSubrange(...end)
            }
        }
    }

    private func take(_ event: ConfigValue) {
        switch event["event"]?.string {
        case "progress":
            let label = event["label"]?.string ?? "", done = event["done"]?.int ?? 0, figures = event["figures"]?.map ?? ConfigMap()
            progress = ([label, event["total"]?.int.map { "\(done)/\($0)" } ?? "\(done)"] + figures.map { "\($0.key) \($0.value.double.map(CurvePlot.short) ?? $0.value.plainText)" }).filter { !$0.isEmpty }.joined(separator: "  ")
            for (key, value) in figures { metrics[key] = value }
        case "metrics":
            for (key, value) in event.map ?? ConfigMap() where !["event", "step"].contains(key) { metrics[key] = value }
        case "output":
            if let path = event["path"]?.string, !outputs.contains(path), outputs.count < 100 { outputs.append(path) }
        default: break
        }
    }
}

extension CurvePlot {
    /// Four digits, for lines that are read in passing.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
