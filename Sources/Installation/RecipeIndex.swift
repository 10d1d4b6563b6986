import Glibc
import Support

/// The recipes and configurations that come with the program, found by looking: no list is kept by hand.
public enum RecipeIndex {
    public struct Entry: Sendable {
        public enum Kind: String, Sendable { case recipe, config, example }
        public let kind: Kind
        /// `extract-vq`, `lora/r_8_alpha_16`.
        public let name: String
        public let path: String
        /// What the file's header says first, in a line's length.
        public let summary: String
        /// The line that shows how to run it.
        public let usage: String?

        /// What people call it: `r_8_alpha_16` is lora/r_8_alpha_16, as in +lora@...=r_8_alpha_16.
        public var names: [String] { kind == .config && name.contains("/") ? [name, PathName.last(name)] : [name] }
    }

    public static func all() throws -> [Entry] {
        let home = try Home.required()
        return try entries(.recipe, in: home + "/stdlib-lua/opah/recipes")
            + entries(.config, in: home + "/stdlib-lua/opah/configs")
            + (FileKind.isFolder(home + "/examples") ? entries(.example, in: home + "/examples", recursive: false) : [])
    }

    private static func entries(_ kind: Entry.Kind, in folder: String, recursive: Bool = true) throws -> [Entry] {
        try FolderWalk(folder, recursive: recursive).files.filter { $0.hasSuffix(".lua") }.map { path in
            let header = try header(of: path)
            return Entry(
                kind: kind, name: String(path.dropFirst(folder.count + 1).dropLast(4)), path: path,
                summary: summary(header), usage: header.first { $0.hasPrefix("opah ") })
        }
    }

    /// The header's text up to its run line; when that is long, up to a stop within the first 110 characters.
    static func summary(_ header: [String]) -> String {
        let text = header.prefix { !$0.hasPrefix("opah ") && !$0.hasPrefix("needs:") }.joined(separator: " ")
        guard text.count > 110 else { return text }
        let start = text.prefix(110)
        guard
            let stop = start.indices.last(where: {
                ".;:".contains(start[$0]) && start[start.index(after: $0)...].hasPrefix(" ")
            })
        else { return String(start) + "…" }
        return String(start[..<stop]) + (text[stop] == "." ? "." : "")
    }

    /// The comment lines at the top of a file, without their dashes.
    public static func header(of path: String) throws -> [String] {
        let text = try MappedFile(path).withBytes { bytes in
            let start = bytes.dropFirst(SourceText.start(bytes)).prefix(8192)
            return String(decoding: start[..<headerEnd(start)], as: UTF8.self)
        }
        return text.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == "-" }.drop { $0 == " " }) }
            .filter { !$0.isEmpty }
    }

    /// Where the first line begins that is no comment; an empty first one is passed over.
    private static func headerEnd(_ bytes: UnsafeRawBufferPointer.SubSequence) -> Int {
        let newline = UInt8(ascii: "\n"), dash = UInt8(ascii: "-")
        var place = bytes.startIndex
        if bytes.first == newline { place += 1 }
        while place < bytes.endIndex, bytes[place...].starts(with: [dash, dash]) {
            place = bytes[place...].firstIndex(of: newline).map { $0 + 1 } ?? bytes.endIndex
        }
        return place
    }

    /// The file that a name or path means: a stock recipe, or a Lua file.
    public static func path(_ name: String) throws -> String {
        if name.hasSuffix(".lua") || name.contains("/") || name == "-" {
            // Says what else it is: a folder, a pipe.
            if name != "-" { close(try RegularFile.open(name).descriptor) }
            return name
        }
        let all = try all(), entries = all.filter { $0.kind != .config }
        // Recipes come before examples.
        if let found = entries.first(where: { $0.name == name }) { return found.path }
        if all.contains(where: { $0.names.contains(name) }) {
            throw OpahError(
                .usage, "\(name) is a configuration, and no recipe",
                hint: "opah show \(name) prints it, opah cp copies it, and recipes are given it with --config-name")
        }
        let near = suggestion(for: name, in: entries.map(\.name)) ?? suggestion(for: name, in: all.flatMap(\.names))
        throw OpahError(
            .usage, "there is no stock recipe or example called \(name: name)",
            hint: (near.map { $0 + " " } ?? "") + "`opah ls` lists them; a file of your own needs its .lua")
    }
}

extension RecipeIndex {
    /// Whether a file is one of the recipes that come with the program.
    package static func isStock(_ path: String) -> Bool {
        guard let library = Home.library else { return false }
        return FileKind.resolved(path).hasPrefix(FileKind.resolved(library) + "/opah/recipes/")
    }

    /// What a person types to run a script: a stock recipe's name, or the path.
    package static func shortName(_ path: String) -> String {
        guard let home = Home.folder,
            [home + "/stdlib-lua/opah/recipes", home + "/examples"].contains(PathName.folder(path))
        else { return path }
        return String(PathName.last(path).dropLast(4))
    }
}
