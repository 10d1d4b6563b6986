extension Plot {
    /// PNG bytes. Numbers stand at the axes; titles and labels are only in SVG, for want of a font.
    func png(width: Int = 900, height: Int = 400) -> [UInt8] {
        var canvas = Canvas(width: width, height: height)
        let left = 64.0, right = Double(width) - 16, top = 14.0, bottom = Double(height) - 30
        func px(_ at: Double) -> Double { left + (at - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12) * (right - left) }
        func py(_ at: Double) -> Double { bottom - (at - y.lowerBound) / max(y.upperBound - y.lowerBound, 1e-12) * (bottom - top) }
        for case .heat(let map) in layers { canvas.draw(map, left, top, right - left, bottom - top) }
        for tick in yTicks {
            if !hasHeat { canvas.line((left, py(tick.at)), (right, py(tick.at)), 0xE5E7EB, 1) }
            canvas.text(tick.label, right: left - 6, middle: py(tick.at))
        }
        for tick in xTicks {
            canvas.line((px(tick.at), bottom), (px(tick.at), bottom + 4), 0x6B7280, 1)
            canvas.text(tick.label, right: px(tick.at) + Double(tick.label.count) * 6, middle: bottom + 15)
        }
        canvas.line((left, bottom), (right, bottom), 0x6B7280, 1)
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

    init(width: Int, height: Int) {
        (self.width, self.height) = (width * Self.fine, height * Self.fine)
        rgb = Array(repeating: 255, count: self.width * self.height * 3)
    }

    private mutating func set(_ x: Int, _ y: Int, _ colour: UInt32) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        let at = (y * width + x) * 3
        (rgb[at], rgb[at + 1], rgb[at + 2]) = (UInt8(colour >> 16 & 255), UInt8(colour >> 8 & 255), UInt8(colour & 255))
    }

    mutating func line(_ from: (Double, Double), _ to: (Double, Double), _ colour: UInt32, _ thickness: Double) {
        let scale = Double(Self.fine)
        let (x0, y0, x1, y1) = (from.0 * scale, from.1 * scale, to.0 * scale, to.1 * scale)
        let steps = max(1, Int(max(abs(x1 - x0), abs(y1 - y0)).rounded(.up)))
        let size = max(1, Int((thickness * scale).rounded())), offset = size / 2
        for step in 0...steps {
            let t = Double(step) / Double(steps), x = Int((x0 + (x1 - x0) * t).rounded()) - offset, y = Int((y0 + (y1 - y0) * t).rounded()) - offset
            for dy in 0..<size { for dx in 0..<size { set(x + dx, y + dy, colour) } }
        }
    }

    mutating func draw(_ map: HeatMap, _ left: Double, _ top: Double, _ width: Double, _ height: Double) {
        let w = Int(width) * Self.fine, h = Int(height) * Self.fine
        for y in 0..<h {
            for x in 0..<w {
                let (r, g, b) = HeatMap.colour(map.level(map.height * y / h, map.width * x / w))
                set(Int(left) * Self.fine + x, Int(top) * Self.fine + y, UInt32(r) << 16 | UInt32(g) << 8 | UInt32(b))
            }
        }
    }

    /// Digits and a few letters, each five by seven in a cell of six, drawn at double size.
    mutating func text(_ text: String, right: Double, middle: Double) {
        let unit = 2 * Self.fine
        var x = Int(right) * Self.fine - text.count * 6 * unit
        let y = Int(middle) * Self.fine - 7 * unit / 2
        for character in text {
            for (row, bits) in (Self.glyphs[character] ?? []).enumerated() {
                for column in 0..<5 where bits >> (4 - column) & 1 == 1 {
                    for dy in 0..<unit { for dx in 0..<unit { set(x + column * unit + dx, y + row * unit + dy, 0x374151) } }
                }
            }
            x += 6 * unit
        }
    }

    private static let glyphs: [Character: [UInt8]] = [
        "0": [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        "3": [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
        "4": [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        "5": [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        "6": [0b01110, 0b10000, 0b11110, 0b10001, 0b10001, 0b10001, 0b01110],
        "7": [0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000],
        "8": [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        "9": [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001, 0b01110],
        ".": [0, 0, 0, 0, 0, 0b00110, 0b00110], "-": [0, 0, 0, 0b01110, 0, 0, 0], "+": [0, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0],
        "e": [0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110], "k": [0b10000, 0b10000, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010],
    ]

    var png: [UInt8] {
        let w = width / Self.fine, h = height / Self.fine
        var small = [UInt8](repeating: 0, count: w * h * 3)
        for y in 0..<h {
            for x in 0..<w {
                for c in 0..<3 {
                    var sum = 0
                    for dy in 0..<Self.fine { for dx in 0..<Self.fine { sum += Int(rgb[((y * Self.fine + dy) * width + x * Self.fine + dx) * 3 + c]) } }
                    small[(y * w + x) * 3 + c] = UInt8(sum / (Self.fine * Self.fine))
                }
            }
        }
        return PNG.encode(width: w, height: h, rgb: small)
    }
}
