import Console
import Foundation
import LuaHost
import Recipes
import Support

/// How far a long piece of work has come: a bar, the rate, the time left and a few figures, on one live line
/// of a terminal. Elsewhere a plain line now and then, so that a log stays readable.
public final class ProgressBar: LuaObject, @unchecked Sendable {
    private let label: String
    private var total: Int?
    private let first: Int
    private var done: Int
    private let began = ContinuousClock().now
    private var drawn: ContinuousClock.Instant
    private var figures: [(name: String, text: String)] = []
    private var isOpen = true
    /// Between plain lines where there is no terminal, growing from 10 s.
    private var patience = Duration.seconds(10)
    private var told: ContinuousClock.Instant?

    public init(total: Int?, label: String, done: Int = 0) {
        self.total = total
        self.label = label
        self.done = done
        first = done
        drawn = ContinuousClock().now
        draw()
    }

    public func step(_ count: Int, _ figures: [(name: String, text: String)]) {
        set(done + count, total: total, figures)
    }

    public func set(_ done: Int, total: Int?, _ figures: [(name: String, text: String)]) {
        self.done = done
        if let total { self.total = total }
        if !figures.isEmpty { self.figures = figures }
        let now = ContinuousClock().now
        guard isOpen else { return }
        tell(now)
        if Terminal.isLive {
            if drawn.duration(to: now) > .milliseconds(80) || done == self.total {
                drawn = now
                draw()
            }
        } else if drawn.duration(to: now) > patience {
            drawn = now
            patience = min(patience * 2, .seconds(300))
            Terminal.log(line(width: 200))
        }
    }

    /// Ends it; the last state stays on the screen. Ending it twice is fine.
    public func finish() {
        guard isOpen else { return }
        tell(nil)
        isOpen = false
        draw()
        if Terminal.style == .text { Terminal.endLive() }
    }

    /// An event for programs: at first at each step, then less and less often, some thousands in all; the last one
    /// always.
    private func tell(_ now: ContinuousClock.Instant?) {
        guard Terminal.hasListener else { return }
        if let now, let told, told.duration(to: now) < max(.milliseconds(50), began.duration(to: now) / 500) { return }
        told = now ?? told
        var event: ConfigMap = ["event": "progress", "label": .string(label), "done": .int(done)]
        if let total { event["total"] = .int(total) }
        var numbers = ConfigMap()
        for (name, text) in figures { numbers[name] = Double(text).map(ConfigValue.double) ?? .string(text) }
        if !numbers.isEmpty { event["figures"] = .map(numbers) }
        Terminal.event(event)
    }

    private func draw() { Terminal.live(line(width: Terminal.width - 1)) }

    private func line(width: Int) -> String {
        let elapsed = began.duration(to: ContinuousClock().now) / .seconds(1)
        let rate = elapsed > 0.2 ? Double(done - first) / elapsed : 0
        var parts: [String] = []
        if let total, total > 0 {
            let filled = min(20, 20 * done / total)
            parts.append(String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled))
            parts.append("\(done)/\(total)")
        } else {
            parts.append("\(done)")
        }
        if rate > 0 {
            parts.append(rate >= 1 ? String(format: "%.1f/s", rate) : String(format: "%.1f s each", 1 / rate))
            if let total, done < total { parts.append("left " + DurationText.clock(Double(total - done) / rate)) }
        }
        if !isOpen { parts.append("in " + DurationText.clock(elapsed)) }
        parts += figures.map { "\($0.name) \($0.text)" }
        return ShownText.name((label.isEmpty ? "" : label + " ") + parts.joined(separator: "  ")).prefixColumns(width)
    }

    public static let luaClass = LuaClass("ProgressBar", of: ProgressBar.self, "How far a long piece of work has come.")
    { c in
        let figures: (Call, Int) throws -> [(name: String, text: String)] = { call, argument in
            guard call.isTable(argument) else { return [] }
            return try call.table(argument).pairs().compactMap { key, value in
                guard let name = key.string else { return nil }
                return (name, value.figure)
            }.sorted { $0.name < $1.name }
        }
        c.method(
            "step", "(count?: integer = 1, figures?: table)",
            "`count` more are done. `figures` such as `{loss=2.1}` are shown behind the bar.",
            example: """
                local bar <close> = progress.bar(3, "training")
                for step, loss in ipairs{2.5, 2.1, 1.9} do bar:step(1, { loss = loss }) end
                """
        ) { bar, call in
            try bar.step(call.get(1), figures(call, 2))
            return .none
        }
        c.method(
            "at", "(done: integer, total?: integer, figures?: table)",
            "`done` of `total` are done, for work that counts by itself; `total` stays as it was when it is left out.",
            example: """
                local bar <close> = progress.bar(nil, "download")      -- the size is not known yet
                bar:at(500, 2000)
                bar:at(2000)
                """
        ) { bar, call in
            try bar.set(call.integer(1), total: call.get(2), figures(call, 3))
            return .none
        }
        c.method(
            "done", "()", "Ends the bar and leaves its last state on the screen. Ending it twice is fine.",
            example: """
                local bar = progress.bar(2, "clips")
                bar:step(2)
                bar:done()
                """
        ) { bar, _ in
            bar.finish()
            return .none
        }
        c.onClose { $0.finish() }
    }
}

extension LuaValue {
    /// A number as people like to read it beside a bar.
    var figure: String {
        switch self {
        case .integer(let value): String(value)
        case .number(let value):
            abs(value) >= 1000
                ? String(format: "%.0f", value)
                : abs(value) >= 0.01 || value == 0 ? String(format: "%.3f", value) : String(format: "%.1e", value)
        case .string(let value): value
        case .boolean(let value): String(value)
        default: "?"
        }
    }
}

extension LuaModule {
    /// `opah.progress`
    public static let progress = LuaModule(
        "opah.progress", "Telling people, and programs, how a run goes. All of it goes to standard error."
    ) { m in
        m.type(ProgressBar.luaClass)
        m.function(
            "bar", "(total?: integer, label?: string = \"\", opts?: {done?: integer = 0}) -> ProgressBar",
            "A bar for `total` pieces of work; nil when nobody knows how many. `done` of them were done before. Ends with its scope: `local b <close> = progress.bar(10)`.",
            example: """
                local clips = fs.list("data", { recursive = true, extension = ".lab" })
                local bar <close> = progress.bar(#clips, "labels")
                for _, path in ipairs(clips) do bar:step(1, { bytes = #fs.read(path) }) end
                """
        ) { call in
            try call.push(ProgressBar(total: call.get(1), label: call.get(2), done: call.option("done")))
        }
        m.function(
            "log", "(text: string)", "A line for people, on standard error, above the bars; silent with --quiet.",
            example: #"progress.log("epoch 1: loss 2.31")"#
        ) { call in
            Terminal.log(try call.string(1))
            return .none
        }
        m.function(
            "warn", "(text: string)", "A line that even --quiet shows.",
            example: #"progress.warn("b.wav: skipped, no label beside it")"#
        ) { call in
            Terminal.warn(try call.string(1))
            return .none
        }
        m.function(
            "name", "(text: string, opts?: {output?: boolean = false}) -> string",
            """
            The name of a file or folder as messages show it: control characters, newlines and what turns the direction of writing are written out, so that no name clears a screen or \
            begins a line. With `output`, for standard output: only where that is a terminal; programs that read it get names as they are.
            """,
            example: #"progress.name("a\27[2J.wav"), progress.name("b\nc.wav")  --> "a\\x1b[2J.wav", "b\\nc.wav""#
        ) { call in
            // A name that was cut in the middle of a letter, or never was UTF-8, is shown all the same.
            let text = String(decoding: try call.bytes(1), as: UTF8.self)
            return try call.push(try call.option("output") && isatty(1) == 0 ? text : ShownText.name(text))
        }
        m.function(
            "columns", "(text: string) -> integer",
            "How many columns of a terminal a text takes: two for East Asian wide characters and emoji, none for marks that combine.",
            example: #"progress.columns("kana"), progress.columns("かな")  --> 4, 4"#
        ) { call in try call.push(call.string(1).columns) }
        m.function(
            "size", "(bytes: number) -> string",
            "A number of bytes as people read it, in powers of 1000, with three digits at most.",
            example: """
                progress.size(3060000000)         --> "3.06 GB"
                """
        ) { call in try call.push(ByteCount.text(call.number(1))) }
        m.function(
            "duration", "(seconds: number) -> string", "Seconds as people read them.",
            example: """
                progress.duration(0.0123)  --> "12.3 ms"
                progress.duration(200)     --> "3 min 20 s"
                """
        ) { call in try call.push(DurationText.words(call.number(1))) }
        m.function(
            "is_live", "() -> boolean", "Whether people watch: a terminal, without --quiet or --json.",
            example: "if progress.is_live() then print \"press Ctrl-C to stop\" end"
        ) { call in
            try call.push(Terminal.isLive && Terminal.style == .text)
        }
        m.function(
            "event", "(fields: table)",
            "A line of JSON for programs; with --json, and for a batch. `event` names it; without one it is `custom`.",
            example: #"progress.event({ event = "metrics", step = 10, loss = 2.31 })"#
        ) { call in
            guard Terminal.hasListener, let map = try ConfigValue(lua: call.value(1)).map else { return .none }
            // Every line has a name.
            Terminal.event(
                map["event"]?.string == nil
                    ? ConfigMap(
                        [("event", .string("custom"))] + map.filter { $0.key != "event" }.map { ($0.key, $0.value) })
                    : map)
            return .none
        }
        m.function(
            "result", "(facts: table)",
            "What came of this run, for programs: told in the `result` event that ends it (--json, docs/json-events.md) and kept in its record. Later facts of a name replace earlier ones.",
            example: "progress.result({ clips = 14, hours = 0.4 })"
        ) { call in
            if let map = try ConfigValue(lua: call.value(1)).map { RunRecord.add(map) }
            return .none
        }
    }
}
