import Foundation
import Pictures
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
    /// One batch at a time runs the recipe; others may run others.
    static let lockName = ".run.lock"

    init(_ base: String, _ item: BatchItem) { path = PathName.join(base, item.name) }

    /// Makes room for a first attempt. What an earlier run wrote into `out` stays, so that a recipe can go on from it.
    func prepare() throws {
        try FileKind.makeFolder(out)
        for name in try FileManager.default.contentsOfDirectory(atPath: path)
        where !["out", "tmp", Self.lockName].contains(name) {
            try? FileManager.default.removeItem(atPath: path + "/" + name)
        }
        try prepareAttempt(1)
    }

    func prepareAttempt(_ number: Int) throws {
        if number > 1 { rename(log, path + "/log-\(number - 1).txt") }
        try FileKind.makeFolder(out)
        try? FileManager.default.removeItem(atPath: temporary)
        try FileKind.makeFolder(temporary)
    }

    /// What cannot be kept, because the recipe removed the folder or the disk is full, is made again by the next batch.
    func save(_ outcome: BatchOutcome, _ item: BatchItem, fingerprint: String) {
        try? FileManager.default.removeItem(atPath: temporary)
        var fields: ConfigMap = ["command": .string(item.command), "fingerprint": .string(fingerprint)]
        for (key, value) in outcome.fields { fields[key] = value }
        if let inputs = recorded?["inputs"] { fields["inputs"] = inputs }
        try? FileKind.makeFolder(path)
        try? AtomicFile.write(state, JSON.encode(.map(fields), indent: 2) + "\n")
    }

    /// What the run says about itself; nil when that is no record: recipes can write there too.
    var recorded: ConfigValue? {
        var info = stat()
        guard stat(record, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size < 64 << 20 else { return nil }
        return try? JSON.read(record)
    }

    /// The files that it wrote, as they are called in `out`, sorted; links are passed over, wherever they lead, and so
    /// is what comes after the first ten thousand.
    var files: [String] {
        var found: [String] = []
        func walk(_ folder: String, _ before: String) {
            guard found.count < 10_000, let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
                return
            }
            for name in names.sorted() where !name.hasPrefix(".") && found.count < 10_000 {
                var info = stat()
                guard lstat(folder + "/" + name, &info) == 0 else { continue }
                switch info.st_mode & S_IFMT {
                case S_IFDIR: walk(folder + "/" + name, before + name + "/")
                case S_IFREG: found.append(before + name)
                default: break
                }
            }
        }
        walk(out, "")
        return found
    }

    var logBytes: Int {
        var info = stat()
        return lstat(log, &info) == 0 ? Int(info.st_size) : 0
    }

    /// The outcome of an earlier run, if it finished and neither it nor its inputs have changed since.
    func finished(fingerprint: String) -> BatchOutcome? {
        guard FileKind.isFile(state), FileKind.isFolder(out), let saved = try? JSON.read(state),
            saved["fingerprint"]?.string == fingerprint,
            var outcome = BatchOutcome(saved), outcome.isFinished, let inputs = saved["inputs"]?.map
        else { return nil }
        for (path, stamp) in inputs where InputStamp.now(path) != stamp.string { return nil }
        outcome.isUnchanged = true
        return outcome
    }

    /// The end of what it said.
    func lastLines(_ count: Int) -> String {
        guard FileKind.isFile(log), let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: log)) else {
            return ""
        }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 65536 ? size - 65536 : 0)
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self).split(separator: "\n").suffix(count)
            .joined(separator: "\n")
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

    /// As much as there is, a few megabytes at a time: a recipe that writes without end must not keep the batch from
    /// the others.
    func read(megabytes: Int = 4) {
        guard FileKind.isFile(path), let file = FileHandle(forReadingAtPath: path),
            (try? file.seek(toOffset: offset)) != nil
        else { return }
        for _ in 0 ..< megabytes {
            guard let data = try? file.read(upToCount: 1 << 20), !data.isEmpty else { break }
            offset += UInt64(data.count)
            rest += data
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if let event = try? JSON.decode(String(decoding: rest[start ..< end], as: UTF8.self)) { take(event) }
                start = end + 1
            }
            rest.removeSubrange(..<start)
            if rest.count > 1 << 20 { rest = [] }   // no line of ours
        }
    }

    private func take(_ event: ConfigValue) {
        switch event["event"]?.string {
        case "progress":
            let label = event["label"]?.string ?? "", done = event["done"]?.int ?? 0,
                figures = event["figures"]?.map ?? ConfigMap()
            let share = event["total"]?.int.map { "\(done)/\($0)" } ?? "\(done)"
            let values = figures.map { name, value in
                name + " " + (value.double.map(BatchFolder.short) ?? value.plainText)
            }
            progress = ([label, share] + values).filter { !$0.isEmpty }.joined(separator: "  ")
            keep(figures)
        case "metrics":
            keep(event.map ?? ConfigMap())
        case "output":
            if let path = event["path"]?.string, !outputs.contains(path), outputs.count < 100 { outputs.append(path) }
        default: break
        }
    }

    private func keep(_ figures: ConfigMap) {
        for (key, value) in figures
        where !["event", "step"].contains(key) && (metrics.count < 200 || metrics[key] != nil) { metrics[key] = value }
    }
}

extension BatchFolder {
    /// Four digits, for lines that are read in passing.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
