extension Plot {
    /// PNG bytes: numbers at the axes, title, labels and the names of curves in letters of pixels (`PixelFont`).
    package func png(width: Int = 900, height: Int = 400) -> [UInt8] {
        var canvas = Canvas(width: width, height: height)
        let cell = 2.0 * Double(PixelFont.width), keys = legend, total = Double(width)
        // A small sheet keeps most of itself for the axes.
        let
            left = min(
                max(64, Double(yTicks.map(\.label.count).max() ?? 0) * cell + 10) + (yLabel.isEmpty ? 0 : 22),
                max(64, total / 2)), right = total - 16
        let head = title.isEmpty ? 14.0 : 36, top = min(head + (keys.isEmpty ? 0 : 22), Double(height) * 0.4)
        let bottom = max(Double(height) - (xLabel.isEmpty ? 30 : 50), Double(height) * 0.6)
        func px(_ at: Double) -> Double {
            left + (at - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12) * (right - left)
        }
        func py(_ at: Double) -> Double {
            bottom - (at - y.lowerBound) / max(y.upperBound - y.lowerBound, 1e-12) * (bottom - top)
        }
        for case .heat(let map) in layers { canvas.draw(map, left, top, right - left, bottom - top) }
        for tick in yTicks {
            if !hasHeat { canvas.line((left, py(tick.at)), (right, py(tick.at)), 0xE5E7EB, 1) }
            canvas.text(tick.label, right: left - 6, middle: py(tick.at))
        }
        var end = -1.0   // of the last number at the axis
        for tick in xTicks {
            canvas.line((px(tick.at), bottom), (px(tick.at), bottom + 4), 0x6B7280, 1)
            let half = Double(tick.label.count) * cell / 2
            guard px(tick.at) - half > end + 6 else { continue }
            end = min(px(tick.at) + half, total)
            canvas.text(tick.label, right: end, middle: bottom + 15)
        }
        canvas.line((left, bottom), (right, bottom), 0x6B7280, 1)
        /// No longer than there is room for.
        func fitted(_ text: String, _ room: Double) -> String {
            let count = max(0, Int(room / cell))
            return text.count <= count ? text : count > 3 ? text.prefix(count - 3) + "..." : ""
        }
        func centred(_ text: String, _ from: Double, _ to: Double, middle: Double) {
            let shown = fitted(text, to - from)
            canvas.text(shown, right: (from + to) / 2 + Double(shown.count) * cell / 2, middle: middle)
        }
        centred(title, 8, total - 8, middle: 18)
        centred(xLabel, left, right, middle: Double(height) - 14)
        canvas.text(fitted(yLabel, bottom - top), up: 14, middle: (top + bottom) / 2)
        var at = left
        for (i, name) in keys.enumerated() where at + 40 < right {
            let shown = fitted(name, right - at - 26)
            let colour = UInt32(Self.colours[i % Self.colours.count].dropFirst(), radix: 16) ?? 0
            canvas.line((at, top - 12), (at + (hasPoints ? 0 : 18), top - 12), colour, hasPoints ? 6 : 3)
            canvas.text(shown, right: at + 26 + Double(shown.count) * cell, middle: top - 12)
            at += 44 + Double(shown.count) * cell
        }
        var curve = 0
        for layer in layers {
            switch layer {
            case .heat: break
            case .band(let steps):
                let scale = (right - left) / Double(max(steps.count, 1))
                for (i, step) in steps.enumerated() {
                    let x = left + (Double(i) + 0.5) * scale
                    canvas.line((x, py(step.high)), (x, py(step.low)), 0x2563EB, max(1, scale))
                }
            case .line(_, let points):
                let colour = UInt32(Self.colours[curve % Self.colours.count].dropFirst(), radix: 16) ?? 0
                for i in points.indices {
                    let from = points[max(0, i - 1)], to = points[i]
                    canvas.line((px(from.x), py(from.y)), (px(to.x), py(to.y)), colour, points.count == 1 ? 5 : 2)
                }
                curve += 1
            case .points(_, let points):
                let colour = UInt32(Self.colours[curve % Self.colours.count].dropFirst(), radix: 16) ?? 0
                for point in points {
                    canvas.line(
                        (px(point.x), py(point.y)), (px(point.x), py(point.y)), colour, points.count > 300 ? 3 : 5)
                }
                curve += 1
            case .bars(let bars):
                for bar in bars where bar.height > 0 {
                    let gap = px(bar.to) - px(bar.from) > 4 ? 0.5 : 0
                    canvas.fill(
                        px(bar.from) + gap, py(bar.height), max(px(bar.to) - gap, px(bar.from) + gap + 0.5), bottom,
                        0x2563EB)
                }
            }
        }
        return canvas.png
    }
}

/// A white sheet, drawn at twice its size and then halved, which smooths the edges.
private struct Canvas {
    private static let fine = 2
    private let width: Int, height: Int
    private var rgb: [UInt8]

    package init(width: Int, height: Int) {
        (self.width, self.height) = (width * Self.fine, height * Self.fine)
        rgb = Array(repeating: 255, count: self.width * self.height * 3)
    }

    private mutating func set(_ x: Int, _ y: Int, _ colour: UInt32) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        let at = (y * width + x) * 3
        (rgb[at], rgb[at + 1], rgb[at + 2]) = (UInt8(colour >> 16 & 255), UInt8(colour >> 8 & 255), UInt8(colour & 255))
    }

    package mutating func line(_ from: (Double, Double), _ to: (Double, Double), _ colour: UInt32, _ thickness: Double)
    {
        let scale = Double(Self.fine)
        let (x0, y0, x1, y1) = (from.0 * scale, from.1 * scale, to.0 * scale, to.1 * scale)
        let steps = max(1, Int(max(abs(x1 - x0), abs(y1 - y0)).rounded(.up)))
        let size = max(1, Int((thickness * scale).rounded())), offset = size / 2
        for step in 0 ... steps {
            let t = Double(step) / Double(steps), x = Int((x0 + (x1 - x0) * t).rounded()) - offset,
                y = Int((y0 + (y1 - y0) * t).rounded()) - offset
            for dy in 0 ..< size { for dx in 0 ..< size { set(x + dx, y + dy, colour) } }
        }
    }

    package mutating func draw(_ map: HeatMap, _ left: Double, _ top: Double, _ width: Double, _ height: Double) {
        let w = Int(width) * Self.fine, h = Int(height) * Self.fine
        for y in 0 ..< h {
            for x in 0 ..< w {
                let (r, g, b) = HeatMap.colour(map.level(map.height * y / h, map.width * x / w))
                set(Int(left) * Self.fine + x, Int(top) * Self.fine + y, UInt32(r) << 16 | UInt32(g) << 8 | UInt32(b))
            }
        }
    }

    package mutating func fill(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double, _ colour: UInt32) {
        func place(_ at: Double) -> Int { Int((at * Double(Self.fine)).rounded()) }
        for y in place(top) ..< max(place(top) + 1, place(bottom)) {
            for x in place(left) ..< max(place(left) + 1, place(right)) { set(x, y, colour) }
        }
    }

    /// Letters at double size that end at `right`.
    package mutating func text(_ text: String, right: Double, middle: Double) {
        let unit = 2 * Self.fine, x = Int(right) * Self.fine - text.count * PixelFont.width * unit,
            y = Int(middle) * Self.fine - PixelFont.height * unit / 2
        Self.dots(text, unit) { set(x + $0, y + $1, 0x374151) }
    }

    /// The same from below upwards, their middle line at `up`.
    package mutating func text(_ text: String, up: Double, middle: Double) {
        let unit = 2 * Self.fine, x = Int(up) * Self.fine - PixelFont.height * unit / 2,
            y = Int(middle) * Self.fine + text.count * PixelFont.width * unit / 2
        Self.dots(text, unit) { set(x + $1, y - $0, 0x374151) }
    }

    private static func dots(_ text: String, _ unit: Int, _ draw: (Int, Int) -> Void) {
        for (place, letter) in text.enumerated() {
            for (row, bits) in PixelFont.rows(letter).enumerated() {
                for column in 0 ..< 5 where bits >> (4 - column) & 1 == 1 {
                    for dy in 0 ..< unit {
                        for dx in 0 ..< unit { draw((place * PixelFont.width + column) * unit + dx, row * unit + dy) }
                    }
                }
            }
        }
    }

    package var png: [UInt8] {
        let w = width / Self.fine, h = height / Self.fine
        var small = [UInt8](repeating: 0, count: w * h * 3)
        for y in 0 ..< h {
            for x in 0 ..< w {
                for c in 0 ..< 3 {
                    var sum = 0
                    for dy in 0 ..< Self.fine {
                        for dx in 0 ..< Self.fine {
                            sum += Int(rgb[((y * Self.fine + dy) * width + x * Self.fine + dx) * 3 + c])
                        }
                    }
                    small[(y * w + x) * 3 + c] = UInt8(sum / (Self.fine * Self.fine))
                }
            }
        }
        return PNG.encode(width: w, height: h, rgb: small)
    }
}
