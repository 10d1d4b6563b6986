import Foundation

extension Plot {
    static let colours = ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2"]

    /// An SVG element that also stands alone as a file; there it needs a background of its own.
    func svg(width: Double = 760, height: Double = 320, background: Bool = false) -> String {
        let left = 56.0, right = width - 16, bottom = height - 40
        let keys = keyPlaces(from: left, to: right), above = title.isEmpty ? 14.0 : 32.0
        // The names of the curves stand above the axes, where no curve runs through them; at most half the height is theirs.
        let top = min(above + Double((keys.last?.row ?? -1) + 1) * 18, height / 2)
        func px(_ at: Double) -> Double { left + (at - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-12) * (right - left) }
        func py(_ at: Double) -> Double { bottom - (at - y.lowerBound) / max(y.upperBound - y.lowerBound, 1e-12) * (bottom - top) }
        var out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">"
        if background { out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>" }
        if !title.isEmpty { out += text((left + right) / 2, 18, title, "middle") }
        for case .heat(let map) in layers {
            let png = PNG.encode(width: map.width, height: map.height, rgb: map.rgb)
            out += String(format: "<image x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" href=\"", left, top, right - left, bottom - top) + HTML.data("image/png", png) + "\"/>"
        }
        for tick in yTicks {
            out += line(left, py(tick.at), hasHeat ? left - 4 : right, py(tick.at), hasHeat ? "#6b7280" : "#e5e7eb") + text(left - 6, py(tick.at) + 4, tick.label, "end")
        }
        for tick in xTicks { out += line(px(tick.at), bottom, px(tick.at), bottom + 4, "#6b7280") + text(px(tick.at), bottom + 18, tick.label, "middle") }
        out += line(left, bottom, right, bottom, "#6b7280") + text((left + right) / 2, height - 4, xLabel, "middle")
        out += "<text x=\"14\" y=\"\((top + bottom) / 2)\" text-anchor=\"middle\" fill=\"#374151\" transform=\"rotate(-90 14 \((top + bottom) / 2))\">\(HTML.escape(yLabel))</text>"
        var curve = 0
        for layer in layers {
            switch layer {
            case .heat: break
            case .band(let steps):
                let scale = (right - left) / Double(max(steps.count, 1))
                let upper = steps.enumerated().map { String(format: "%.1f,%.1f", left + (Double($0) + 0.5) * scale, py($1.high)) }
                let lower = steps.enumerated().reversed().map { String(format: "%.1f,%.1f", left + (Double($0) + 0.5) * scale, py($1.low)) }
                out += "<polygon fill=\"\(Self.colours[0])\" stroke=\"\(Self.colours[0])\" stroke-width=\"0.7\" points=\"\((upper + lower).joined(separator: " "))\"/>"
            case .line(_, let points):
                let path = points.map { String(format: "%.1f,%.1f", px($0.x), py($0.y)) }.joined(separator: " ")
                out += "<polyline fill=\"none\" stroke=\"\(Self.colours[curve % Self.colours.count])\" stroke-width=\"2\"\(dashes(curve)) points=\"\(path)\"/>"
                if points.count == 1 { out += String(format: "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%@\"/>", px(points[0].x), py(points[0].y), Self.colours[curve % Self.colours.count]) }
                curve += 1
            }
        }
        for (i, key) in keys.enumerated() where above + Double(key.row) * 18 < top {
            let y = above + Double(key.row) * 18
            out += "<line x1=\"\(key.x)\" y1=\"\(y)\" x2=\"\(key.x + 18)\" y2=\"\(y)\" stroke=\"\(Self.colours[i % Self.colours.count])\" stroke-width=\"3\"\(dashes(i))/>"
                + text(key.x + 24, y + 4, key.name, "start")
        }
        return out + "</svg>"
    }

    /// The colours begin again after six curves: then lines are dashed.
    private func dashes(_ curve: Int) -> String {
        let round = curve / Self.colours.count
        return round == 0 ? "" : " stroke-dasharray=\"\(round * 6) 3\""
    }

    /// Where the names of the curves stand: in rows, each as wide as it is.
    private func keyPlaces(from left: Double, to right: Double) -> [(name: String, x: Double, row: Int)] {
        var x = left, row = 0
        return legend.map { name in
            let width = Double(name.columns) * 6.8 + 44
            if x > left, x + width > right { (x, row) = (left, row + 1) }
            defer { x += width }
            return (name, x, row)
        }
    }

    var hasHeat: Bool { layers.contains { if case .heat = $0 { true } else { false } } }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
        String(format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%@\"/>", x1, y1, x2, y2, colour)
    }

    private func text(_ x: Double, _ y: Double, _ content: String, _ anchor: String) -> String {
        String(format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" fill=\"#374151\">", x, y, anchor) + HTML.escape(content) + "</text>"
    }
}
