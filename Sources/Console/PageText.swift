/// Pages of help, broken where a person reads on rather than where the terminal ends.
public enum PageText {
    /// To standard output; lines are as wide as its terminal at most, and as they are where there is none.
    public static func show(_ page: String) {
        print(Terminal.isOutputLive ? wrapped(page, width: Terminal.outputWidth) : page)
    }

    /// Long lines broken at blanks. What follows goes in as far as the line's text does, in a list as far as its second
    /// column; a paragraph of several lines is filled anew. Lines of code (`  > `) stay whole, to be copied.
    package static func wrapped(_ page: String, width: Int) -> String {
        var waiting = Array(page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).reversed()),
            lines: [String] = []
        while let line = waiting.popLast() {
            if line.columns <= width || line.hasPrefix("  > ") { lines.append(line); continue }
            var parts = broken(line[...], width: width)
            let margin = line.prefix { $0 == " " }.count
            if let next = waiting.last, indent(of: line[...], limit: width / 2) == margin,
                next.prefix(while: { $0 == " " }).count == margin, next.count > margin,
                !next.hasPrefix("  > "), indent(of: next[...], limit: width / 2) == margin
            {
                waiting[waiting.count - 1] = parts.removeLast() + " " + next.dropFirst(margin)
            }
            lines += parts
        }
        return lines.joined(separator: "\n")
    }

    /// One line as several; what follows the first goes in as far as its text or its second column does.
    package static func broken(_ line: Substring, width: Int) -> [String] {
        let margin = indent(of: line, limit: width / 2)
        var lines: [String] = [], open = String(line.prefix(margin))
        var used = open.columns, isFresh = true
        for word in line.dropFirst(margin).split(separator: " ", omittingEmptySubsequences: false).map(String.init) {
            if !isFresh, used + 1 + word.columns > width {
                lines.append(open)
                (open, used, isFresh) = (String(repeating: " ", count: margin), margin, true)
                if word.isEmpty { continue }
            }
            open += (isFresh ? "" : " ") + word
            used += (isFresh ? 0 : 1) + word.columns
            isFresh = false
        }
        return lines + [open]
    }

    /// Where the second column begins, behind two blanks or more; without one, where the text begins.
    private static func indent(of line: Substring, limit: Int) -> Int {
        let first = line.prefix { $0 == " " }.count
        var blanks = 0
        for (place, character) in line.enumerated().dropFirst(first).prefix(max(0, limit - first)) {
            if character != " ", blanks >= 2 { return place }
            blanks = character == " " ? blanks + 1 : 0
        }
        return first
    }
}
