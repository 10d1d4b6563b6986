import Support

/// Reports and pages take fixed names, or names from the command line: they replace what this program wrote before, and
/// nothing else.
package enum OwnFiles {
    /// Throws, naming all of them, when files are there that are not like ours. Empty ones lose nothing.
    /// - Parameter isOwn: given a file's first bytes (4096 at most) as text.
    package static func require(
        _ paths: [String], to what: String, isOwn: (_ path: String, _ start: String) -> Bool
    ) throws {
        let foreign = try paths.filter { path in
            guard FileKind.exists(path) else { return false }
            let start = try MappedFile(path).withBytes { String(decoding: $0.prefix(4096), as: UTF8.self) }
            return !start.isEmpty && !isOwn(path, start)
        }
        guard !foreign.isEmpty else { return }
        throw OpahError(
            .usage,
            foreign.map { "\($0): is there already, and was not written by this program as \(what)" }.joined(
                separator: "\n"),
            hint: "nothing was changed: choose another name, or move what is there")
    }

    package static func isPage(_ path: String, _ start: String) -> Bool { start.hasPrefix(HTML.start) }
}
