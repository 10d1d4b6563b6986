import Foundation

/// Curves as an SVG picture with axes, labels and a legend.
struct CurvePlot {
    struct Curve { let name: String, points: [(x: Double, y: Double)] }

    var curves: [Curve]
    var xLabel = "", yLabel = ""
    let width = 760.0, height = 320.0
    private static let colours = ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2"]

    var svg: String {
        let points = curves.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        guard !points.isEmpty else { return "<p>no points to draw</p>" }
        let xTicks = Self.ticks(points.map(\.x).min()!, points.map(\.x).max()!), yTicks = Self.ticks(points.map(\.y).min()!, points.map(\.y).max()!)
        let (x0, x1) = (min(xTicks.first!, points.map(\.x).min()!), max(xTicks.last!, points.map(\.x).max()!))
        let (y0, y1) = (min(yTicks.first!, points.map(\.y).min()!), max(yTicks.last!, points.map(\.y).max()!))
        let left = 56.0, right = width - 16, top = 14.0, bottom = height - 40
        func px(_ x: Double) -> Double { left + (x - x0) / max(x1 - x0, 1e-12) * (right - left) }
        func py(_ y: Double) -> Double { bottom - (y - y0) / max(y1 - y0, 1e-12) * (bottom - top) }
        var out = "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">"
        for tick in yTicks {
            out += line(left, py(tick), right, py(tick), "#e5e7eb") + text(left - 6, py(tick) + 4, Self.number(tick), "end")
        }
        for tick in xTicks { out += line(px(tick), bottom, px(tick), bottom + 4, "#6b7280") + text(px(tick), bottom + 18, Self.number(tick), "middle") }
        out += line(left, bottom, right, bottom, "#6b7280") + text((left + right) / 2, height - 4, HTML.escape(xLabel), "middle")
        out += "<text x=\"14\" y=\"\((top + bottom) / 2)\" text-anchor=\"middle\" fill=\"#374151\" transform=\"rotate(-90 14 \((top + bottom) / 2))\">\(HTML.escape(yLabel))</text>"
        for (i, curve) in curves.enumerated() {
            let colour = Self.colours[i % Self.colours.count]
            let path = curve.points.filter { $0.x.isFinite && $0.y.isFinite }.map { String(format: "%.1f,%.1f", px($0.x), py($0.y)) }.joined(separator: " ")
            out += "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" points=\"\(path)\"/>"
            out += "<rect x=\"\(right - 150)\" y=\"\(top + 4 + Double(i) * 18)\" width=\"12\" height=\"3\" fill=\"\(colour)\"/>" + text(right - 132, top + 9 + Double(i) * 18, HTML.escape(curve.name), "start")
        }
        return out + "</svg>"
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> String {
        String(format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%@\"/>", x1, y1, x2, y2, colour)
    }

    private func text(_ x: Double, _ y: Double, _ content: String, _ anchor: String) -> String {
        String(format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" fill=\"#374151\">%@</text>", x, y, anchor, content)
    }

    /// Four to eight round numbers that span the range.
    static func ticks(_ low: Double, _ high: Double) -> [Double] {
        let span = max(high - low, max(abs(high), 1e-9) * 1e-3)
        let raw = span / 5, magnitude = pow(10, floor(log10(raw)))
        let step = [1, 2, 5, 10].first { $0 * magnitude >= raw }! * magnitude
        return Array(stride(from: floor(low / step) * step, through: high + step * 0.999, by: step))
    }

    static func number(_ value: Double) -> String {
        let clean = abs(value) < 1e-12 ? 0 : value
        return String(format: "%.6g", clean)
    }
}
