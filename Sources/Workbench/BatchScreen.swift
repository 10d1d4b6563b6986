import Foundation
import Support

/// A batch as a person sees it: a line for each recipe that begins or ends and, on a terminal, live lines below
/// them for those that run. With `--json`, events instead.
public final class BatchScreen {
    private let total: Int
    private var shown = 0, ended = 0

    public init(total: Int) { self.total = total }

    public func show(_ event: BatchRun.Event) {
        switch event {
        case .began(let item, let attempt):
            Terminal.event(["event": "began", "name": .string(item.name), "command": .string(item.command), "attempt": .int(attempt)])
            if !Terminal.isLive { line("begins      \(item.name)") }
        case .retrying(let item, let outcome):
            Terminal.event(["event": "retrying", "name": .string(item.name), "state": .string(outcome.state.rawValue)])
            line("again       \(item.name): \(outcome.text)")
        case .ended(let item, let outcome, let lastLines):
            ended += 1
            var fields: ConfigMap = ["event": "ended", "name": .string(item.name)]
            for (key, value) in outcome.fields { fields[key] = value }
            Terminal.event(fields)
            let figures = outcome.metrics.compactMap { item in item.value.double.map { "\(item.key) \(CurvePlot.short($0))" } }.prefix(4).joined(separator: "  ")
            line([("[\(ended)/\(total)]").padding(toLength: 12, withPad: " ", startingAt: 0) + item.name + ": " + outcome.text, DurationText.clock(outcome.seconds), ByteCount.text(outcome.peakBytes), figures]
                .filter { !$0.isEmpty }.joined(separator: "  "))
            if !outcome.isFinished, !lastLines.isEmpty {
                line(lastLines.split(separator: "\n").suffix(6).map { "    " + $0.prefix(160) }.joined(separator: "\n"))
            }
        case .stopping:
            line("stopping: what runs saves its state; Ctrl-C again kills it")
        case .status(let running, let summary):
            guard Terminal.isLive, Terminal.style == .text else { return }
            clear()
            let lines = running.map { "  " + $0 } + [summary]
            write(lines.map { Self.plain($0).prefixColumns(Terminal.width - 1) + "\n" }.joined())
            shown = lines.count
        }
    }

    /// Takes the live lines off the screen.
    public func end() { clear() }

    private func line(_ text: String) {
        guard Terminal.style == .text else { return }
        clear()
        Terminal.log(Self.plain(text))
    }

    /// What a recipe says may colour the terminal, move its cursor, or end in the middle of that.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 == "\n" || $0.value >= 32 && $0.value != 127 }))
    }

    private func clear() {
        if shown > 0 { write("\u{1B}[\(shown)A\r\u{1B}[J") }
        shown = 0
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
