import LuaHost
import Support

/// A recipe as a value: what it takes, what a run would take, and what it does. Its file does nothing but make it:
///
///     return recipe {
///       positionals = { { "input_dir", "folder", "clips" } },
///       plan = function(args) return { seconds = 10 } end,
///       run = function(args) return 0 end,
///     }
///
/// `opah run` calls `run`; `opah check` asks `plan`; `opah show`, completion and editors read the rest.
public final class Recipe: LuaObject, @unchecked Sendable {   // only used on the interpreter's thread
    private let options: RecipeOptions
    private let plan: LuaFunction?
    private let work: LuaFunction

    package init(_ declaration: LuaTable) throws {
        for (key, _) in try declaration.pairs() {
            guard let name = key.string, Self.fields.contains(name) else {
                let field = key.string ?? "a list item"
                throw OpahError(
                    .argument, "recipe: there is no field \(field)",
                    hint: "a recipe has \(Self.fields.joined(separator: ", "))")
            }
        }
        options = try RecipeOptions(declaration)
        plan = try declaration.get("plan")
        guard let work = try declaration.get("run", as: LuaFunction?.self) else {
            throw OpahError(.argument, "recipe: run is missing", hint: "run = function(args) ... end does the work")
        }
        self.work = work
    }

    private static let fields = ["positionals", "flags", "overrides", "plan", "run"]

    /// Answers what the interpreter was asked (`RecipeInquiry`), and runs it when that was to run.
    /// - Returns: the exit code: what `run` returns, else 0.
    package func answer(_ inquiry: RecipeInquiry, script: String, _ arguments: [String]) throws -> Int32 {
        guard let values = try inquiry.values(options, plan: plan, script: script, arguments) else { return 0 }
        return Session.exitCode(try work(values))
    }

    public static let luaClass = LuaClass("Recipe", of: Recipe.self, "What a recipe's file returns.") { c in
        c.method(
            "run", "(arguments: table) -> integer",
            "Runs it with a command line, a list of strings with the recipe's file at 0 (as in `arg`), and returns its exit code: what its function `run` returned, else 0.",
            example: """
                local hello = config.recipe {
                  positionals = { { "name", "string", "whom to greet" } },
                  run = function(args) print("hello " .. args.name) end,
                }
                hello:run({ [0] = "hello.lua", "moon" })  --> 0
                """
        ) { recipe, call in
            let arguments = try call.table(1), script = try arguments.get(0, as: String?.self) ?? "recipe.lua"
            let words = try arguments.list().map { $0.string ?? "" }
            return try call.push(Int(recipe.answer(RecipeInquiry(.run), script: script, words)))
        }
        c.metamethod(
            "__tostring", "(recipe: Recipe) -> string", "Its positionals and how many flags it has.",
            example:
                "tostring(config.recipe { flags = { { \"loud\", \"boolean\", false, \"shout\" } }, run = print })  --> \"Recipe(1 flags)\""
        ) { call in
            let options = try call.object(1, as: Recipe.self).options
            let names = options.positionals.map { $0.name.uppercased() }.joined(separator: " ")
            return try call.push("Recipe(\(names)\(names.isEmpty ? "" : ", ")\(options.flags.count) flags)")
        }
    }
}
