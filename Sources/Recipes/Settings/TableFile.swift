import Installation
import LuaHost
import Support
import Synchronization

/// A file that is data in the form of Lua: it returns a table, and may compute its numbers. It sees `math` and
/// `require "opah.json".null`, and has a moment and a little memory: those of a stranger's model folder do no harm.
package enum TableFile {
    /// Longer files are no settings (bytes).
    private static let sizeLimit = 1 << 20
    /// Values in the tree: a table that stands in many places counts each time.
    private static let valueLimit = 200_000

    /// What the program's own files gave, and the stamp of each: thirty of them belong to every configuration.
    private static let known = Mutex<[String: (stamp: FileStamp, trees: [ConfigValue])]>([:])

    /// What the file returns, as trees.
    package static func load(_ path: String) throws -> [ConfigValue] {
        guard let library = Home.library, path.hasPrefix(library + "/"), let stamp = FileStamp(path) else {
            return try read(path)
        }
        if let kept = known.withLock({ $0[path] }), kept.stamp == stamp { return kept.trees }
        let trees = try read(path)
        if stamp.isSettled { known.withLock { $0[path] = (stamp, trees) } }
        return trees
    }

    private static func read(_ path: String) throws -> [ConfigValue] {
        do {
            let lua = try Interpreter(Catalog([.json]), confinement: .data)
            let results = try lua.run(SourceText.read(path, limit: sizeLimit), name: "@\(name: path)")
            return try results.map { try ConfigValue(lua: $0, limit: valueLimit) }
        } catch let error as OpahError {
            if error.kind == .interrupted { throw OpahError(.interrupted, error.message) }
            throw error.at(path)
        }
    }
}
