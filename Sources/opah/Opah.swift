import ArgumentParser
import Console
import Distributed
import Glibc
import Installation
import LuaHost
import Recipes
import Support
import Tensors

/// The commands. `opah file.lua`, `opah -e 'code'` and `opah -` work as with lua itself and are handled
/// before the commands are looked at.
struct Opah: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opah",
        abstract: "Fine-tune a speech model on a voice: recipes in Lua, everything else native.",
        discussion: """
            opah FILE.lua [ARGS], opah -e 'CODE' and opah - (standard input) run Lua as lua itself does; a whole number that the file returns is the exit code.
            opah help NAME explains a command, a recipe, a configuration, a module or a function.
            Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but inputs were skipped (each is listed); 130 interrupted (state saved).
            """,
        version: "opah \(opahVersion) (\(LuaHost.luaVersion))",
        subcommands: [
            Run.self, Repl.self, Batch.self, Launch.self, List.self, Copy.self, Show.self, Check.self, Docs.self,
            Completions.self, CompleteWords.self
        ])
}

@main
enum Program {
    static func main() {
        CrashSignals.end()
        StandardOutput.checkAtExit()
        MachineCheck.run()
        let arguments = Array(CommandLine.arguments.dropFirst())
        do { try refuseForeignBytes() } catch { fail(error) }
        if let plain = PlainLua(arguments) { finish(plain.run()) }
        let words =
            arguments.isEmpty
            ? ["repl"] : arguments == ["-i"] ? ["repl"] : arguments[0] == "-i" ? ["repl"] + arguments : arguments
        do {
            try CommandName.check(words)
            let line = try HelpTopic.answering(Reporting.begin(words))
            var command = try Opah.parseAsRoot(Batch.keepingArguments(line))
            try command.run()
        } catch let code as ExitCode {
            finish(code.rawValue)
        } catch let error as OpahError {
            fail(error)
        } catch {
            // ArgumentParser's own: help, version, or a wrong command line.
            let text = Opah.fullMessage(for: error)
            if Opah.exitCode(for: error).rawValue == 0 {
                print(text)
                finish(0)
            }
            if Terminal.style == .json {
                fail(
                    OpahError(
                        .usage, Opah.message(for: error), hint: "opah \(words[0]) --help says how it is written"))
            }
            Terminal.warn(text)
            RunRecord.end(code: 2, error: OpahError(.usage, Opah.message(for: error)))
            finish(2)
        }
        finish(0)
    }

    /// Words of other bytes than UTF-8 would be read as others, and name other files than was meant.
    private static func refuseForeignBytes() throws(OpahError) {
        for index in 1 ..< max(1, Int(CommandLine.argc)) {
            guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else { continue }
            let bytes = (0 ..< strlen(word)).map { UInt8(bitPattern: word[$0]) }
            let shown = bytes.map { $0 < 0x80 ? String(Unicode.Scalar($0)) : "\\x" + String($0, radix: 16) }.joined()
            throw OpahError(
                .usage, "\(name: shown): word \(index) of the command is not valid UTF-8",
                hint:
                    "rename the file: convmv -f ENCODING -t utf-8 --notest ITS_FOLDER/* (ENCODING such as latin1, cp932, gbk)"
            )
        }
    }

    private static func fail(_ error: OpahError) -> Never {
        let code = Failure.report(error)
        RunRecord.end(code: code, error: error)
        finish(code)
    }

    static func finish(_ code: Int32) -> Never { exit(Ranks.joined?.end(code) ?? code) }

    /// Joins the other processes where a launcher started several.
    static func join() throws {
        try Ranks.start()
        guard let ranks = Ranks.shared else { return }
        Memory.sharers = ranks.localSize
        if ranks.rank > 0 { Terminal.speaker = ranks.name(ranks.rank) }
    }
}

/// Errors as people read them.
enum Failure {
    /// Prints the error and returns its exit code. Errors of the program's users come with their Lua traceback.
    static func report(_ error: OpahError) -> Int32 {
        let code = RecipeRun.exitCode(of: error)
        if error.kind == .exit { return code }
        if let ranks = Ranks.shared, error.kind != .interrupted || ranks.isLost, !ranks.isToShow(error, code: code) {
            return code
        }
        if error.kind == .interrupted {
            if Ranks.isFirst {
                Terminal.warn(error.message == "interrupted" ? error.message : "interrupted: " + error.description)
            }
            return code
        }
        var event: ConfigMap = [
            "event": "error", "kind": .string(error.kind.rawValue), "message": .string(error.message)
        ]
        event["hint"] = error.hint.map(ConfigValue.string)
        Terminal.event(event)
        // With --json the event says it all.
        if Terminal.style == .json { return code }
        Terminal.warn("opah: " + error.description)
        if error.kind != .usage, let traceback = error.traceback, !traceback.isEmpty {
            Terminal.warn("  at " + traceback.split(separator: "\n").joined(separator: "\n     "))
        }
        return code
    }
}
