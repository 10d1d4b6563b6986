import Console
import Foundation
import Installation
import LuaHost
import Support

/// A recipe that is asked what it takes, or whether its arguments are right, and is not run. Stock recipes answer with
/// all their power: their plans open models. A file of somebody's own is run to the end of its top level, or to its
/// `parse_args`, with nothing that reads or writes files, starts programs or knows the environment, and for two seconds
/// at most.
public enum RecipeDescription {
    public enum End: Equatable {
        /// It answered; what `opah check` and `opah show` print is printed.
        case code(Int32)
        /// It ended without having declared anything.
        case silent
        /// It began to work before it had declared anything: what it called.
        case works(String)
    }

    /// Of processor time, for one file; the environment variable OPAH_DESCRIBE_SECONDS can only take from it.
    private static let seconds = min(
        2, ProcessInfo.processInfo.environment["OPAH_DESCRIBE_SECONDS"].flatMap { Double($0) } ?? 2)
    private static let hint =
        "when you trust the file: opah check --trust FILE and opah show --trust FILE give it full power"

    /// Native functions that compute a little, and those whose messages wait until the recipe runs.
    private static let confinement = Confinement.description(
        allowed: [
            "config.parse_args", "config.recipe", "config.usage_error", "fs.join", "fs.dirname", "fs.basename",
            "fs.error", "progress.size",
            "progress.duration", "progress.name", "progress.columns", "text.clean"
        ],
        silent: ["progress.log", "progress.warn", "progress.event"],
        seconds: seconds, reason: "the recipe is only described, and not run", hint: hint)

    /// Asks the recipe in a file.
    /// - Parameters:
    ///   - isTrusted: runs it as `opah run` does.
    ///   - endsAtWork: whatever it is refused before it has declared anything is the end of the look, and no error.
    package static func ask(
        _ path: String, _ question: RecipeInquiry.Question, _ catalog: Catalog, arguments: [String] = [],
        isTrusted: Bool = false, endsAtWork: Bool = false
    ) throws -> End {
        try look(
            path, RecipeInquiry(question), catalog, arguments: arguments, isTrusted: isTrusted, isQuiet: false,
            endsAtWork: endsAtWork)
    }

    /// What the recipe in a file declares; nil when it declares nothing, or not at once.
    package static func options(_ path: String, _ catalog: Catalog) -> RecipeOptions? {
        let inquiry = RecipeInquiry(.options)
        _ = try? look(path, inquiry, catalog, arguments: [], isTrusted: false, isQuiet: true)
        return inquiry.options
    }

    private static func look(
        _ path: String, _ inquiry: RecipeInquiry, _ catalog: Catalog, arguments: [String], isTrusted: Bool,
        isQuiet: Bool, endsAtWork: Bool = false
    ) throws -> End {
        if isTrusted || RecipeIndex.isStock(path) {
            return try ask(Session.interpreter(catalog, scriptFolder: PathName.folder(path)), inquiry, path, arguments)
        }
        let lua = try Interpreter(
            catalog, scriptFolder: PathName.folder(path), libraryFolder: Home.library, confinement: confinement)
        Interrupts.install()
        let deadline = Deadline(
            seconds: 2 * seconds,
            message: isQuiet
                ? nil
                : "opah: \(name: path): it runs for too long: the recipe is only described, and not run\n  hint: \(hint)"
        )
        defer { deadline.end() }
        do { return try ask(lua, inquiry, path, arguments) } catch let error as OpahError {
            // A script that is no recipe begins to work at once.
            if let refused = lua.refused, refused.isNative || endsAtWork, inquiry.options == nil,
                error.kind == .unsafe
            {
                return .works(refused.name)
            }
            throw error.kind == .unsafe ? error.at(path) : error
        }
    }

    /// `-` is standard input, as for `opah run`.
    private static func text(_ path: String) throws -> String {
        guard path == "-" else { return try SourceText.read(path) }
        let bytes = FileHandle.standardInput.readData(ofLength: SourceText.sizeLimit)
        return String(decoding: bytes[SourceText.start(bytes)...], as: UTF8.self)
    }

    private static func ask(
        _ lua: Interpreter, _ inquiry: RecipeInquiry, _ path: String, _ arguments: [String]
    ) throws -> End {
        try lua.setStrictGlobals(true)
        lua.attachment = inquiry
        do {
            try lua.setArguments(script: path, arguments)
            let results = try lua.run(text(path), name: path == "-" ? "=stdin" : "@\(name: path)", arguments: arguments)
            guard case .object(let recipe as Recipe)? = results.first else { return .silent }
            return .code(try recipe.answer(inquiry, script: path, arguments))
        } catch let error as OpahError {
            if error.kind == .exit { return .code(error.exitCode) }
            throw error
        }
    }
}
