import SystemShim

extension String {
    /// Columns on a terminal as the C library counts them: two for East Asian wide characters and emoji, none for marks
    /// that combine and for control characters.
    package var columns: Int {
        if utf8.allSatisfy({ 0x20 ... 0x7E ~= $0 }) { return utf8.count }
        let scalars = unicodeScalars.map(\.value)
        return Int(system_columns(scalars, Int32(scalars.count)))
    }

    /// As much of the beginning as fits into that many columns, in whole characters.
    package func prefixColumns(_ columns: Int) -> String {
        var used = 0
        return String(
            prefix { character in
                used += String(character).columns
                return used <= columns
            })
    }

    package var trimmingTail: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}

/// Words in columns, as `ls` lists files.
package enum Columns {
    package static func lines(_ words: [String], width: Int, limit: Int = 200) -> [String] {
        let shown = Array(words.prefix(limit)), wide = (shown.map(\.columns).max() ?? 0) + 2
        let across = max(1, width / wide), down = (shown.count + across - 1) / across
        var lines = (0 ..< down).map { row in
            var line = ""
            for column in 0 ..< across where column * down + row < shown.count {
                let word = shown[column * down + row]
                line += word + String(repeating: " ", count: wide - word.columns)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
        if words.count > limit { lines.append("... \(words.count - limit) more") }
        return lines
    }
}
