import Bindings
import Installation
import LuaHost
import Recipes
import Support

/// `opah file.lua ...`, `opah -e 'code' ...`, `opah - ...`: as lua itself, with its options -e, -l, -v, -W and --.
/// Globals keep Lua's own rules here. `LUA_INIT` is not run: what a program prints must not depend on who runs it.
struct PlainLua {
    private enum Step { case code(String), require(name: String, global: String), warnings }
    private var steps: [Step] = []
    private var script: String?
    /// Before the script, from the program on; they become `arg[-n] ... arg[-1]`.
    private var before = [CommandLine.arguments.first ?? "opah"]
    private var arguments: [String] = []
    private var showsVersion = false

    /// Nil when the command line is not one of these.
    init?(_ words: [String]) {
        guard let first = words.first,
            first == "-" || first.hasSuffix(".lua") || first.contains("/") && FileKind.isFile(first)
                || ["-e", "-l", "-v", "-W", "--"].contains(where: { first.hasPrefix($0) }),
            first == "--" || !first.hasPrefix("--"), words != ["--"]
        else { return nil }
        var index = 0
        func value(_ option: String) -> String? {
            if words[index].count > 2 { return String(words[index].dropFirst(2)) }
            index += 1
            before.append(words[index - 1])
            return index < words.count ? words[index] : nil
        }
        options: while index < words.count, words[index].hasPrefix("-"), words[index] != "-" {
            switch words[index].prefix(2) {
            case "--":
                before.append(words[index])
                index += 1
                break options
            case "-e":
                guard let code = value("-e") else { return nil }
                steps.append(.code(code))
            case "-l":
                guard let module = value("-l") else { return nil }
                let parts = module.split(separator: "=", maxSplits: 1).map(String.init)
                guard let name = parts.last else { return nil }
                steps.append(.require(name: name, global: parts[0]))
            case "-W": steps.append(.warnings)
            case "-v": showsVersion = true
            default: break options
            }
            before.append(words[index])
            index += 1
        }
        // Behind -e, what is no file belongs to the code: `opah -e 'print(...)' a b`.
        if index < words.count, steps.isEmpty || words[index] == "-" || FileKind.isFile(words[index]) {
            script = words[index]
            index += 1
        }
        arguments = Array(words[min(index, words.count)...])
        guard script != nil || !steps.isEmpty || showsVersion else { return nil }
    }

    func run() -> Int32 {
        do {
            if showsVersion { print("opah \(opahVersion) (\(LuaHost.luaVersion))") }
            try Program.join()
            let lua = try Session.interpreter(.opah, scriptFolder: script.map { $0 == "-" ? "." : PathName.folder($0) })
            // Without a script, the program is at 0, as in lua; the words behind the code follow it.
            try lua.setArguments(script: script, arguments, before: script == nil ? ["opah"] : before)
            for step in steps {
                switch step {
                case .code(let code):
                    let results = try lua.run(code, arguments: arguments)
                    if script == nil, steps.count == 1 { return Session.exitCode(results) }
                case .require(let name, let global): try lua.setGlobal(global, lua.require(name))
                case .warnings: try lua.run("warn '@on'")
                }
            }
            guard let script else { return 0 }
            return try Session.end(
                lua.run(file: script, arguments: arguments, before: before), script: script, arguments)
        } catch let error as OpahError {
            return Failure.report(error)
        } catch {
            return Failure.report(OpahError(.lua, "\(error)"))
        }
    }
}
