import Installation
import LuaHost
import Support

/// One interpreter with everything in it, and how a script's end becomes an exit code.
public enum Session {
    /// - Parameter scriptFolder: where `require` looks first.
    /// - Parameter catalog: the native modules that it has.
    public static func interpreter(_ catalog: Catalog, scriptFolder: String?) throws -> Interpreter {
        let lua = try Interpreter(catalog, scriptFolder: scriptFolder, libraryFolder: Home.library)
        Interrupts.install()
        return lua
    }

    /// Runs a file, strict about undeclared globals, and returns its exit code: the integer that it returns, else 0.
    /// - Parameter isRecorded: it is the run whose record was begun (`RunRecord`).
    public static func run(
        _ catalog: Catalog, file path: String, arguments: [String], isRecorded: Bool = false
    ) throws -> Int32 {
        let lua = try interpreter(catalog, scriptFolder: PathName.folder(path))
        if path != "-" { try lua.setStrictGlobals(true) }
        if isRecorded { RunRecord.reads(path, loadedFiles: { lua.loadedFiles }) }
        do {
            let code = try end(lua.run(file: path, arguments: arguments), script: path, arguments)
            RunRecord.end(code: code, error: nil)
            return code
        } catch let error as OpahError {
            let code = RecipeRun.exitCode(of: error)
            RunRecord.end(code: code, error: error)
            if error.kind == .exit { return code }
            throw error
        }
    }

    /// The exit code of a script that has come to its end with these values: a recipe is run now, a whole number is it,
    /// and anything else is 0.
    public static func end(_ results: [LuaValue], script: String, _ arguments: [String]) throws -> Int32 {
        if case .object(let recipe as Recipe)? = results.first {
            return try recipe.answer(RecipeInquiry(.run), script: script, arguments)
        }
        return exitCode(results)
    }

    public static func exitCode(_ results: [LuaValue]) -> Int32 {
        results.first?.integer.map { Int32(truncatingIfNeeded: $0) } ?? 0
    }
}
