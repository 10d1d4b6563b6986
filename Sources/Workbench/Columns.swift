extension String {
    /// Columns on a terminal: two for East Asian wide characters and emoji, none for marks that combine.
    var columns: Int {
        var count = 0
        for scalar in unicodeScalars {
            if scalar.value < 0x300 { count += 1; continue }
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: break
            default: count += Self.wide.contains { $0.contains(scalar.value) } ? 2 : 1
            }
        }
        return count
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    var trimmingTail: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}

/// Words in columns, as `ls` lists files.
enum Columns {
    static func lines(_ words: [String], width: Int, limit: Int = 200) -> [String] {
        let shown = Array(words.prefix(limit)), wide = (shown.map(\.columns).max() ?? 0) + 2
        let across = max(1, width / wide), down = (shown.count + across - 1) / across
        var lines = (0..<down).map { row in
            var line = ""
            for column in 0..<across where column * down + row < shown.count {
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
