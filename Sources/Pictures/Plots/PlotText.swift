import Console
import Foundation

extension Plot {
    /// Lines of characters: curves in Braille dots (two by four in each character), spectrograms in half
    /// blocks of colour, or in shades where colours are not welcome.
    package func text(width: Int = 80, height: Int = 14, colour: Bool = false) -> String {
        let labels = yTicks.map(\.label), margin = (labels.map(\.columns).max() ?? 0) + 1
        let columns = max(10, width - margin - 2), rows = max(3, height)
        let body = hasHeat ? heatRows(columns, rows, colour) : dotRows(columns, rows, colour)
        func row(_ at: Double) -> Int {
            min(
                rows - 1,
                max(0, Int((y.upperBound - at) / max(y.upperBound - y.lowerBound, 1e-12) * Double(rows - 1) + 0.5)))
        }
        var names: [Int: String] = [:]
        for tick in yTicks where names[row(tick.at)] == nil { names[row(tick.at)] = tick.label }
        var lines = title.isEmpty ? [] : [String(repeating: " ", count: margin + 1) + title]
        if !yLabel.isEmpty { lines.append(yLabel) }
        for (i, content) in body.enumerated() {
            let label = names[i] ?? ""
            lines.append(
                String(repeating: " ", count: margin - 1 - label.columns) + label + (label.isEmpty ? " │" : " ┤")
                    + content)
        }
        lines.append(String(repeating: " ", count: margin) + "└" + String(repeating: "─", count: columns))
        lines.append((String(repeating: " ", count: margin + 1) + scale(columns)).trimmingTail)
        if !legend.isEmpty {
            lines.append(
                String(repeating: " ", count: margin + 1)
                    + legend.enumerated().map {
                        Terminal.styled(hasPoints ? "⠿ " : "── ", Self.ansi[$0 % Self.ansi.count], colour: colour) + $1
                    }.joined(separator: "  "))
        }
        return lines.joined(separator: "\n")
    }

    private static let ansi = [34, 31, 32, 33, 35, 36]

    /// Numbers below the axis, as many as there is room for, and its label at the end.
    private func scale(_ columns: Int) -> String {
        var line = [Character](repeating: " ", count: columns), end = -2
        let room = columns - (xLabel.isEmpty ? 0 : xLabel.columns + 1)
        for tick in xTicks {
            let at = Int((tick.at - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12) * Double(columns - 1))
            let start = max(0, min(at - tick.label.count / 2, room - tick.label.count))
            guard start > end + 1, start + tick.label.count <= room else { continue }
            for (i, character) in tick.label.enumerated() { line[start + i] = character }
            end = start + tick.label.count
        }
        return String(line[..<max(0, room)]) + (xLabel.isEmpty ? "" : " " + xLabel)
    }

    private func dotRows(_ columns: Int, _ rows: Int, _ colour: Bool) -> [String] {
        var dots = Dots(columns: columns, rows: rows)
        let w = Double(2 * columns - 1), h = Double(4 * rows - 1)
        func place(_ point: (x: Double, y: Double)) -> (Int, Int) {
            let across = (point.x - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12)
            let down = (y.upperBound - point.y) / max(y.upperBound - y.lowerBound, 1e-12)
            return (Int(across * w + 0.5), Int(down * h + 0.5))
        }
        var curve = 0
        for layer in layers {
            switch layer {
            case .heat: break
            case .band(let steps):
                guard !steps.isEmpty else { break }
                for column in 0 ..< (2 * columns) {
                    let first = steps.count * column / (2 * columns),
                        last = max(first, steps.count * (column + 1) / (2 * columns) - 1)
                    let part = steps[first ... last]
                    let low = place((x: x.lowerBound, y: part.map(\.low).min()!)).1
                    let high = place((x: x.lowerBound, y: part.map(\.high).max()!)).1
                    for row in high ... max(low, high) { dots.set(column, row, 0) }
                }
            case .line(_, let points):
                let places = points.map(place)
                for (i, to) in places.enumerated() { dots.line(places[max(0, i - 1)], to, curve) }
                curve += 1
            case .points(_, let points):
                for (x, y) in points.map(place) { dots.set(x, y, curve) }
                curve += 1
            case .bars(let bars):
                for bar in bars where bar.height > 0 {
                    let (left, top) = place((x: bar.from, y: bar.height)), (right, bottom) = place((x: bar.to, y: 0))
                    for column in left ..< max(right, left + 1) {
                        for row in top ... max(top, bottom) { dots.set(column, row, 0) }
                    }
                }
            }
        }
        return dots.lines { colour ? Self.ansi[$0 % Self.ansi.count] : nil }
    }

    private func heatRows(_ columns: Int, _ rows: Int, _ colour: Bool) -> [String] {
        guard case .heat(let map)? = layers.first(where: { if case .heat = $0 { true } else { false } }) else {
            return []
        }
        if !colour {
            let shades = Array(" ░▒▓█"), small = map.resized(columns, rows)
            return (0 ..< rows).map { row in
                String((0 ..< columns).map { shades[min(4, Int(small.level(row, $0) * 5))] }).trimmingTail
            }
        }
        let small = map.resized(columns, 2 * rows)
        let isDeep = getenv("COLORTERM").map { ["truecolor", "24bit"].contains(String(cString: $0)) } ?? false
        func code(_ level: Float) -> String {
            let (r, g, b) = HeatMap.colour(level)
            if isDeep { return "2;\(r);\(g);\(b)" }
            // The nearest of the 6 x 6 x 6 colours that every terminal has.
            func step(_ value: UInt8) -> Int { (Int(value) + 25) / 51 }
            let number = 16 + 36 * step(r) + 6 * step(g) + step(b)
            return "5;\(number)"
        }
        return (0 ..< rows).map { row in
            var line = "", last = ""
            for column in 0 ..< columns {
                let style =
                    "\u{1B}[38;\(code(small.level(2 * row, column)));48;\(code(small.level(2 * row + 1, column)))m"
                line += (style == last ? "" : style) + "▀"
                last = style
            }
            return line + "\u{1B}[0m"
        }
    }
}

/// Dots in Braille characters.
private struct Dots {
    package let columns: Int, rows: Int
    private var cells: [UInt8]
    private var owners: [Int]

    package init(columns: Int, rows: Int) {
        (self.columns, self.rows) = (columns, rows)
        cells = Array(repeating: 0, count: columns * rows)
        owners = Array(repeating: 0, count: columns * rows)
    }

    private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

    package mutating func set(_ x: Int, _ y: Int, _ owner: Int) {
        guard x >= 0, y >= 0, x < 2 * columns, y < 4 * rows else { return }
        let cell = y / 4 * columns + x / 2
        cells[cell] |= Self.bits[y % 4][x % 2]
        owners[cell] = owner
    }

    package mutating func line(_ from: (Int, Int), _ to: (Int, Int), _ owner: Int) {
        let steps = max(abs(to.0 - from.0), abs(to.1 - from.1), 1)
        for step in 0 ... steps {
            set(from.0 + (to.0 - from.0) * step / steps, from.1 + (to.1 - from.1) * step / steps, owner)
        }
    }

    package func lines(_ colour: (Int) -> Int?) -> [String] {
        (0 ..< rows).map { row in
            var line = "", current: Int?
            for column in 0 ..< columns {
                let bits = cells[row * columns + column]
                let wanted = bits == 0 ? nil : colour(owners[row * columns + column])
                if wanted != current { line += wanted.map { "\u{1B}[\($0)m" } ?? "\u{1B}[0m" }
                current = wanted
                line.unicodeScalars.append(bits == 0 ? " " : Unicode.Scalar(0x2800 + UInt32(bits))!)
            }
            return current == nil ? line.trimmingTail : line + "\u{1B}[0m"
        }
    }
}
