import CEditline
import LuaHost
import Support

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The interactive loop: reads a piece of Lua, more lines while it is incomplete, prints what it gives.
public final class InteractivePrompt {
    private let lua: Interpreter

    public init(_ lua: Interpreter) { self.lua = lua }

    /// Makes every module a global, and those asked for.
    public func prepare(modules: [String]) throws {
        try lua.run("opah = require 'opah'; for _, name in ipairs { \(LuaModule.parts.map { "'\($0)'" }.joined(separator: ", ")) } do _G[name] = opah[name] end; help = function(name) print(opah.help(name)) end")
        for module in modules {
            let name = module.split(separator: ".").last.map(String.init) ?? module
            try lua.run("_G['\(name)'] = require '\(module)'")
        }
    }

    /// Until end of input; the exit code is 0. A script on standard input runs statement by statement, and fails at the first error.
    public func loop() -> Int32 {
        guard isatty(0) != 0 else { return runStandardInput() }
        print("opah \(opahVersion), \(LuaHost.luaVersion); help() lists the modules, Ctrl-D ends")
        if let history = UserFolders.historyFile { read_history(history) }
        while let text = readPiece() {
            if text.allSatisfy(\.isWhitespace) { continue }
            add_history(text)
            // Saved before it runs: what crashes or hangs is not lost.
            if let history = UserFolders.historyFile { write_history(history) }
            show(lua.evaluate(text))
        }
        print("")
        return 0
    }

    /// One complete piece of input, empty when Ctrl-C dropped it, or nil at the end of all input.
    private func readPiece() -> String? {
        guard let first = readLine(prompt: "> ") else { return wasInterrupted() ? "" : nil }
        var text = first
        while isIncomplete(text) {
            guard let more = readLine(prompt: ">> ") else { return wasInterrupted() ? "" : text }
            text += "\n" + more
        }
        return text
    }

    /// Whether Ctrl-C ended the line; forgets it.
    private func wasInterrupted() -> Bool {
        guard Interrupts.isPending else { return false }
        lua.clearInterrupt()
        print("")
        return true
    }

    private func isIncomplete(_ text: String) -> Bool {
        if text.hasPrefix("?") { return false }
        for candidate in ["return " + text, text] {
            do {
                try lua.check(candidate, name: "=stdin")
                return false
            } catch let error as OpahError where error.message.hasSuffix("<eof>") && candidate == text {
                return true
            } catch { continue }
        }
        return false
    }

    private func readLine(prompt: String) -> String? {
        guard let line = readline(prompt) else { return nil }
        defer { free(line) }
        return String(cString: line)
    }

    private func runStandardInput() -> Int32 {
        do {
            try lua.run(file: "-")
            return 0
        } catch let error as OpahError {
            Terminal.warn("opah: " + error.description)
            return RecipeRun.exitCode(of: error)
        } catch { return 1 }
    }

    private func show(_ result: Evaluation) {
        switch result {
        case .incomplete: Terminal.warn("incomplete")
        case .values(let values):
            if !values.isEmpty { print(values.map { (try? lua.text($0)) ?? "?" }.joined(separator: "\t")) }
        case .failure(let error):
            Terminal.warn(error.kind == .interrupted ? "interrupted" : error.description)
            if let traceback = error.traceback, !traceback.isEmpty, error.kind != .interrupted {
                Terminal.warn("  at " + traceback.split(separator: "\n").joined(separator: "\n     "))
            }
        }
    }
}
