import Foundation

/// Shell patterns.
public enum Glob {
    /// What matches a pattern with `*`, `?`, `[...]` and `{a,b}`, by name.
    public static func paths(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, Int32(GLOB_BRACE), nil, &found) == 0 else { return [] }
        return (0 ..< Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }.sorted()
    }

    /// Whether a whole text matches a pattern with `*`, `?` and `[...]` (fnmatch(3)); `*` goes over slashes.
    public static func matches(_ pattern: String, _ text: String) -> Bool { fnmatch(pattern, text, FNM_NOESCAPE) == 0 }
}
