import Console
import Foundation
import Installation
import LuaHost
import Recipes
import Support

/// The interactive prompt.
///
/// 1. `LineEditor` gives pieces of Lua, each complete however many lines it has; a dumb terminal gives lines one after
///   another.
/// 2. `PromptHistory` keeps each piece, in a file, before it runs.
/// 3. A piece that begins with `?`, `%` or `!` is for the prompt itself (`PromptCommands`); everything else is Lua.
/// 4. Lua is tried as an expression first, then as statements; what an expression gives is shown by `Inspector`,
///    unless the piece ends in `;`, and kept as `_`, with the two before it as `__` and `___`.
/// 5. A failed or interrupted piece changes none of that; `PromptErrors` shows the person's own lines, never the
///   host's.
/// 6. Completion and help read declarations and raw fields: pressing Tab or asking `?x` never runs anyone's code.
/// 7. What the prompt offers are globals made from modules (`opah.prompt`, `opah.plot`, ...), which recipes may require
///   as well.
/// 8. Results go to standard output, errors and times to standard error; colours only where they are welcome.
/// 9. Where standard input is no terminal it is a script, and runs as one.
public final class InteractivePrompt {
    let lua: Interpreter
    let sources = PromptSources()
    private var editor: LineEditor?
    private let history = PromptHistory(isatty(0) != 0 ? UserFolders.historyFile : nil)
    private var hasHintedAtLocals = false
    /// Globals that the running piece read and that were never assigned.
    private var unknown: [String] = []

    public init(_ lua: Interpreter) { self.lua = lua }

    private var errors: PromptErrors { PromptErrors(sources: sources, colour: Terminal.hasColour) }

    /// Whether someone sits there.
    public var isInteractive: Bool { isatty(0) != 0 }

    /// Makes every module a global, and what people type most.
    /// - Parameter modules: the parts of `opah`.
    public func prepare(modules: [String]) throws {
        try lua.run(
            """
            opah = require "opah"
            for _, name in ipairs { \(modules.map { "\"\($0)\"" }.joined(separator: ", ")) } do _G[name] = opah[name] end
            for _, name in ipairs { "help", "who", "reload", "timeit" } do _G[name] = opah.prompt[name] end
            pp, play, spectrogram, waveform = opah.pp, opah.play, opah.plot.spectrogram, opah.plot.waveform
            """, name: "=prompt")
        try lua.watchGlobals(from: PromptSources.prefix) { [unowned self] in unknown.append($0) }
    }

    /// Requires modules, each into a global of its name.
    public func load(modules: [String]) throws {
        for module in modules {
            let name = module.split(separator: ".").last.map(String.init) ?? module
            try lua.setGlobal(name, lua.require(module))
        }
    }

    /// Runs something before the first prompt. With a person there a failure is shown and the prompt comes all the
    /// same.
    public func begin(_ work: (Interpreter) throws -> Void) throws {
        do { try work(lua) } catch let error as OpahError where isInteractive && error.kind != .exit {
            Terminal.warn(errors.text(error), isStyled: true)
        }
    }

    /// Until end of input; the exit code is 0. A script on standard input fails at the first error.
    public func loop() -> Int32 {
        guard isInteractive else { return runStandardInput() }
        print("opah \(opahVersion), \(LuaHost.luaVersion); help(), ?name, ?prompt explain; Tab completes, Ctrl-D ends")
        if Terminal.isOutputLive {
            editor = LineEditor(
                PromptKnowledge(
                    isComplete: { [unowned self] in !isIncomplete($0) },
                    completions: { [unowned self] in $0.hasPrefix("!") ? lua.fileCompletions($0) : lua.completions($0)
                    },
                    usage: { [unowned self] in lua.usage($0) }),
                colour: Terminal.hasOutputColour)
        }
        while true {
            history.refresh()
            editor?.setHistory(history.entries)
            let input = editor?.read() ?? readPlainly()
            // SIGTERM, or SIGHUP when the terminal is closed.
            if Interrupts.isEndingAsked { return 130 }
            lua.clearInterrupt()
            switch input {
            case .end: return 0
            case .interrupted: continue
            case .text(let text):
                if text.allSatisfy(\.isWhitespace) { continue }
                history.add(text)
                if lua.global(isUnset: "exit"), ["exit", "exit()", "quit", "quit()"].contains(text) { return 0 }
                run(text)
                if Interrupts.isEndingAsked { return 130 }
            }
        }
    }

    // MARK: input

    /// Lines from a terminal that cannot move its cursor.
    private func readPlainly() -> PromptInput {
        guard case .text(var text) = PlainLines.read("> ") else { return Interrupts.isPending ? .interrupted : .end }
        while isIncomplete(text) {
            guard case .text(let more) = PlainLines.read(">> ") else {
                return Interrupts.isPending ? .interrupted : .text(text)
            }
            text += "\n" + more
        }
        return .text(text)
    }

    /// Whether more lines are to come: a syntax error at the very end says so.
    func isIncomplete(_ text: String) -> Bool {
        if PromptCommand(text) != nil { return false }
        do { return try lua.promptCode(text) == nil } catch { return false }
    }

    private func isChunk(_ text: String) -> Bool {
        PromptCommand(text) != nil || ((try? lua.promptCode(text)) ?? nil) != nil
    }

    /// The pieces of a text: one, unless lines were pasted that are several pieces.
    private func pieces(_ text: String) -> [String] {
        if !text.contains("\n") || isChunk(text) { return [text] }
        var pieces: [String] = [], open = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            open += (open.isEmpty ? "" : "\n") + line
            if isIncomplete(open) { continue }
            guard isChunk(open) else { return [text] }
            if !open.allSatisfy(\.isWhitespace) { pieces.append(open) }
            open = ""
        }
        return open.isEmpty ? pieces : [text]
    }

    private func runStandardInput() -> Int32 {
        do {
            return Session.exitCode(try lua.run(file: "-"))
        } catch let error as OpahError {
            if error.kind != .exit { Terminal.warn("opah: " + errors.text(error), isStyled: true) }
            return RecipeRun.exitCode(of: error)
        } catch { return 1 }
    }

    // MARK: running

    private func run(_ text: String) {
        for piece in pieces(text) {
            let began = ContinuousClock().now
            do {
                if let command = PromptCommand(piece) { try run(command) } else { try evaluate(piece) }
            } catch let error as OpahError {
                fflush(nil)
                Terminal.warn(errors.text(error), isStyled: true)
                lua.clearInterrupt()
                return
            } catch {
                Terminal.warn("\(error)")
                return
            }
            let seconds = began.duration(to: ContinuousClock().now) / .seconds(1)
            fflush(nil)
            if seconds > 0.1, PromptCommand(piece) == nil {
                Terminal.log(
                    Terminal.styled("(\(DurationText.words(seconds)))", 2, colour: Terminal.hasColour), isStyled: true)
            }
        }
    }

    /// Runs Lua and shows what it gives.
    func evaluate(_ text: String) throws {
        unknown = []
        switch lua.evaluate(text, name: sources.add(text)) {
        case .incomplete: throw OpahError(.lua, "the input ends too early")
        case .failure(var error):
            if error.hint == nil || error.kind != .lua, let meant = misspelt {
                error.hint = (error.hint.map { $0 + "; " } ?? "") + meant
            }
            throw error
        case .values(let values):
            if let meant = misspelt {
                Terminal.log(
                    Terminal.styled("note: " + ShownText.name(meant), 2, colour: Terminal.hasColour), isStyled: true)
            }
            if !values.isEmpty { try remember(values[0]) }
            if !values.isEmpty, !text.trimmingTail.hasSuffix(";") { show(values) }
            hintAtLocals(text)
        }
    }

    /// Of the names that were read and that nothing has, the first that is near one there is: `no sampels; did you mean
    /// samples?`
    private var misspelt: String? {
        for name in unknown where lua.global(isUnset: name) {
            if let meant = lua.nearestGlobal(to: name) { return "there is no \(name); \(meant)" }
        }
        return nil
    }

    func show(_ values: [LuaValue]) {
        let inspector = Inspector(lua: lua, width: Terminal.outputWidth)
        let texts = values.map { inspector.text($0) }
        let isShort =
            texts.allSatisfy { !$0.contains("\n") }
            && texts.map(\.columns).reduce(0, +) + 2 * texts.count <= Terminal.outputWidth
        print(texts.joined(separator: isShort ? "  " : "\n"))
    }

    private func remember(_ value: LuaValue) throws {
        if value.isNil { return }
        try lua.setGlobal("___", lua.global("__"))
        try lua.setGlobal("__", lua.global("_"))
        try lua.setGlobal("_", value)
    }

    /// Newcomers lose variables to `local`, which ends with the input.
    private func hintAtLocals(_ text: String) {
        guard !hasHintedAtLocals, text.hasPrefix("local "), !text.contains("\n"), !text.contains(";") else { return }
        hasHintedAtLocals = true
        Terminal.log(
            Terminal.styled(
                "note: a local ends with its input; leave out `local` to keep the variable", 2,
                colour: Terminal.hasColour), isStyled: true)
    }
}

extension Interpreter {
    fileprivate func global(isUnset name: String) -> Bool { (try? global(name))?.isNil ?? true }
}

/// Lines of standard input, byte by byte: what follows is left for `io.read`.
private enum PlainLines {
    static func read(_ prompt: String) -> PromptInput {
        print(prompt, terminator: "")
        fflush(nil)
        var bytes: [UInt8] = [], byte: UInt8 = 0
        while true {
            let count = Glibc.read(0, &byte, 1)
            if count < 0, errno == EINTR, !Interrupts.isPending { continue }
            if count <= 0 {
                if count < 0 || bytes.isEmpty { print("") }
                return count < 0 ? .interrupted : bytes.isEmpty ? .end : .text(String(decoding: bytes, as: UTF8.self))
            }
            if byte == UInt8(ascii: "\n") { return .text(String(decoding: bytes, as: UTF8.self)) }
            bytes.append(byte)
        }
    }
}
