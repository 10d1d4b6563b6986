import LuaHost
import Support

/// A file that is data in the form of Lua: it returns a table, and may compute its numbers. It sees `math` and
/// `require "opah.json".null`, and has a moment and a little memory: those of a stranger's model folder do no harm.
package enum TableFile {
    /// Longer files are no settings (bytes).
    private static let sizeLimit = 1 << 20
    /// Values in the tree: a table that stands in many places counts each time.
    private static let valueLimit = 200_000

    /// What the file returns, as trees.
    package static func load(_ path: String) throws -> [ConfigValue] {
        do {
            let lua = try Interpreter(Catalog([.json]), confinement: .data)
            let results = try lua.run(SourceText.read(path, limit: sizeLimit), name: "@" + path)
            return try results.map { try ConfigValue(lua: $0, limit: valueLimit) }
        } catch let error as OpahError {
            if error.kind == .interrupted { throw OpahError(.interrupted, error.message) }
            throw error.at(path)
        }
    }
}
