import Console
import Installation
import LuaHost
import Support

/// What the file of a recipe is read for, and what it has declared. It hangs on the interpreter that reads the file, so
/// that whoever declares options, a recipe's value or `config.parse_args`, answers the same question.
package final class RecipeInquiry {
    package enum Question: Sendable {
        case run
        /// Print its options.
        case describe
        /// Say whether its arguments are right, and print what the run would take.
        case check
        /// Say nothing: completion takes what was declared.
        case options
    }

    let question: Question
    /// What was declared; nil as long as nothing was.
    private(set) var options: RecipeOptions?

    package init(_ question: Question) { self.question = question }

    /// That of an interpreter; one on which none hangs runs what it reads.
    package static func of(_ lua: Interpreter) -> RecipeInquiry {
        lua.attachment as? RecipeInquiry ?? RecipeInquiry(.run)
    }

    /// The values to run with; nil when the question is answered, or help was asked for, and nothing is left to do.
    /// - Parameters:
    ///   - plan: what `opah check` asks for memory, time and disk.
    ///   - script: the recipe's file.
    package func values(
        _ options: RecipeOptions, plan: LuaFunction?, script: String, _ arguments: [String]
    ) throws -> Fields? {
        self.options = options
        if question == .options { return nil }
        if question == .describe || arguments.contains("--help") || arguments.contains("-h") {
            let header = (try? RecipeIndex.header(of: script)) ?? [], name = RecipeIndex.shortName(script)
            print(ShownText.message(options.help(header: header, script: name, width: min(100, Terminal.outputWidth))))
            return nil
        }
        let (values, overrides) = try options.parse(arguments), fields = options.fields(values, overrides)
        if question == .check {
            for (key, value) in values { Terminal.show("\(key) = \(value.plainText)") }
            for override in overrides { Terminal.show(override) }
            guard let plan else { return nil }
            print("plan")
            guard let table = try plan(fields).first?.table else {
                throw OpahError(.argument, "plan must return a table")
            }
            try RecipePlan(table).report()
            return nil
        }
        RunRecord.options(
            RecipeIndex.shortName(script), values, overrides: overrides, inputs: options.inputs(values),
            output: options.output(values))
        return fields
    }
}
