import Console
import Foundation
import LuaHost
import Support

/// What is typed for the prompt and not for Lua.
enum PromptCommand: Equatable {
    /// `?name` or `name?`, and `?` alone
    case help(String)
    /// `??name`: a function's source; `??word`: the help that speaks of it
    case source(String)
    /// `%time code`
    case time(String)
    /// `%timeit code`
    case timeit(String)
    /// `!command` for the shell
    case shell(String)
    case unknown(String)

    init?(_ text: String) {
        let text = text.trimmingTail
        func rest(_ prefix: String) -> String? {
            text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count).drop { $0 == " " }) : nil
        }
        if let name = rest("??") {
            self = .source(name)
        } else if let name = rest("?") {
            self = .help(name)
        } else if let code = rest("%timeit ") {
            self = .timeit(code)
        } else if let code = rest("%time ") {
            self = .time(code)
        } else if let command = rest("!") {
            self = .shell(command)
        } else if text.hasPrefix("%") {
            self = .unknown(text)
        } else if text.hasSuffix("?"), !text.contains("\n"), !text.contains("--") {
            self = .help(String(text.dropLast()))
        } else {
            return nil
        }
    }
}

extension InteractivePrompt {
    func run(_ command: PromptCommand) throws {
        let help = PromptHelp(lua: lua, sources: sources)
        switch command {
        case .help(let name): PageText.show(try name.isEmpty ? PromptHelp.overview(lua.catalog) : help.page(name))
        case .source(let name):
            try name.isEmpty ? PageText.show(PromptHelp.overview(lua.catalog)) : print(help.source(name))
        case .time(let code):
            let began = ContinuousClock().now
            try evaluate(code)
            print("took " + DurationText.words(began.duration(to: ContinuousClock().now) / .seconds(1)))
        case .timeit(let code): print(try measured(code).text)
        case .shell(let command):
            fflush(nil)
            let status = system(command)
            if status & 0x7F == SIGINT { throw OpahError(.interrupted, "interrupted") }
            if status != 0 {
                throw OpahError(
                    .usage,
                    "the command ended with \(status & 0x7F == 0 ? "status \(status >> 8)" : "signal \(status & 0x7F)")"
                )
            }
        case .unknown(let text):
            throw OpahError(
                .usage, "there is no command \(text.prefix { $0 != " " })",
                hint: "there are %time code, %timeit code, ?name, ??name and !shell command; ?prompt explains them")
        }
    }

    /// The loop around the code is Lua's own, so that its cost is one instruction.
    private func measured(_ code: String) throws -> Timing {
        let name = sources.add(code)
        var loop: LuaFunction?
        for body in ["local _ = \(code)", code] where loop == nil {
            let text = "return function(n) for _ = 1, n do \(body)\nend end"
            if body == code || (try? lua.check(text, name: name)) != nil {
                loop = try lua.run(text, name: name).first?.function
            }
        }
        guard let loop else { throw OpahError(.lua, "%timeit: nothing to measure") }
        return try Timing { try loop($0) }
    }
}
