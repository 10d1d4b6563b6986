/// What is told at the end.
extension MadeFiles {
    /// As in `remade 3 (input changed: 1, settings: 2)`; nil when nothing was.
    public var remade: String? {
        state.withLock { state in
            guard state.remade > 0 else { return nil }
            let words = ["input": "input changed", "label": "label changed", "settings": "settings"]
            let parts = ["input", "label", "settings"].compactMap { kind in
                state.changes[kind].map { "\(words[kind]!): \($0)" }
            }
            return "remade \(state.remade) (\(parts.joined(separator: ", ")))"
        }
    }

    /// Forgets that these have no record: a closer look showed what they are.
    public func settle(_ output: String) { state.withLock { $0.unknown.removeAll { $0 == output } } }

    /// What is worth knowing about outputs that were kept.
    /// - Parameters:
    ///   - noun: what they are, in the plural.
    ///   - root: the folder of the outputs, to find those whose inputs are gone.
    public func notes(_ noun: String = "files", below root: String? = nil) -> [(path: String, note: String)] {
        let root = root.map { $0.hasSuffix("/") && $0.count > 1 ? String($0.dropLast()) : $0 }
        let orphans = root.map(orphans) ?? []
        let (unknown, edited, problem) = state.withLock { ($0.unknown, $0.edited, $0.problem) }
        var notes: [(path: String, note: String)] = []
        func tell(_ paths: [String], _ one: String, _ many: String) {
            guard let first = paths.first else { return }
            let place = root ?? PathName.folder(first),
                shown = paths.prefix(3).joined(separator: ", ") + (paths.count > 3 ? ", ..." : "")
            let what =
                paths.count == 1 && noun.hasSuffix("s")
                ? "1 \(noun.dropLast()) \(one)" : "\(paths.count) \(noun) \(many)"
            notes.append((place, "\(what) (\(shown))"))
        }
        tell(
            unknown, "has no record of what made it and is kept; --overwrite makes it again",
            "have no record of what made them and are kept; --overwrite makes them again")
        tell(
            edited, "was changed by hand since it was made and is kept; --overwrite makes it again",
            "were changed by hand since they were made and are kept; --overwrite makes them again")
        tell(
            orphans, "was made from what is no longer there; remove it if it is not wanted",
            "were made from what is no longer there; remove those that are not wanted")
        if let problem { notes.append((root ?? ".", "what was made from what could not be written down: \(problem)")) }
        return notes
    }

    /// Outputs of this stage below `root` that nobody asked about in this run, and whose inputs are all gone.
    private func orphans(_ root: String) -> [String] {
        guard let files = try? FolderWalk(root).files else { return [] }
        var found: [String] = []
        // An output may be a folder, with its record beside it, where no other file is.
        let folders = Set(files.map(PathName.folder)),
            above = folders.map(PathName.folder).filter { $0.hasPrefix(root + "/") }
        for folder in folders.union(above).union([root]).sorted() {
            let (entries, looked) = state.withLock { ($0.record(folder).entries, $0.looked) }
            for (name, entry) in entries where entry.stage == stage && !looked.contains(PathName.join(folder, name)) {
                let isGone = entry.sources.values.allSatisfy { !FileKind.exists(PathName.join(folder, $0.path)) }
                if isGone { found += entry.outputs.keys.map { PathName.join(folder, $0) }.filter(FileKind.exists) }
            }
        }
        return found.sorted()
    }
}
