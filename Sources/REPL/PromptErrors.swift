import Console
import LuaHost
import Support

/// The texts of the pieces that were run, so that errors can show the line they mean.
package final class PromptSources {
    /// How Lua's names of the pieces begin.
    static let prefix = "=input "
    private var texts: [String: String] = [:]
    private var count = 0

    package init() {}

    /// Keeps a piece; the answer is what Lua calls it, with its `=`.
    func add(_ text: String) -> String {
        count += 1
        texts["input \(count)"] = text
        texts["input \(count - 1000)"] = nil
        return "\(Self.prefix)\(count)"
    }

    /// Lines `first` to `last` of a piece or file that Lua knows as `source`.
    func lines(_ source: String, _ first: Int, _ last: Int) -> [String]? {
        let name = source.first == "=" || source.first == "@" ? String(source.dropFirst()) : source
        guard let text = texts[name] ?? (FileKind.isFile(name) ? try? MappedFile.text(name) : nil) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard first >= 1, first <= last, last <= lines.count else { return nil }
        return lines[(first - 1) ..< last].map(String.init)
    }
}

/// Errors as the prompt shows them: message, hint, then the person's own lines that led there, innermost first.
struct PromptErrors {
    let sources: PromptSources
    let colour: Bool

    /// In colour, with nothing else in it that a terminal would obey: for `Terminal.warn` as it is.
    func text(_ error: OpahError) -> String {
        let frames = Self.collapsed(ShownText.message(error.traceback ?? "").split(separator: "\n").map(String.init))
        if error.kind == .interrupted {
            // The terminal shows ^C where the cursor was.
            return (Terminal.isLive ? "\n" : "") + "interrupted"
                + (frames.first.flatMap { Self.place(of: $0.text) }.map { " at \($0.source):\($0.line)" } ?? "")
        }
        var lines = [Terminal.styled(ShownText.message(error.message), 31, colour: colour)]
        if let hint = error.hint { lines.append("  hint: " + ShownText.message(hint)) }
        if frames.isEmpty, let place = Self.place(of: error.message), let line = source(place) {
            lines.append("    " + line)
        }   // a syntax error
        for frame in frames {
            lines.append(
                Terminal.styled(
                    "  \(frame.text)" + (frame.times > 1 ? " (\(frame.times) times)" : ""), 2, colour: colour))
            if let place = Self.place(of: frame.text), let line = source(place) { lines.append("    " + line) }
        }
        return lines.joined(separator: "\n")
    }

    private func source(_ place: (source: String, line: Int)) -> String? {
        guard let line = sources.lines(place.source, place.line, place.line)?.first else { return nil }
        let text = ShownText.name(String(line.drop { $0 == " " || $0 == "\t" }))
        return text.count > 100 ? text.prefix(100) + "..." : text
    }

    /// `input 3:1: ...` -> input 3, line 1.
    private static func place(of text: String) -> (source: String, line: Int)? {
        var rest = text[...]
        while let colon = rest.firstIndex(of: ":") {
            let number = text[text.index(after: colon)...].prefix { $0.isNumber }
            if !number.isEmpty, text[number.endIndex...].hasPrefix(":"), let line = Int(number) {
                return (String(text[..<colon]), line)
            }
            rest = text[text.index(after: colon)...]
        }
        return nil
    }

    /// The same frame many times in a row is deep recursion.
    private static func collapsed(_ lines: [String]) -> [(text: String, times: Int)] {
        lines.reduce(into: []) { found, line in
            if found.last?.text == line { found[found.count - 1].times += 1 } else { found.append((line, 1)) }
        }
    }
}
