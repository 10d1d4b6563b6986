import Console
import Foundation
import Pictures
import Support

/// A batch as a person sees it: a line for each recipe that begins or ends and, on a terminal, live lines below
/// them for those that run. With `--json`, events instead.
public final class BatchScreen {
    private let total: Int
    private var ended = 0
    /// The live lines that are on the screen now.
    private var shown: [String] = []

    public init(total: Int) { self.total = total }

    public func show(_ event: BatchRun.Event) {
        switch event {
        case .began(let item, let attempt):
            Terminal.event([
                "event": "began", "name": .string(item.name), "command": .string(item.command), "attempt": .int(attempt)
            ])
            if !Terminal.isLive { line("begins      \(item.name)") }
        case .retrying(let item, let outcome):
            Terminal.event(["event": "retrying", "name": .string(item.name), "state": .string(outcome.state.rawValue)])
            line("again       \(item.name): \(outcome.text)")
        case .ended(let item, let outcome, let lastLines):
            ended += 1
            var fields: ConfigMap = ["event": "ended", "name": .string(item.name)]
            for (key, value) in outcome.fields { fields[key] = value }
            Terminal.event(fields)
            let figures = outcome.metrics.compactMap { item in
                item.value.double.map { "\(item.key) \(BatchFolder.short($0))" }
            }.prefix(4).joined(separator: "  ")
            line(
                [
                    ("[\(ended)/\(total)]").padding(toLength: 12, withPad: " ", startingAt: 0) + item.name + ": "
                        + outcome.text, DurationText.clock(outcome.seconds), ByteCount.text(outcome.peakBytes), figures
                ]
                .filter { !$0.isEmpty }.joined(separator: "  "))
            if !outcome.isFinished, !lastLines.isEmpty {
                line(lastLines.split(separator: "\n").suffix(6).map { "    " + $0.prefix(160) }.joined(separator: "\n"))
            }
        case .stopping:
            line("stopping: what runs saves its state; Ctrl-C again kills it")
        case .status(let running, let ended, let failed, let waiting):
            guard Terminal.isLive, Terminal.style == .text else { return }
            let lines = Self.lines(
                running, summary: summary(ended: ended, failed: failed, running: running.count, waiting: waiting),
                width: Terminal.width - 1, height: Terminal.height - 1)
            write(clearing() + lines.map { $0 + "\n" }.joined())
            shown = lines
        }
    }

    /// Takes the live lines off the screen.
    public func end() { clear() }

    private func summary(ended: Int, failed: Int, running: Int, waiting: Int) -> String {
        "\(ended) of \(total) ended"
            + [(failed, "failed"), (running, "running"), (waiting, "waiting")].filter { $0.0 > 0 }.map {
                ", \($0.0) \($0.1)"
            }.joined()
    }

    /// Names in a column, time and memory behind them, then as much of the progress as there is room for. Those that do
    /// not fit between the top and the summary are counted.
    static func lines(_ running: [BatchRun.Status], summary: String, width: Int, height: Int) -> [String] {
        let room = max(1, height - 1), shown = running.count > room ? Array(running.prefix(max(0, room - 1))) : running
        let column = min(shown.map(\.name.columns).max() ?? 0, max(8, width - 24))
        var lines = shown.map { one in
            let name = one.name.columns <= column ? one.name : one.name.prefixColumns(column - 1) + "…"
            return [
                "  " + name + String(repeating: " ", count: column - name.columns), DurationText.clock(one.seconds),
                ByteCount.text(one.bytes), plain(one.progress)
            ].filter { !$0.isEmpty }.joined(separator: "  ")
        }
        if shown.count < running.count { lines.append("  and \(running.count - shown.count) more") }
        return (lines + [summary]).map { $0.prefixColumns(width) }
    }

    private func line(_ text: String) {
        guard Terminal.style == .text else { return }
        clear()
        Terminal.log(Self.plain(text))
    }

    /// What a recipe says may colour the terminal, move its cursor, or end in the middle of that.
    private static func plain(_ text: String) -> String {
        let bare = text.replacing(/\u{1B}\[[0-9;?]*[A-Za-z]/, with: "").unicodeScalars.filter {
            $0 == "\n" || $0.value >= 32 && $0.value != 127
        }
        return ShownText.message(String(String.UnicodeScalarView(bare)))
    }

    private func clear() {
        if !shown.isEmpty { write(clearing()) }
        shown = []
    }

    /// Up to the first live line, and everything from there on off the screen. On a terminal that has become narrower,
    /// lines that were as wide as it was take more rows now.
    private func clearing() -> String {
        if shown.isEmpty { return "" }
        let width = max(1, Terminal.width)
        let rows = shown.map { max(1, ($0.columns + width - 1) / width) }.reduce(0, +)
        return "\u{1B}[\(rows)A\r\u{1B}[J"
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
