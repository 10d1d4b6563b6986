import Configuration
import Console
import Installation
import LuaHost
import Recipes
import Support

extension LuaModule {
    /// `opah.config`
    public static let config = LuaModule(
        "opah.config", "Settings: stock configurations, Lua and YAML files, overrides, and a recipe's command line."
    ) { m in
        m.function(
            "load", "(name: string, overrides?: string[]) -> table, string[]",
            """
            A configuration with its overrides applied and every `${a.b}` resolved, and notes for people. `name` is a stock configuration, \
            a Lua table file or a YAML file. Unknown keys and values of another type are errors (kind `usage`) that say what to write, all at once; settings that mean nothing here are noted. \
            A Lua file returns its table and, where wanted, `{types = {["a.b"] = {is = "integer", from = 1}}, ignored = {"c.*"}, advice = {["d"] = "why"}, options = {"train.fit"}}`: \
            the last names functions whose options have settings of their own, with types and values of their declaration.
            """,
            example: """
                local settings, notes = config.load("text2semantic_finetune", { "project=alice", "trainer.max_steps=200" })
                settings.project, settings.trainer.max_steps  --> "alice", 200
                """
        ) { call in
            let overrides: [String] = try call.get(2, as: [String]?.self) ?? []
            let loaded = try SettingsFile.load(call.string(1), overrides: overrides, call.interpreter.catalog)
            return try call.push(LuaTree(value: loaded.value, nullIsNil: true), loaded.notes)
        }
        m.function(
            "options_of", "(name: string, settings: table) -> table",
            "The options of a function (`train.fit`, `data.dataset`) as `settings` have them: each at the place that its declaration says, those that are not set left out.",
            example: """
                local settings = config.load("text2semantic_finetune", { "project=alice", "data.batch_size=2" })
                local options = config.options_of("train.fit", settings)
                options.batch_size, options.max_steps, options.seed  --> 2, 1000, 42
                """
        ) { call in
            let name = try call.string(1)
            guard let places = call.interpreter.catalog.declaration(name)?.settings, !places.isEmpty else {
                throw call.error(at: 1, "no settings are options of \(name)")
            }
            let settings = try ConfigValue(lua: .table(call.table(2)))
            var options = ConfigMap()
            for place in places { options[place.option] = settings.value(at: place.key) }
            return try call.push(LuaTree(value: .map(options), nullIsNil: true))
        }
        m.function(
            "parse_args", "(arguments: table, options: table) -> table",
            """
            A recipe's command line as a table: positionals and flags by name (dashes as underscores), `overrides` as a list of strings. \
            `options` declares `positionals = {{name, type, help}}`, `flags = {{name, type, default, help, short=, multiple=, required=, choices=, from=, to=, above=, below=}}` (the last four bound a number) and `overrides = true`. \
            Types are boolean, integer, number, string, file and folder (which must exist), path, and output: a folder to write to, in a batch by default \
            the run's own. All that is wrong is reported at once, with exit code 2. \
            `plan = function(args)` returns what a run would take, `{seconds=, memory=, disk=, folder=, lines={}, memory_advice=, disk_advice=}`, from names, sizes and headers: \
            `opah check` asks it, prints it beside what there is (OPAH_MEMORY_LIMIT and OPAH_DISK_LIMIT set less), and refuses what cannot fit.
            """,
            example: """
                local arguments = { [0] = "loud.lua", "data", "--gain", "-3" }      -- in a recipe: `arg`
                local args = config.parse_args(arguments, {
                  positionals = { { "folder", "path", "folder of clips" } },
                  flags = { { "gain", "number", 0, "decibels to add" }, { "clean", "boolean", false, "empty the output folder first" } },
                })
                args  --> {clean = false, folder = "data", gain = -3...}
                """
        ) { call in
            let arguments = try call.table(1), declaration = try call.table(2)
            let script = try arguments.get(0, as: String?.self) ?? "recipe.lua"
            let values = try RecipeInquiry.of(call.interpreter).values(
                RecipeOptions(declaration), plan: declaration.get("plan"), script: script,
                arguments.list().map { $0.string ?? "" })
            guard let values else { throw OpahError.exit(0) }
            return try call.push(values)
        }
        m.type(Recipe.luaClass)
        m.function(
            "recipe", "(declaration: table) -> Recipe",
            """
            A recipe as a value, for a file to end with: `return recipe { positionals = ..., flags = ..., overrides = ..., plan = ..., run = function(args) ... end }` \
            (`local recipe = require "opah.recipe"`). `positionals`, `flags`, `overrides` and `plan` are those of `parse_args`; `run` gets what that returns, \
            and returns the exit code (nothing is 0). Whoever only asks what the recipe takes runs nothing of it.
            """,
            example: """
                local loud = config.recipe {
                  positionals = { { "folder", "path", "folder of clips" } },
                  flags = { { "gain", "number", 0, "decibels to add" } },
                  run = function(args) print(args.folder, args.gain) end,
                }
                loud:run({ [0] = "loud.lua", "data", "--gain", "-3" })  --> 0
                """
        ) { call in try call.push(Recipe(call.table(1))) }
        m.function(
            "is_recipe", "(value: any) -> boolean", "Whether a value is a recipe, as a recipe's file returns it.",
            example: "config.is_recipe({ run = print })  --> false"
        ) { call in
            if case .object(is Recipe) = try call.value(1) { return try call.push(true) }
            return try call.push(false)
        }
        m.function(
            "output_folder", "(default: string) -> string",
            "The folder that this run writes to, made if need be: in a batch the run's own (OPAH_OUT), else `default`. For recipes without an option of type output.",
            example: #"""
                local folder = config.output_folder("results/spectrograms")
                fs.stat(folder).kind  --> "folder"
                """#
        ) { call in
            let folder = try RunRecord.batchFolder ?? call.string(1)
            try FileKind.makeFolder(folder)
            return try call.push(folder)
        }
        m.function(
            "recipe_path", "(name: string) -> string",
            "The file of a stock recipe, or the Lua file of that name; one that does not exist is an error that names the nearest.",
            example: #"fs.basename(config.recipe_path("extract-vq"))  --> "extract-vq.lua""#
        ) { call in
            try call.push(RecipeIndex.path(call.string(1)))
        }
        m.function(
            "usage_error", "(message: string)",
            "Ends the recipe with exit code 2 and this message: for arguments that do not fit each other.",
            example: #"""
                local ok, problem = pcall(config.usage_error, "--speaker and --prompt-text exclude each other")
                problem.kind, problem.message  --> "usage", "--speaker and --prompt-text exclude each other"
                """#
        ) { call in
            throw OpahError(.usage, try call.string(1), hint: "--help lists the options")
        }
        m.function(
            "to_lua", "(value: any) -> string",
            "A table of settings as the text of a Lua file that returns it; names come in order.",
            example: #"""
                local text = config.to_lua({ project = "alice", betas = { 0.9, 0.95 } })
                text          --> return {...betas = { 0.9, 0.95 },...project = "alice",...}
                load(text)()  --> {betas = {0.9, 0.95}, project = "alice"}
                """#
        ) { call in
            try call.push(ConfigValue(lua: call.value(1)).luaSource)
        }
    }
}
