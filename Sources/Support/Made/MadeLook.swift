/// What is known about files that some stage made, for those who only read them.
public struct MadeLook {
    private var records: [String: MadeRecord] = [:]

    public init() {}

    /// What `stage` wrote down about an output: whether it was finished and its inputs are still the same (one that is
    /// gone counts as the same), and the settings. nil when nothing is known, or something else has replaced it since.
    /// - Parameter inputs: paths by role, as for `MadeFiles.decide`.
    /// - Throws: when an input cannot be read, so that nobody knows.
    public mutating func known(
        _ output: String, from inputs: [String: String], stage: String
    ) throws -> (isCurrent: Bool, settings: [String: ConfigValue])? {
        let folder = PathName.folder(output), name = PathName.last(output),
            record = records[folder] ?? MadeRecord(folder)
        records[folder] = record
        guard let entry = record.entries[name] else { return nil }
        if entry.isOpen { return (false, [:]) }
        guard entry.stage == stage, let made = entry.outputs[name],
            MadeFiles.unchanged(output, made.stamp, made.digest) != nil
        else { return nil }
        let isCurrent = try inputs.allSatisfy { role, path in
            guard let source = entry.sources[role], FileKind.exists(path) else { return true }
            return try MadeFiles.unchangedOrThrow(path, source.stamp, source.digest) != nil
        }
        return (isCurrent, entry.settings)
    }
}

extension MadeLook {
    /// What one file was made from, as its stage wrote down.
    public struct Origin {
        public let stage: String
        public let settings: ConfigMap
        /// It was being made when the record was last written: what lies there may be half of it.
        public let isOpen: Bool
        /// By role; paths as seen from the folder of the record.
        public let sources: [String: (path: String, digest: String)]
        /// Digests by path below the folder.
        public let outputs: [String: String]
    }

    /// The origins of a folder's files by name; none where there is no record.
    public static func origins(in folder: String) -> [String: Origin] {
        MadeRecord(folder).entries.mapValues { entry in
            var settings = ConfigMap()
            for (name, value) in entry.settings.sorted(by: { $0.key < $1.key }) { settings[name] = value }
            return Origin(
                stage: entry.stage, settings: settings, isOpen: entry.isOpen,
                sources: entry.sources.mapValues { ($0.path, $0.digest) }, outputs: entry.outputs.mapValues(\.digest))
        }
    }
}
