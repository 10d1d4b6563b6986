import Glibc
import Synchronization

/// What a stage writes, made again exactly when it has to be: when the content of what it was made from, or the
/// settings, changed. What others made, or changed by hand, is kept and told. Any number of threads may make different
/// outputs at once. See `MadeRecord` for what is remembered, and where.
public final class MadeFiles: Sendable {
    public enum Decision: Equatable, Sendable {
        /// There is none yet, a run that made it did not end, or making again was asked for.
        case make
        /// What it was made from differs in these: `input`, `label`, `settings`.
        case remake([String])
        case current
        /// Nothing tells what made it: the original's tools, or a program that kept no record.
        case unknown
        /// Was changed by hand; nothing else changed.
        case edited
        /// Was changed by hand, and what it was made from changed as well.
        case conflict([String])

        public var isWork: Bool {
            switch self {
            case .make, .remake: true
            default: false
            }
        }
    }

    /// An output that is being made.
    public struct Making: Sendable {
        let folder: String, name: String
        let entry: MadeRecord.Entry
        let before: MadeRecord.Entry?
        let changes: [String]
        let isAtomic: Bool
    }

    public let stage: String
    public let overwrite: Bool
    private let format: Int
    private let settings: [String: ConfigValue]
    /// Where many small files get their names together.
    private let group: CommitGroup?

    /// - Parameters:
    ///   - format: raised when the stage comes to give something else for the same input and settings.
    ///   - settings: all that decides, besides the inputs, what comes out.
    ///   - overwrite: everything is made again.
    ///   - grouped: outputs of `make` get their names together, as in a `CommitGroup`; `bringOut` tells of failures.
    public init(
        stage: String, format: Int = 1, settings: ConfigMap = [:], overwrite: Bool = false, grouped: Bool = false
    ) {
        (self.stage, self.format, self.overwrite, group) = (stage, format, overwrite, grouped ? CommitGroup() : nil)
        var plain: [String: ConfigValue] = [:]
        // 1.0 and 1 are the same setting, however it was written.
        for (name, value) in settings { plain[name] = value.int.map { .int($0) } ?? value }
        self.settings = plain
    }

    struct State {
        /// The inputs whose digests were taken last: a recording and its list, of which many outputs are cut.
        var lastInputs: [(path: String, stamp: String, digest: String)] = []
        var records: [String: MadeRecord] = [:]
        var looked: Set<String> = []
        var unknown: [String] = [], edited: [String] = []
        var remade = 0, changes: [String: Int] = [:]
        var resolved: [String: String] = [:]
        var problem: String?

        /// The folders whose records are open for writing, the one that was opened first in front.
        private var open: [String] = []
        /// Each takes a descriptor: a stage over thousands of folders has no more of them at once.
        private static let mostOpen = 64

        mutating func record(_ folder: String) -> MadeRecord {
            if let record = records[folder] { return record }
            let record = MadeRecord(folder)
            records[folder] = record
            return record
        }

        mutating func note(_ folder: String, _ name: String, _ entry: MadeRecord.Entry?, sync: Bool = false) throws {
            let record = record(folder)
            if !record.isOpen {
                if open.count == Self.mostOpen { records[open.removeFirst()]?.close() }
                open.append(folder)
            }
            try record.set(name, entry, sync: sync)
        }

        /// `path` as seen from `folder`, links resolved.
        mutating func relative(_ path: String, from folder: String) -> String {
            func resolve(_ folder: String) -> [Substring] {
                let full = resolved[folder] ?? FileKind.resolved(folder)
                resolved[folder] = full
                return full.split(separator: "/")
            }
            let base = resolve(folder), target = resolve(PathName.folder(path))
            let common = zip(base, target).prefix { $0 == $1 }.count
            let parts =
                [Substring](repeating: "..", count: base.count - common) + target.dropFirst(common) + [
                    PathName.last(path)[...]
                ]
            return parts.joined(separator: "/")
        }
    }

    let state = Mutex(State())

    // MARK: Deciding

    /// What is to be done about an output. Reads nothing but times and sizes where nothing changed.
    /// - Parameters:
    ///   - output: the path of what is made, or for several files any path that stands for them.
    ///   - inputs: paths by role: `sound`, `label`, or with more behind a colon, `label:.txt`.
    ///   - isThere: whether something lies there of which nothing is known; the file `output`, unless given.
    ///   - isCopy: the settings do not matter.
    public func decide(
        _ output: String, from inputs: [String: String], isThere: Bool? = nil, isCopy: Bool = false
    ) -> Decision {
        let folder = PathName.folder(output), name = PathName.last(output)
        let entry = state.withLock { state in
            state.looked.insert(output)
            return state.record(folder).entries[name]
        }
        if overwrite { return .make }
        guard var entry else {
            guard isThere ?? FileKind.exists(output) else { return .make }
            state.withLock { $0.unknown.append(output) }
            return .unknown
        }
        let outputs = entry.outputs.filter { FileKind.exists(PathName.join(folder, $0.key)) }
        if entry.isOpen || outputs.isEmpty && !entry.outputs.isEmpty { return .make }
        var isEdited = false, isRefreshed = false
        for (name, output) in outputs {
            guard let stamp = Self.unchanged(PathName.join(folder, name), output.stamp, output.digest) else {
                isEdited = true
                continue
            }
            if stamp != output.stamp { (entry.outputs[name]!.stamp, isRefreshed) = (stamp, true) }
        }
        var changes: Set<String> = []
        if entry.stage != stage || entry.format != format || entry.settings != (isCopy ? [:] : settings) {
            changes.insert("settings")
        }
        for role in Set(inputs.keys).union(entry.sources.keys) {
            guard let path = inputs[role], let source = entry.sources[role],
                let stamp = Self.unchanged(path, source.stamp, source.digest)
            else {
                changes.insert(role.hasPrefix("label") ? "label" : "input")
                continue
            }
            if stamp != source.stamp { (entry.sources[role]!.stamp, isRefreshed) = (stamp, true) }
        }
        // The next run need not read these again; where that cannot be written down, it will.
        if isRefreshed { state.withLock { try? $0.note(folder, name, entry) } }
        let sorted = changes.sorted()
        switch (isEdited, sorted.isEmpty) {
        case (false, true): return .current
        case (false, false): return .remake(sorted)
        case (true, false): return .conflict(sorted)
        case (true, true):
            state.withLock { $0.edited.append(output) }
            return .edited
        }
    }

    /// The file's present stamp when its content is still that of `digest`; nil when it is another, or cannot be read.
    static func unchanged(_ path: String, _ stamp: String, _ digest: String) -> String? {
        (try? unchangedOrThrow(path, stamp, digest)) ?? nil
    }

    /// The same, where it matters why a file cannot be read.
    static func unchangedOrThrow(_ path: String, _ stamp: String, _ digest: String) throws -> String? {
        guard let now = FileStamp(path) else { return nil }
        if now.text == stamp { return stamp }
        guard try Digest.of(file: path) == digest else { return nil }
        return now.isSettled ? now.text : ""
    }

    /// Why an output is neither kept nor made.
    public static func refusal(_ output: String, _ changes: [String]) -> OpahError {
        OpahError(
            .data,
            "\(name: output) was changed by hand since it was made, and what it was made from changed too (\(changes.joined(separator: ", ")))",
            hint: "move it elsewhere to have it made again, or use --overwrite to lose the change")
    }

    // MARK: Making

    /// Takes down what an output is made from, before that is read.
    /// - Parameter isAtomic: the output is one file, which appears when it is complete.
    public func start(
        _ output: String, from inputs: [String: String], _ decision: Decision = .make, isAtomic: Bool = true,
        isCopy: Bool = false
    ) throws -> Making {
        let folder = PathName.folder(output), name = PathName.last(output)
        var entry = MadeRecord.Entry()
        (entry.stage, entry.format, entry.settings) = (stage, format, isCopy ? [:] : settings)
        for (role, path) in inputs {
            let stamp = FileStamp(path)
            // What cannot be read here is an error of the work, which says more about it.
            let digest = digest(path, stamp), relative = state.withLock { $0.relative(path, from: folder) }
            entry.sources[role] = MadeRecord.Source(
                path: relative, stamp: stamp.map { $0.isSettled ? $0.text : "" } ?? "", digest: digest)
        }
        let before = state.withLock { $0.record(folder).entries[name] }
        var open = MadeRecord.Entry()
        (open.isOpen, open.outputs) = (true, before?.outputs ?? [:])
        // Whatever happens to the machine, what is about to be overwritten must not look as if a hand had changed it.
        note(folder, name, open, sync: before != nil)
        var changes: [String] = []
        if case .remake(let kinds) = decision { changes = kinds }
        return Making(folder: folder, name: name, entry: entry, before: before, changes: changes, isAtomic: isAtomic)
    }

    /// The digest of an input. The last ones are kept while their files stay what they were: of one long recording and
    /// its list come hundreds of outputs, one after another.
    private func digest(_ path: String, _ stamp: FileStamp?) -> String {
        let settled = stamp.flatMap { $0.isSettled ? $0.text : nil }
        if let settled, let last = state.withLock({ $0.lastInputs.first { $0.path == path && $0.stamp == settled } }) {
            return last.digest
        }
        let digest = (try? Digest.of(file: path)) ?? ""
        if let settled { state.withLock { $0.lastInputs = [(path, settled, digest)] + $0.lastInputs.prefix(3) } }
        return digest
    }

    /// Runs `work`, which writes the output and gives the paths of all that it wrote (nil when some are missing, so
    /// that the next run tries again), and takes down what they were made from: in a group, when they have their names.
    /// - Parameter owner: who is told of by `bringOut` when one of them could not be given its name.
    public func make(_ making: Making, owner: String, _ work: () throws -> [String]?) throws {
        // An output that has its name, and cannot be taken down, stays one that was begun: the next run makes it again.
        var files: [String]?
        do {
            guard let group else {
                files = try work()
                if let files { try finish(making, files: files) }
                return
            }
            try group.add(owner) {
                guard let files = try work() else { return }
                group.afterwards(
                    owner, done: { try self.finish(making, files: files) }, failed: { self.cancel(making) })
            }
        } catch {
            if files == nil { cancel(making) }
            throw error
        }
    }

    /// Gives what waits its name; of whom something failed, and why.
    public func bringOut() -> [CommitGroup.Failure] { group?.finish() ?? [] }

    /// The output is complete. What an earlier run made under the same name beside `files` goes, unless a hand changed
    /// it.
    /// - Parameter files: all that was written; paths in or below the output's folder.
    public func finish(_ making: Making, files: [String]) throws {
        var entry = making.entry
        for file in files {
            guard file.hasPrefix(making.folder + "/") || making.folder == ".", let stamp = FileStamp(file) else {
                throw OpahError(.file, "\(file) was not made in \(making.folder)")
            }
            let name =
                making.folder == "." && !file.hasPrefix("./")
                ? file
                : String(decoding: file.utf8.dropFirst(making.folder.utf8.count + 1), as: UTF8.self)
            entry.outputs[name] = MadeRecord.Output(stamp: stamp.text, digest: try Digest.of(file: file))
        }
        for (name, old) in making.before?.outputs ?? [:] where entry.outputs[name] == nil {
            Self.remove(name, old, in: making.folder)
        }
        note(making.folder, making.name, entry)
        guard !making.changes.isEmpty else { return }
        state.withLock { state in
            state.remade += 1
            for kind in making.changes { state.changes[kind, default: 0] += 1 }
        }
    }

    /// The output could not be made: what was known before is, where the files are still the same.
    public func cancel(_ making: Making) {
        guard let before = making.before else {
            if making.isAtomic { note(making.folder, making.name, nil) }
            return
        }
        let isWhole = before.outputs.allSatisfy { name, output in
            let path = PathName.join(making.folder, name)
            return !FileKind.exists(path) || FileStamp(path)?.text == output.stamp
        }
        if isWhole { note(making.folder, making.name, before) }
    }

    /// Removes an output of an earlier run that is no longer made, unless a hand changed it. Says whether it did.
    @discardableResult
    public func drop(_ output: String) -> Bool {
        let folder = PathName.folder(output), name = PathName.last(output)
        guard let entry = state.withLock({ $0.record(folder).entries[name] }) else { return false }
        let removed = entry.outputs.map { Self.remove($0.key, $0.value, in: folder) }
        guard removed.allSatisfy({ $0 }) else { return false }
        note(folder, name, nil)
        return true
    }

    @discardableResult
    private static func remove(_ name: String, _ output: MadeRecord.Output, in folder: String) -> Bool {
        let path = PathName.join(folder, name)
        // Never through a link out of the folder.
        guard (FileKind.resolved(path) + "/").hasPrefix(FileKind.resolved(folder) + "/"),
            unchanged(path, output.stamp, output.digest) != nil
        else {
            return !FileKind.exists(path)
        }
        return unlink(path) == 0
    }

    /// A record that cannot be written is no reason not to work: it is told at the end.
    private func note(_ folder: String, _ name: String, _ entry: MadeRecord.Entry?, sync: Bool = false) {
        state.withLock { state in
            do { try state.note(folder, name, entry, sync: sync) } catch {
                if state.problem == nil { state.problem = "\(error)" }
            }
        }
    }

    /// Brings out what waits for its name, and completes the records on the disk.
    public func close() {
        _ = bringOut()
        state.withLock { state in state.records.values.forEach { $0.close() } }
    }
}
