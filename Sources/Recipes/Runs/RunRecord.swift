import Console
import Foundation
import Installation
import LuaHost
import Supervision
import Support

/// What a run was: recipe, resolved options, versions, inputs, and how it ended. `run.json` in the folder that
/// the run writes to (an option of type `output`), and wherever a batch wants it.
public enum RunRecord {
    /// Where a batch wants this run to write: `OPAH_OUT`.
    public static let batchFolder = environment("OPAH_OUT")
    private static let batchRecord = environment("OPAH_RECORD")

    nonisolated(unsafe) private static var fields: ConfigMap?   // all of these only on the interpreter's thread
    nonisolated(unsafe) private static var steps: [ConfigValue] = []
    nonisolated(unsafe) private static var inputs: [InputStamp] = []
    nonisolated(unsafe) private static var outputFolder: String?
    nonisolated(unsafe) private static var loadedFiles: () -> [String] = { [] }
    nonisolated(unsafe) private static var hasEnded = false
    private static let began = Date()

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A run begins, before it is known whether there is a recipe of that name: from here on it ends with a result. A
    /// recipe that ends the process itself, with `os.exit`, is recorded too.
    public static func begin(_ recipe: String, _ arguments: [String]) {
        on_exit({ code, _ in RunRecord.exits(code) }, nil)
        fields = [
            "recipe": .string(recipe),
            "arguments": .list(arguments.map(ConfigValue.string)),
            "folder": .string(FileManager.default.currentDirectoryPath), "opah": .string(opahVersion),
            "lua": .string(LuaHost.luaVersion),
            "started": .string(began.formatted(.iso8601)), "state": "running"
        ]
        write()
    }

    /// Its recipe is found.
    /// - Parameter loadedFiles: the Lua files that it has required so far.
    package static func reads(_ path: String, loadedFiles: @escaping () -> [String]) {
        self.loadedFiles = loadedFiles
        fields?["file"] = .string(FileKind.resolved(path))
        // What is not declared as an input may be one all the same.
        if batchRecord != nil, let arguments = fields?["arguments"]?.list?.compactMap(\.string) {
            for argument in arguments where FileKind.exists(argument) { addInput(argument) }
        }
        write()
    }

    /// Its options are known; or, later, those of a recipe that it runs itself.
    package static func options(
        _ recipe: String, _ values: ConfigMap, overrides: [String], inputs paths: [String], output: String?
    ) {
        let all = ConfigMap(values, overrides: overrides)
        Terminal.event(["event": "options", "recipe": .string(recipe), "options": .map(all)])
        Terminal.log(
            "\(recipe): "
                + all.map { "\($0.key)=\(ShownText.name(shortened($0.value.plainText)))" }.joined(separator: " "))
        guard fields != nil else { return }
        if fields!["options"] == nil {
            fields!["options"] = .map(all)
            outputFolder = output
        } else {
            steps.append(["recipe": .string(recipe), "options": .map(all)])
        }
        for path in paths { addInput(path) }
        write()
    }

    /// A value in the line of options: texts of thousands of letters hide the others.
    private static func shortened(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count <= 80 ? line : line.prefix(60) + "… (\(text.count) letters)"
    }

    /// What came of the run, as its `result` event and record tell it; later values replace earlier ones.
    package static func add(_ new: ConfigMap) {
        var facts = fields?["facts"]?.map ?? ConfigMap()
        for (key, value) in new { facts[key] = value }
        fields?["facts"] = .map(facts)
    }

    /// The process ends, and with it the run: the last thing that programs hear.
    private static func exits(_ code: Int32) {
        end(code: code, error: nil)
        guard let fields else { return }
        var event: ConfigMap = ["event": "result"]
        for key in ["recipe", "state", "seconds", "peak_memory", "error", "facts"] { event[key] = fields[key] }
        event["exit_code"] = .int(Int(code))
        Terminal.event(event)
    }

    private static func addInput(_ path: String) {
        let resolved = FileKind.resolved(path)
        guard batchRecord != nil, !inputs.contains(where: { $0.path == resolved }) else { return }
        for own in [outputFolder, batchFolder].compactMap(\.self)
        where (resolved + "/").hasPrefix(FileKind.resolved(own) + "/") { return }
        inputs.append(InputStamp(resolved))
    }

    /// It has ended, however.
    public static func end(code: Int32, error: OpahError?) {
        guard fields != nil, !hasEnded else { return }
        hasEnded = true
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        fields!["state"] = .string(
            code == 0 ? "done" : code == 3 ? "done, with skips" : code == 130 ? "interrupted" : "failed")
        fields!["exit_code"] = .int(Int(code))
        fields!["seconds"] = .double((-began.timeIntervalSinceNow * 1000).rounded() / 1000)
        fields!["peak_memory"] = .int(usage.ru_maxrss * 1024)
        if let error, error.kind != .exit { fields!["error"] = .string(error.message) }
        write(isEnd: true)
    }

    /// A run is not worth failing because its record cannot be written.
    private static func write(isEnd: Bool = false) {
        // Of several processes, one keeps the record.
        guard var fields, Terminal.speaker == nil else { return }
        if !steps.isEmpty { fields["steps"] = .list(steps) }
        if let batchRecord {
            var full = fields
            if isEnd {
                let own = loadedFiles().map { InputStamp(FileKind.resolved($0)) }
                full["inputs"] = .map(ConfigMap((inputs + own).map { ($0.path, .string($0.atEnd)) }))
            }
            try? AtomicFile.write(batchRecord, JSON.encode(.map(full), indent: 2) + "\n")
        }
        guard let outputFolder else { return }
        // Another run's folder keeps that run's record.
        if FolderLock.wasRefused(outputFolder) || FolderLock.isHeldElsewhere(outputFolder) { return }
        try? FileKind.makeFolder(outputFolder)
        try? AtomicFile.write(PathName.join(outputFolder, "run.json"), JSON.encode(.map(fields), indent: 2) + "\n")
    }
}

extension ConfigMap {
    package init(_ pairs: [(String, ConfigValue)]) {
        self.init()
        for (key, value) in pairs { self[key] = value }
    }

    /// Options and, when there are some, the overrides behind them.
    fileprivate init(_ values: ConfigMap, overrides: [String]) {
        self = values
        if !overrides.isEmpty { self["overrides"] = .list(overrides.map(ConfigValue.string)) }
    }
}

extension RecipeOptions {
    /// The files and folders among the values that a run reads.
    package func inputs(_ values: ConfigMap) -> [String] {
        let kinds = positionals.map { ($0.name, $0.kind) } + flags.map { ($0.key, $0.kind) }
        return kinds.filter { $0.1 == .file || $0.1 == .folder }.flatMap { name, _ in
            values[name].map { $0.list?.compactMap(\.string) ?? [$0.string].compactMap(\.self) } ?? []
        }
    }

    /// The folder that a run writes to, if it declares one.
    package func output(_ values: ConfigMap) -> String? {
        let name = positionals.first { $0.kind == .output }?.name ?? flags.first { $0.kind == .output }?.key
        return name.flatMap { values[$0]?.string }
    }
}
