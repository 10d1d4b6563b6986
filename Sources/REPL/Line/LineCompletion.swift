import CEditline
import Console
import Support

/// The Tab key.
extension LineEditor {
    func complete() -> UInt8 {
        let before = Self.withoutGutter(parts.before)
        if before.lastLine.allSatisfy(\.isWhitespace) { return insert("  ") }
        let found = knowledge.completions(before), candidates = found.candidates
        let word = String(decoding: before.utf8.dropFirst(found.start), as: UTF8.self)
        let usage = knowledge.usage(before)
        if word.isEmpty, let usage, ![.option, .choice, .file].contains(candidates.first?.kind) { return show([usage]) }
        guard let first = candidates.first else { return UInt8(CC_REFRESH_BEEP) }
        var common = first.text[...]
        for candidate in candidates { while !candidate.text.hasPrefix(common) { common.removeLast() } }
        var rest = String(common.dropFirst(word.count))
        if candidates.count == 1 {
            switch first.kind {
            case .option: rest += "="
            case .file where before.hasPrefix("!"): if !first.text.hasSuffix("/") { rest += " " }
            case .choice: rest += quote(before, found.start)
            case .file where !first.text.hasSuffix("/"),
                .module
            where found.start > 0
                && "\"'".utf8.contains(before.utf8[before.utf8.index(before.startIndex, offsetBy: found.start - 1)]):
                if !first.text.hasSuffix(".") { rest += quote(before, found.start) }
            default: break
            }
            if rest.isEmpty {
                return first.detail.isEmpty
                    ? UInt8(CC_NORM) : show([first.text + (first.detail.hasPrefix("(") ? "" : "  ") + first.detail])
            }
        }
        if !rest.isEmpty { return insert(rest) }
        return show(
            Columns.lines(
                candidates.map { $0.kind == .option ? "\($0.text): \($0.detail)" : $0.text },
                width: Terminal.outputWidth))
    }

    /// The quote that began the string which the word is in.
    private func quote(_ before: String, _ start: Int) -> String {
        String(
            before.utf8.prefix(start).reversed().lazy.compactMap {
                $0 == UInt8(ascii: "\"") ? "\"" : $0 == UInt8(ascii: "'") ? "'" : nil
            }.first ?? "\"")
    }

    /// Lines below the input, and the input again below them.
    private func show(_ lines: [String]) -> UInt8 {
        let (before, after) = parts
        let row = rows(before), last = rows(before + after)
        // libedit goes up to the first row of the input from where it thinks that the cursor is.
        put(
            String(repeating: "\n", count: last - row + 1) + lines.map { ShownText.name($0) + "\n" }.joined()
                + String(repeating: "\n", count: row))
        return UInt8(CC_REDISPLAY)
    }
}
