import Support

/// `merge.json` in the folder of a merged model: what was merged, and the sign that a merge made the folder and another
/// one may put its result there.
enum MergeRecord {
    static let name = "merge.json"

    static func write(to folder: String, _ adapter: LoRAAdapter, baseDigest: String) throws {
        let c = adapter.configuration
        let record: ConfigValue = [
            "format": 1, "merged_by": "opah", "base_digest": .string(baseDigest),
            "kind": .string(c.kind.rawValue), "rank": .int(c.rank), "lora_alpha": .double(c.alpha),
            "targets": .list(c.targets.map(ConfigValue.string)), "step": adapter.step.map(ConfigValue.int) ?? .null
        ]
        try AtomicFile.write(folder + "/" + name, JSON.encode(record, indent: 2) + "\n")
    }

    /// Refuses a folder that holds anything, unless a merge made it.
    static func check(_ output: String, mayBeReplaced: Void) throws {
        let found = try Folders.names(output).filter { $0 != ".lock" }
        if found.isEmpty || (try? JSON.read(output + "/" + name))?["merged_by"]?.string == "opah" { return }
        let shown = found.prefix(4).joined(separator: ", ") + (found.count > 4 ? " and \(found.count - 4) more" : "")
        throw OpahError(
            .file,
            "\(name: output): this folder holds other things than a merged model (\(shown)): nothing was written",
            hint: "choose a new folder, or say --overwrite (overwrite in Lua) to replace the files of the same names")
    }

    /// Refuses the base model's own folder, and any folder in it.
    static func check(_ output: String, isOutside base: String) throws {
        let there = FileKind.resolved(output), base = FileKind.resolved(base)
        guard there != base, !Folders.areSame(there, base) else {
            throw OpahError(
                .argument, "\(name: output): the merged model would replace the base model",
                hint: "choose another output folder")
        }
        guard !there.hasPrefix(base == "/" ? base : base + "/") else {
            throw OpahError(
                .argument, "\(name: output): the merged model would lie inside the base model's folder",
                hint: "choose another output folder")
        }
    }
}
